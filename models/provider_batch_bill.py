"""What the lines of a file cost goes into the ledger, and their answers to the paid ones."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from domain.ports import LlmReply
from models.llm_call import AnswerKey, Bill, LlmAnswerRow, LlmCallRow

_NOW = text("clock_timestamp()")


@dataclass(frozen=True, slots=True, kw_only=True)
class BilledLine:
    """One answered line: what it answers, under which claim, and what it cost."""

    key: AnswerKey
    claim_no: int
    reply: LlmReply
    bill: Bill


def insert_billed_lines(session: Session, lines: Sequence[BilledLine]) -> None:
    """Write down calls that were answered before they stood in the ledger, and keep the answers.

    An answer takes the place of an equal request's earlier one, as that of a call on demand does.
    """
    if not lines:
        return
    calls = insert(LlmCallRow).values(state="answered", finished_at=_NOW)
    session.execute(calls, [_describe_call(line) for line in lines])
    answers = insert(LlmAnswerRow).values(created_at=_NOW)
    told = answers.excluded
    names = ("job_id", "step", "model", "finish_reason", "body", "simulated", "created_at")
    session.execute(
        answers.on_conflict_do_update(
            index_elements=["seller_id", "request_hash", "variant"],
            set_={name: told[name] for name in names},
        ),
        [_describe_answer(line) for line in lines],
    )


def _describe_call(line: BilledLine) -> dict[str, Any]:
    key, reply, bill = line.key, line.reply, line.bill
    return {
        "seller_id": key.seller_id,
        "job_id": key.job_id,
        "step": key.step,
        "claim_no": line.claim_no,
        "model": reply.model,
        "tier": bill.tier,
        "prompt_tokens": reply.prompt_tokens,
        "cached_tokens": reply.cached_tokens,
        "completion_tokens": reply.completion_tokens,
        "cost_pico": bill.cost_pico,
        "price_id": bill.price_id,
        "provider_request_id": reply.provider_request_id,
        "simulated": bill.simulated,
    }


def _describe_answer(line: BilledLine) -> dict[str, Any]:
    key, reply = line.key, line.reply
    return {
        "seller_id": key.seller_id,
        "request_hash": key.request_hash,
        "variant": key.variant,
        "job_id": key.job_id,
        "step": key.step,
        "model": reply.model,
        "finish_reason": reply.finish_reason,
        "body": reply.text.replace("\x00", ""),
        "simulated": line.bill.simulated,
    }


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
