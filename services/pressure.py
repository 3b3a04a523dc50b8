"""Refuses new work early, while what was accepted can still be done; nothing accepted is lost."""

from __future__ import annotations

import uuid
from typing import Final

from sqlalchemy.orm import Session

from core.clock import monotonic_s
from core.errors import TooManyError, UnavailableError
from models import job_reads
from services.deps import Deps

RETRY_CROWDED_S: Final = 30.0
RETRY_BACKLOG_S: Final = 60.0

LARGE_BACKLOG: Final = 10_000
COUNTED_FOR_S: Final = 5.0
"""A large backlog takes milliseconds to count, and does not change much meanwhile."""


def require_room(deps: Deps, session: Session, seller_id: uuid.UUID, *, crowded: bool) -> None:
    """Raises UnavailableError when the queue is ``crowded``, TooManyError when the seller's is."""
    if crowded:
        raise UnavailableError(
            "the queue is nearly full.",
            remedy="Nothing was taken in; send it again later.",
            retry_after_s=RETRY_CROWDED_S,
        )
    most = deps.settings.seller_backlog_max
    if count_backlog(deps, session, seller_id) >= most:
        raise TooManyError(
            f"{most:,} of your jobs are not done yet, which is the most there may be.",
            remedy="Nothing was taken in; send it again when some have ended, or cancel some.",
            retry_after_s=RETRY_BACKLOG_S,
        )


def count_backlog(deps: Deps, session: Session, seller_id: uuid.UUID) -> int:
    """The seller's unfinished jobs, up to the limit; a large number may be some seconds old."""
    count, counted_s = deps.backlogs.get(seller_id, (0, 0.0))
    if count < LARGE_BACKLOG or monotonic_s() - counted_s > COUNTED_FOR_S:
        count = job_reads.count_backlog(session, seller_id, most=deps.settings.seller_backlog_max)
        if count >= LARGE_BACKLOG:
            deps.backlogs[seller_id] = (count, monotonic_s())
        else:
            deps.backlogs.pop(seller_id, None)
    return count
