"""What submitters know of the batch lane: whether it is open, and how a job waits for it."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from domain.batch_lane import FALLBACK_SHARE, WaitsFor
from domain.catalogue import get_llm
from models import disabled_llm
from models import provider_batch as lane
from models import provider_batch_item as items
from services.deps import Deps

_HOUR_S: Final = 3600
_AT_ONCE: Final = {"waits_for": None, "scheduled_at": text("clock_timestamp()")}


def find_window_s(deps: Deps) -> int:
    """Seconds that the provider has for a file."""
    return deps.settings.groq_batch_window_h * _HOUR_S


def is_configured(deps: Deps) -> bool:
    """Whether files of calls are wanted, and possible with the configured model."""
    return deps.has_llm and deps.settings.groq_batch and get_llm(deps.llm_model).batch


def is_open(deps: Deps, session: Session) -> bool:
    """Whether a job may wait for the batch lane: also not where the plan is known to refuse."""
    if not is_configured(deps) or deps.llm_model in disabled_llm.list_disabled(session):
        return False
    return not lane.find_refusal(session)


def estimate_wait(deps: Deps) -> dict[str, Any]:
    """How long an import takes whose calls go in files, in the words of other estimates."""
    window_s = find_window_s(deps)
    return {
        "duration_s": window_s,
        "duration": f"up to {window_s // _HOUR_S} hours",
        "calls_a_day": None,
    }


def let_wait(deps: Deps, session: Session, values: Sequence[dict[str, Any]]) -> None:
    """Have new jobs that will make a call wait for the lane, where it is open.

    They become due by themselves near the end of the window, whatever becomes of the lane.
    ``values`` are columns of new jobs, changed in place.
    """
    if not values or not is_open(deps, session):
        return
    until_s = round(find_window_s(deps) * FALLBACK_SHARE)
    due = text(f"clock_timestamp() + interval '{until_s} seconds'")
    waits = {"waits_for": WaitsFor.BATCH.value, "scheduled_at": due}
    for one in values:
        one.update(waits if one["est_tokens"] else _AT_ONCE)


def hurry(session: Session, seller_id: uuid.UUID, work_hashes: Sequence[str]) -> int:
    """Somebody wants this work now: where it waits for a file it waits no more; how many that were.

    What lies with the provider already is left there: it would be paid for twice.
    """
    return items.hurry_work(session, seller_id, work_hashes)
