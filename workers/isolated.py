"""The process of one job under suspicion: ``python -m workers.isolated JOB_ID``."""

from __future__ import annotations

import resource
import signal
import sys
import threading
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Final

from core.log import configure_logging
from core.settings import Settings, load_settings, process_environ
from services.deps import build_worker_deps
from services.run import run_job
from workers.runtime import Runtime

MOST_MEMORY_BYTES: Final = 2 * 1024**3
"""Beyond it the job fails by itself, before the whole container is out of memory."""


def run_isolated(settings: Settings, job_id: uuid.UUID) -> None:
    """Register as a process that serves no queue, run the job, leave in order."""
    runtime = Runtime(build_worker_deps(settings))
    # Not in the handler itself: it interrupts a thread that may hold the locks draining needs.
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=runtime.drain).start())
    runtime.start([], 1)
    run_job(runtime.deps, job_id, runtime, alone=True)
    runtime.drain()
    runtime.end()


def offer_to_die_first() -> None:
    """Limit our memory, and be the kernel's first choice when the machine has none left."""
    with suppress(OSError, ValueError):
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        resource.setrlimit(resource.RLIMIT_DATA, (MOST_MEMORY_BYTES, hard))
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")


if __name__ == "__main__":
    offer_to_die_first()
    chosen = load_settings(process_environ())
    configure_logging(level=chosen.log_level, json_lines=chosen.log_format == "json")
    run_isolated(chosen, uuid.UUID(sys.argv[1]))
