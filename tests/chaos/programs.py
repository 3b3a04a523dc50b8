"""Programs that a row may kill: none of them outlives the process that started it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from core.clock import wait_until
from embedded.processes import ProcessSpec, spawn
from services.deps import Deps
from tests.support.jobs import query
from tests.support.servers import ROOT

START_S: Final = 90.0
ALL_LANES: Final = ("files", "interactive", "bulk", "scheduled")
DRAIN_MS: Final = 20_000


@dataclass(slots=True)
class Program:
    """One program in a process group of its own, started and killed again and again."""

    spec: ProcessSpec
    _process: subprocess.Popen[bytes] | None = field(default=None)

    def start(self) -> None:
        """Start it."""
        self._process = spawn(self.spec)

    def send(self, number: signal.Signals) -> None:
        """Signal the whole group."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)

    def kill(self, number: signal.Signals = signal.SIGKILL) -> int:
        """Signal the whole group, wait for its leader's end, end the rest; the leader's code."""
        if self._process is None:
            return 0
        self.send(number)
        code = self._process.wait(timeout=60)
        self.send(signal.SIGKILL)
        self._process = None
        return code

    def terminate(self, *, timeout_s: float) -> int:
        """Ask the leader alone to end, as a platform does; its code."""
        assert self._process is not None, "not started"
        self._process.terminate()
        try:
            return self._process.wait(timeout=timeout_s)
        finally:
            self.kill()

    @property
    def is_alive(self) -> bool:
        """Whether its leader runs."""
        return self._process is not None and self._process.poll() is None


@dataclass(slots=True)
class Worker:
    """A worker of all lanes; its number of threads is unlike any other's, so it can be found."""

    program: Program
    threads: int
    deps: Deps

    def start(self) -> None:
        """Start it and wait until the database knows it."""
        before = self.process_id
        self.program.start()
        self.wait(before)

    def wait(self, before: str) -> None:
        """Until the database knows it by another id than ``before``."""
        known = wait_until(lambda: self.process_id not in {before, ""}, timeout_s=START_S)
        assert known, self.log

    def kill(self, number: signal.Signals = signal.SIGKILL) -> int:
        """Signal the whole group and wait for its end."""
        return self.program.kill(number)

    @property
    def process_id(self) -> str:
        """Its newest id in the table of processes, "" before its first."""
        newest = "SELECT id FROM app.worker_process WHERE threads = :n ORDER BY started_at DESC"
        found = query(self.deps, f"{newest} LIMIT 1", n=self.threads)
        return str(found[0][0]) if found else ""

    @property
    def log(self) -> str:
        """What it has said."""
        path = self.program.spec.log_path
        return path.read_text(errors="replace")[-4000:] if path and path.exists() else ""


def build_worker(
    deps: Deps,
    folder: Path,
    *,
    threads: int,
    reaches: Deps | None = None,
    queues: Sequence[str] = ALL_LANES,
    env: Mapping[str, str] | None = None,
) -> Worker:
    """A worker, not started; ``reaches`` are the deps whose addresses it is given."""
    argv = [
        *(sys.executable, "-m", "dramatiq", "workers.main", "--skip-logging"),
        *("--processes", "1", "--threads", str(threads)),
        *("--worker-shutdown-timeout", str(DRAIN_MS), "--queues", *queues),
    ]
    settings = (reaches or deps).settings
    environ = {
        **pick_environ(),
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "dramatiq_queue_prefetch": str(threads + 4),
        "LOG_FORMAT": "json",
        "LOG_LEVEL": "warning",
        **(env or {}),
    }
    spec = ProcessSpec(
        name=f"worker-{threads}",
        argv=argv,
        env=environ,
        cwd=ROOT,
        log_path=folder / f"worker-{threads}.log",
    )
    return Worker(Program(spec), threads, deps)


@contextmanager
def running(*workers: Worker) -> Iterator[None]:
    """Start them all at once, wait until the database knows each, kill what is left at the end."""
    try:
        before = [worker.process_id for worker in workers]
        for worker in workers:
            worker.program.start()
        for worker, old in zip(workers, before, strict=True):
            worker.wait(old)
        yield
    finally:
        for worker in workers:
            worker.kill()


def pick_environ() -> dict[str, str]:
    """What a program needs of our own environment, without any address or key."""
    return {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
