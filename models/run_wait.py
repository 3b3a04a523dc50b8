"""What the unfinished jobs of one batch wait for."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitRow:
    """Jobs that wait for the same: "" where only their own time is awaited.

    ``seconds`` is the least that one of them waits yet; ``detail`` the newest fault of one.
    """

    waits_for: str
    jobs: int
    seconds: float
    detail: str


def list_waits(session: Session, seller_id: uuid.UUID, batch_id: uuid.UUID) -> list[WaitRow]:
    """The waits of a batch's jobs that are not due, the most jobs first."""
    found = session.execute(
        text(
            "SELECT coalesce(waits_for, '') AS waits_for, count(*) AS jobs,"
            " extract(epoch FROM min(scheduled_at) - clock_timestamp())::float AS seconds,"
            " coalesce(max(error_detail), '') AS detail FROM app.job"
            " WHERE seller_id = :seller AND batch_id = :batch"
            " AND state IN ('available', 'retryable') AND scheduled_at > clock_timestamp()"
            " GROUP BY 1 ORDER BY 2 DESC"
        ),
        {"seller": seller_id, "batch": batch_id},
    )
    return [WaitRow(**row) for row in found.mappings()]


def count_active(session: Session, seller_id: uuid.UUID, batch_id: uuid.UUID) -> int:
    """Jobs of a batch that run, or are due."""
    found = session.execute(
        text(
            "SELECT count(*) FROM app.job WHERE seller_id = :seller AND batch_id = :batch"
            " AND (state = 'running' OR (state IN ('available', 'retryable')"
            "  AND scheduled_at <= clock_timestamp()))"
        ),
        {"seller": seller_id, "batch": batch_id},
    )
    return int(found.scalar_one())
