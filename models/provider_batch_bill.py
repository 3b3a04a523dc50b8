"""What a line of a file cost goes into the ledger, and its answer to the paid ones."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from domain.ports import LlmReply
from models.llm_call import AnswerKey, Bill, LlmAnswerRow, LlmCallRow


def insert_billed_line(
    session: Session, key: AnswerKey, *, claim_no: int, reply: LlmReply, bill: Bill
) -> None:
    """Write down a call that was answered before it stood in the ledger."""
    session.execute(
        insert(LlmCallRow).values(
            seller_id=key.seller_id,
            job_id=key.job_id,
            step=key.step,
            claim_no=claim_no,
            state="answered",
            model=reply.model,
            tier=bill.tier,
            prompt_tokens=reply.prompt_tokens,
            cached_tokens=reply.cached_tokens,
            completion_tokens=reply.completion_tokens,
            cost_pico=bill.cost_pico,
            price_id=bill.price_id,
            provider_request_id=reply.provider_request_id,
            simulated=bill.simulated,
            finished_at=text("clock_timestamp()"),
        )
    )


def keep_answer(session: Session, key: AnswerKey, *, reply: LlmReply, simulated: bool) -> None:
    """Keep a paid answer in place of an equal request's earlier one, as a call on demand does."""
    values = {
        "job_id": key.job_id,
        "step": key.step,
        "model": reply.model,
        "finish_reason": reply.finish_reason,
        "body": reply.text.replace("\x00", ""),
        "simulated": simulated,
        "created_at": text("clock_timestamp()"),
    }
    names = {
        "seller_id": key.seller_id,
        "request_hash": key.request_hash,
        "variant": key.variant,
    }
    session.execute(
        insert(LlmAnswerRow)
        .values(**names, **values)
        .on_conflict_do_update(index_elements=list(names), set_=values)
    )


def list_answered(session: Session, hashes: Sequence[str]) -> set[tuple[uuid.UUID, str, int]]:
    """Which of these requests have a paid answer: (seller, hash, variant)."""
    found = session.execute(
        text(
            "SELECT seller_id, request_hash, variant FROM app.llm_answer"
            " WHERE request_hash = ANY(:hashes)"
        ),
        {"hashes": list(hashes)},
    )
    return {(seller, digest, variant) for seller, digest, variant in found}
