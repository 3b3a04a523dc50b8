"""What went wrong in a batch, in words for people."""

from __future__ import annotations

import uuid

from models import job_reads, llm_use
from services.deps import Deps
from services.llm_step import UNANSWERED


def find_fallback_reason(deps: Deps, seller_id: uuid.UUID, batch_id: uuid.UUID) -> str:
    """Why listings of a batch were written by rules instead of the language model, "" if none."""
    with deps.database.transaction(seller=seller_id) as session:
        return job_reads.find_fallback_reason(session, seller_id, batch_id)


def list_failures(
    deps: Deps, seller_id: uuid.UUID, batch_id: uuid.UUID, *, limit: int = 100
) -> list[dict[str, str]]:
    """Jobs of a batch that ended without a result, with the listing's key and the reason."""
    with deps.database.transaction(seller=seller_id) as session:
        return [
            {"listing": key, "state": state, "code": code or "", "message": message or ""}
            for key, state, code, message in job_reads.list_batch_failures(
                session, seller_id, batch_id, limit=limit
            )
        ]


def sum_unanswered(deps: Deps, seller_id: uuid.UUID, batch_id: uuid.UUID) -> tuple[int, int]:
    """Calls that may have been billed without an answer, and the most they cost in picodollars."""
    with deps.database.transaction(seller=seller_id) as session:
        return llm_use.sum_unanswered(session, seller_id, batch_id, code=UNANSWERED)
