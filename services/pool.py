"""Pools: a command that brings its own worker has its jobs to itself."""

from __future__ import annotations

from core.errors import UnavailableError
from core.log import get_logger
from services.deps import Deps
from services.dispatch import cancel_abandoned, cancel_pool

log = get_logger(__name__)


def end_abandoned(deps: Deps) -> None:
    """End what commands that died left unfinished, so that the same work can be asked for again."""
    with deps.database.transaction(system="end abandoned pools") as session:
        cancel_abandoned(session)


def close_pool(deps: Deps) -> None:
    """Leave nothing of this pool behind: neither waiting jobs nor keys on the road."""
    try:
        with deps.database.transaction(system="close pool") as session:
            cancel_pool(session, deps.pool)
        deps.queue.delete_all()
    except UnavailableError as fault:
        log.warning("pool_not_closed", pool=deps.pool, reason=fault.message)
