"""The command as people start it: a process of its own, on the servers of the test run."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.clock import wait_until
from services.deps import Deps
from tests.support.jobs import query
from tests.support.processes import list_processes
from tests.support.servers import ROOT

TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class Ended:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def object(self) -> dict[str, Any]:
        """What ``--json`` printed: standard output must hold nothing else."""
        return dict(json.loads(self.out))


@dataclass(slots=True)
class Started:
    """A command under way."""

    process: subprocess.Popen[str]

    def end(self) -> Ended:
        """Wait for its end."""
        out, err = self.process.communicate(timeout=TIMEOUT_S)
        return Ended(self.process.returncode, out, err)

    def interrupt(self) -> None:
        """Ctrl-C: the terminal sends it to the whole group."""
        os.killpg(self.process.pid, signal.SIGINT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """``flask optimize`` with an environment of its own."""

    environ: dict[str, str]

    def run(self, *arguments: object, **environ: str) -> Ended:
        """Run it to its end."""
        with self.start(*arguments, **environ) as started:
            return started.end()

    @contextmanager
    def start(self, *arguments: object, **environ: str) -> Iterator[Started]:
        """Start it; killed with what it started when the block is left before its end."""
        process = subprocess.Popen(
            [*flask(), "optimize", *map(str, arguments)],
            cwd=ROOT,
            env={**self.environ, **environ},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            yield Started(process)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            for stream in (process.stdout, process.stderr):
                if stream is not None:
                    stream.close()
            process.wait()


def flask() -> list[str]:
    """The operator's commands."""
    return [sys.executable, "-m", "flask", "--app", "app.py"]


def build_command(database_url: str, redis_url: str, home: Path, **more: str) -> Command:
    """The command in an otherwise empty environment."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL") if name in os.environ}
    servers = {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "HOME": str(home)}
    return Command(environ={**kept, **servers, **more})


def find_pool(deps: Deps) -> str:
    """The pool of the one command that runs, once it has jobs to optimize."""
    running = "SELECT DISTINCT pool FROM app.job WHERE kind = 'optimize' AND pool <> 'default'"
    assert wait_until(lambda: len(query(deps, running)) == 1, timeout_s=TIMEOUT_S)
    return str(query(deps, running)[0][0])


def kill_workers(pool: str) -> int:
    """Kill every worker process of a pool at once; how many those were."""
    found = [pid for pid, argv in list_processes(Path(pool)).items() if "dramatiq" in argv]
    for pid in found:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return len(found)
