"""Jobs that wait because no language model can be asked."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.orm import Session

FOR_PROVIDER = "provider"
"""``waits_for`` of a job that was given back because no model could be asked."""


def wake_released(session: Session, pool: str, *, limit: int) -> int:
    """Make jobs due that wait for a provider to be back, the oldest first; how many."""
    found = session.execute(
        text(
            "UPDATE app.job SET waits_for = NULL, scheduled_at = clock_timestamp()"
            " WHERE id IN (SELECT id FROM app.job WHERE pool = :pool AND waits_for = :waits_for"
            "  AND state = 'available' ORDER BY created_at LIMIT :limit FOR UPDATE SKIP LOCKED)"
            " RETURNING id"
        ),
        {"pool": pool, "waits_for": FOR_PROVIDER, "limit": limit},
    )
    return len(found.all())
