"""The worker of one command: its own pool, its own environment, restarted when it dies."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from core.clock import monotonic_s
from core.errors import SettingsError, UnavailableError
from core.settings import Settings
from embedded.processes import ProcessSpec, finish, get_log_tail, spawn, stop

CHECKOUT = Path(__file__).resolve().parent.parent
LLM_THREADS: Final = 16
RULES_THREADS: Final = 2
RESTARTS_ALLOWED: Final = 10
RESTART_WINDOW_S: Final = 120.0
DRAIN_S: Final = 20
REFUSED_STATUS: Final = 78
"""As ``workers.middleware`` says it: not imported, for that would start what it needs."""


@dataclass(slots=True)
class RunWorker:
    """A worker process that serves one pool until it is stopped."""

    spec: ProcessSpec
    _process: subprocess.Popen[bytes] | None = None
    _starts_s: list[float] = field(default_factory=list)
    _asked_to_stop: bool = False

    def ensure_running(self) -> None:
        """Start it, or start it again when it has died.

        Call it from the main thread: the worker lives as long as the thread that started it.
        Raises SettingsError when its settings keep it from starting, and UnavailableError when it
        keeps dying, both with its last lines.
        """
        if self._process is not None and self._process.poll() is None:
            return
        if self._process is not None and self._process.returncode == REFUSED_STATUS:
            raise SettingsError(f"the worker refuses to start. Its last lines:\n{self._last_lines}")
        now_s = monotonic_s()
        self._starts_s = [one for one in self._starts_s if now_s - one < RESTART_WINDOW_S]
        if len(self._starts_s) > RESTARTS_ALLOWED:
            raise UnavailableError(f"the worker keeps dying. Its last lines:\n{self._last_lines}")
        if self._process is not None:
            stop(self.spec, process=self._process)
        self._starts_s.append(now_s)
        self._process = spawn(self.spec)

    @property
    def _last_lines(self) -> str:
        return get_log_tail(self.spec.log_path) if self.spec.log_path else ""

    def begin_stop(self) -> None:
        """Ask it to end while something else is done; ``stop`` then waits less."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(self.spec.stop_signal)
            self._asked_to_stop = True

    def stop(self) -> None:
        """Let it finish what it does, within its drain time."""
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(KeyboardInterrupt, subprocess.TimeoutExpired):
            if self._asked_to_stop:  # asked twice, Dramatiq would end at once
                process.wait(timeout=self.spec.stop_timeout_s)
                finish(process=process)
            else:
                stop(self.spec, process=process)


def build_run_worker(
    environ: Mapping[str, str], settings: Settings, *, llm: bool, log_path: Path
) -> RunWorker:
    """A worker for the pool of ``settings``.

    Work of the rules engine is computing, so it gets a process per core; calls of a language model
    are waiting, so they get threads.
    """
    processes, threads = (1, LLM_THREADS) if llm else (os.cpu_count() or 1, RULES_THREADS)
    argv = [
        *(sys.executable, "-m", "dramatiq", "workers.main"),
        *("--processes", str(processes), "--threads", str(threads)),
        *("--worker-shutdown-timeout", str(DRAIN_S * 1000)),
        *("--queues", "files", "bulk"),
    ]
    env = {
        **environ,
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "LISTWRIGHT_POOL": settings.worker_pool,
        "LOG_LEVEL": "warning",
        "PYTHONUNBUFFERED": "1",
    }
    return RunWorker(
        ProcessSpec(
            name="worker",
            argv=argv,
            env=env,
            cwd=CHECKOUT,
            stop_timeout_s=DRAIN_S + 5,
            log_path=log_path,
        )
    )
