"""Why a run does not go on, until when, and its end where that is not today."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass
from typing import Final

from core.clock import utc_now
from core.errors import UnavailableError
from models import batch as batches
from models.provider_wait import FOR_PROVIDER
from models.run_wait import WaitRow, count_active, list_waits
from models.spend import FOR_CAP
from services.deps import Deps
from services.llm_meters import read_meters

SHOWN_FROM_S: Final = 3.0
"""Shorter waits for the provider's limits are the usual pace."""

LONG_S: Final = 1800.0
"""Nobody sits before a run that waits longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunWait:
    """Why jobs of a run wait. ``is_long``: for so long that a person had better come back."""

    reason: str
    until: dt.datetime
    is_long: bool

    def __str__(self) -> str:
        """For the line of progress."""
        return f"{self.reason}; goes on at {self.until:%Y-%m-%d %H:%M:%S} UTC"


def find_wait(deps: Deps, seller_id: uuid.UUID, batch_id: uuid.UUID) -> RunWait | None:
    """What the jobs of a run wait for, None while it goes on.

    Files of the batch lane are no such wait: they are what was asked for.
    """
    with deps.database.transaction(seller=seller_id) as session:
        rows = list_waits(session, seller_id, batch_id)
        active = count_active(session, seller_id, batch_id) if rows else 0
    for row in rows:
        reason = _explain(deps, row)
        if reason and (row.waits_for or not active):
            until = utc_now() + dt.timedelta(seconds=row.seconds)
            is_long = row.seconds > LONG_S or row.waits_for == FOR_CAP
            return RunWait(reason=reason, until=until, is_long=is_long and not active)
    return None


def _explain(deps: Deps, row: WaitRow) -> str:
    if row.waits_for == FOR_CAP:
        return "waiting: a cap on spending is reached"
    if row.waits_for == FOR_PROVIDER:
        return f"waiting: {_find_trouble(deps) or 'the language model does not answer'}"
    if row.waits_for or row.seconds < SHOWN_FROM_S:
        return ""
    return f"waiting: {row.detail or 'the limits of the provider are used up'}"


def _find_trouble(deps: Deps) -> str:
    try:
        readings = read_meters(deps.meters, deps.disabled)
    except UnavailableError:
        return ""
    return next((f"{one.model} is {one.trouble}" for one in readings if one.trouble), "")


def halt_run(deps: Deps, seller_id: uuid.UUID, batch_id: uuid.UUID, reason: str) -> None:
    """What waits is not done in this run; what is done stays, and an equal run reuses it."""
    with deps.database.transaction(seller=seller_id) as session:
        batches.halt_batch(session, seller_id, batch_id, reason)
    deps.queue.wake_dispatcher()
