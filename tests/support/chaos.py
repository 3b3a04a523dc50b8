"""Real processes that a test may kill: a worker and a Valkey of its own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from core.clock import wait_until
from embedded.processes import ProcessSpec
from embedded.valkey import build_valkey, is_answering
from tests.support.servers import ROOT, make_test_folder


@dataclass(slots=True)
class Victim:
    """A program in a process group of its own, started and killed again and again."""

    argv: list[str]
    env: Mapping[str, str]
    _process: subprocess.Popen[bytes] | None = field(default=None)

    def start(self) -> None:
        """Start it."""
        self._process = subprocess.Popen(
            self.argv,
            cwd=ROOT,
            env=dict(self.env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal to the whole group, and wait for the end of its leader."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)
            self._process.wait(timeout=40)
            self._process = None


@contextmanager
def own_valkey() -> Iterator[tuple[Victim, str]]:
    """A running Valkey that keeps nothing, and its URL, which outlives its restarts."""
    folder = make_test_folder("listwright-chaos-")
    spec, url = build_valkey(folder, account=None, durable=False)
    server = build_victim(spec)
    server.start()
    try:
        assert wait_until(lambda: is_answering(url), timeout_s=10)
        yield server, url
    finally:
        server.kill()
        shutil.rmtree(folder)


def build_victim(spec: ProcessSpec) -> Victim:
    """The program of a spec."""
    return Victim([*spec.argv], {**os.environ, **spec.env})


@contextmanager
def own_worker(environ: Mapping[str, str], *, threads: int = 16) -> Iterator[Victim]:
    """A worker process of all lanes."""
    argv = [sys.executable, "-m", "dramatiq", "workers.main", "--processes", "1"]
    argv += ["--threads", str(threads), "--worker-shutdown-timeout", "20000", "--queues"]
    worker = Victim([*argv, "files", "interactive", "bulk", "scheduled"], environ)
    worker.start()
    try:
        yield worker
    finally:
        worker.kill()
