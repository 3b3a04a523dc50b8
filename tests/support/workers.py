"""Real worker processes for tests and benches: started, found in the database, killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from core.clock import wait_until
from services.deps import Deps
from tests.support.jobs import query

ROOT = Path(__file__).resolve().parents[2]
START_S = 60.0
ALIVE = "SELECT count(*) FROM app.worker_process WHERE draining_at IS NULL"


@dataclass(slots=True)
class WorkerProcess:
    """One ``dramatiq`` main with its worker process, in a group of their own."""

    argv: Sequence[str]
    env: Mapping[str, str]
    log_path: Path
    process: subprocess.Popen[bytes] | None = field(default=None)

    def start(self) -> None:
        """Start it; it is not ready yet."""
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                self.argv,
                cwd=ROOT,
                env=dict(self.env),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The main's id, which is its group's."""
        assert self.process is not None, "not started"
        return self.process.pid

    def kill(self) -> None:
        """Kill -9 all of it at once, as a platform does."""
        if self.process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(timeout=10)

    def terminate(self, *, timeout_s: float = 30.0) -> int:
        """Ask it to end; its exit code."""
        assert self.process is not None, "not started"
        self.process.terminate()
        return self.process.wait(timeout=timeout_s)

    def is_alive(self) -> bool:
        """Whether its main still runs."""
        return self.process is not None and self.process.poll() is None

    def read_log(self) -> str:
        """What it has said."""
        return self.log_path.read_text(errors="replace")


def build_worker_process(
    deps: Deps, folder: Path, *, queues: Sequence[str], threads: int = 4, **env: str
) -> WorkerProcess:
    """A worker process on the servers of ``deps``, not started yet."""
    argv = [
        *(sys.executable, "-m", "dramatiq", "workers.main", "--skip-logging"),
        *("--processes", "1", "--threads", str(threads)),
        *("--worker-shutdown-timeout", "10000", "--queues", *queues),
    ]
    settings = deps.settings
    environ = {
        "PATH": os.environ.get("PATH", ""),
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "PYTHONUNBUFFERED": "1",
        "LOG_FORMAT": "json",
        **env,
    }
    log_path = folder / f"worker-{'-'.join(queues)}.log"
    return WorkerProcess(argv=argv, env=environ, log_path=log_path)


@contextmanager
def running_workers(deps: Deps, *workers: WorkerProcess) -> Iterator[None]:
    """Start them all, wait until the database knows them, kill what is left at the end."""
    try:
        before = count_alive(deps)
        for worker in workers:
            worker.start()
        wanted = before + len(workers)
        if not wait_until(lambda: count_alive(deps) >= wanted, timeout_s=START_S):
            raise AssertionError("\n".join(worker.read_log() for worker in workers))
        yield
    finally:
        for worker in workers:
            worker.kill()


def count_alive(deps: Deps) -> int:
    """Worker processes that the database knows and that are not ending."""
    [(count,)] = query(deps, ALIVE)
    return int(count)
