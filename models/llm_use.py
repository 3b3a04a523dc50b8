"""What the newest lines of the ledger say about calls in general."""

from __future__ import annotations

import uuid

from sqlalchemy import text
from sqlalchemy.orm import Session

NEWEST = 200
FEWEST = 20
"""Fewer calls than these prove nothing."""


def find_used_share(session: Session) -> float | None:
    """Of the tokens that first calls were booked at, the part they used; None without enough calls.

    What the provider had in its cache does not count against its limits, nor here.
    """
    found = session.execute(
        text(
            "SELECT count(*), sum(greatest(prompt_tokens - cached_tokens, 0) + completion_tokens),"
            " sum(est_tokens) FROM (SELECT c.prompt_tokens, c.cached_tokens, c.completion_tokens,"
            "  j.est_tokens FROM app.llm_call c JOIN app.job j ON j.id = c.job_id"
            "  WHERE c.state = 'answered' AND c.step = 1 AND j.est_tokens > 0"
            "  ORDER BY c.id DESC LIMIT :newest) recent"
        ),
        {"newest": NEWEST},
    ).one()
    count, used, booked = found
    return float(used / booked) if count >= FEWEST and booked else None


def sum_unanswered(
    session: Session, seller_id: uuid.UUID, batch_id: uuid.UUID, *, code: str
) -> tuple[int, int]:
    """Calls of a batch's jobs that may be billed without an answer; the most picodollars of all.

    ``code`` is the error that the books name such a call by, where its process lived on.
    """
    found = session.execute(
        text(
            "SELECT count(*), coalesce(sum(c.est_pico), 0) FROM app.llm_call c"
            " JOIN app.job j ON j.seller_id = c.seller_id AND j.id = c.job_id"
            " WHERE j.seller_id = :seller AND j.batch_id = :batch"
            " AND (c.state = 'unknown' OR c.error_code = :code)"
        ),
        {"seller": seller_id, "batch": batch_id, "code": code},
    ).one()
    return int(found[0]), int(found[1])
