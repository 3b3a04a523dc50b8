"""Jobs that wait because a cap on spending is reached."""

from __future__ import annotations

import uuid

from sqlalchemy import text
from sqlalchemy.orm import Session

FOR_CAP = "spend_cap"
"""``waits_for`` of a job that waits because a cap on spending is reached."""


def wake_capped(session: Session, seller_id: uuid.UUID) -> None:
    """Make a seller's jobs due that wait for a cap: it is another one now."""
    session.execute(
        text(
            "UPDATE app.job SET waits_for = NULL, scheduled_at = clock_timestamp()"
            " WHERE seller_id = :seller AND state = 'available' AND waits_for = :waits_for"
        ),
        {"seller": seller_id, "waits_for": FOR_CAP},
    )
