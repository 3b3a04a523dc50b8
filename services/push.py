"""Sends the message of a job that was just committed: a hint that it is worth looking."""

from __future__ import annotations

from core.errors import UnavailableError
from core.log import get_logger
from domain.ports import Dispatch
from services.deps import Deps

log = get_logger(__name__)


def push_quietly(deps: Deps, dispatch: Dispatch) -> None:
    """Send one message; when the road is closed the dispatcher sends it later."""
    try:
        deps.queue.push([dispatch])
    except UnavailableError as fault:
        log.warning("push_failed", job_id=str(dispatch.job_id), reason=fault.message)
