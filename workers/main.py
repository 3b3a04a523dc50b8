"""The worker process: ``dramatiq workers.main -p 1 -t THREADS -Q LANE ...``.

No retry middleware: a failed try is written to the job's row, and the message is done with. No
time limit either: it cannot interrupt a socket, and every wait of a job has its own end.
"""

from __future__ import annotations

import uuid

import dramatiq

from core.log import configure_logging
from core.settings import load_settings, process_environ
from services.deps import build_worker_broker, build_worker_deps
from services.run import run_job as run
from workers.alone import run_alone
from workers.middleware import Lifecycle
from workers.runtime import Runtime

settings = load_settings(process_environ())
configure_logging(level=settings.log_level, json_lines=settings.log_format == "json")
lifecycle = Lifecycle(lambda: Runtime(build_worker_deps(settings)))
broker = build_worker_broker(settings, [lifecycle])
dramatiq.set_broker(broker)


@dramatiq.actor(broker=broker, actor_name="run_job", queue_name="bulk")
def run_job(job_id: str, *, alone: bool = False) -> None:
    """Run the job a message names; one that must be alone gets a process of its own."""
    runtime = lifecycle.runtime
    if not runtime.may_claim:
        return
    if alone:
        run_alone(job_id, runtime)
    else:
        run(runtime.deps, uuid.UUID(job_id), runtime)
