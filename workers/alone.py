"""Runs a job under suspicion in a process of its own: if it kills again, it kills only itself."""

from __future__ import annotations

import subprocess
import sys
import uuid
from typing import Final

from core.clock import wait_until
from core.log import get_logger
from services.run import MAX_RUN_S
from workers.runtime import Runtime

log = get_logger(__name__)

LONGEST_S: Final = MAX_RUN_S + 60.0
DRAIN_S: Final = 60.0
"""Below the worker's own shutdown timeout, see the Procfile."""

_POLL_S: Final = 0.1


def run_alone(job_id: str, runtime: Runtime) -> None:
    """Start the process and wait for its end, however it ends: the sweeper judges, not we.

    When our own process drains, the job's is asked to.
    """
    argv = [sys.executable, "-m", "workers.isolated", str(uuid.UUID(job_id))]
    process = subprocess.Popen(argv)  # noqa: S603 - our own program and a UUID
    wait_until(
        lambda: process.poll() is not None or not runtime.may_claim,
        timeout_s=LONGEST_S,
        poll_s=_POLL_S,
    )
    if process.poll() is None:
        process.terminate()
        wait_until(lambda: process.poll() is not None, timeout_s=DRAIN_S, poll_s=_POLL_S)
        process.kill()
    status = process.wait()
    if status != 0:
        log.warning("lone_job_died", job_id=job_id, status=status)
