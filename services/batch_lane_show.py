"""The batch lane as the operator sees it: whether it is open, what waits, what is under way."""

from __future__ import annotations

from typing import Any

from core.log import get_logger
from models import provider_batch as lane
from models import provider_batch_item as items
from services.batch_wait import is_configured
from services.deps import Deps

log = get_logger(__name__)


def show_lane(deps: Deps, *, limit: int = 20) -> dict[str, Any]:
    """Plain values; ``refusal`` is why the provider takes no batches, "" when it does (or may)."""
    with deps.database.transaction(system="show the batch lane") as session:
        refusal = lane.find_refusal(session)
        waiting, oldest_s = items.measure_waiting(session, deps.pool)
        return {
            "open": is_configured(deps) and not refusal,
            "refusal": refusal,
            "waiting": waiting,
            "oldest_s": oldest_s,
            "batches": lane.list_newest(session, limit=limit),
        }


def reopen_lane(deps: Deps) -> bool:
    """Try batches again after the plan refused them; whether it had."""
    with deps.database.transaction(system="reopen the batch lane") as session:
        reopened = lane.clear_refusals(session)
    log.info("batch_lane_reopened", had_been_refused=reopened)
    return reopened
