"""The ledger of calls to the language model, and the answers that were paid for."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Mapped, Session, mapped_column

from domain.ports import LlmReply
from models.base import Base, Json, MadeAt, SellerKey, Time
from models.session import Moves


class LlmCallRow(Base):
    """One HTTP call, planned before it is made; append-only but for its end."""

    __tablename__ = "llm_call"
    id: Mapped[int] = mapped_column(primary_key=True)
    seller_id: Mapped[uuid.UUID]
    job_id: Mapped[uuid.UUID]
    step: Mapped[int]
    claim_no: Mapped[int]
    state: Mapped[str]
    model: Mapped[str]
    tier: Mapped[str] = mapped_column(server_default="on_demand")
    est_pico: Mapped[int | None]
    prompt_tokens: Mapped[int | None]
    cached_tokens: Mapped[int | None]
    completion_tokens: Mapped[int | None]
    reasoning_tokens: Mapped[int | None]
    cost_pico: Mapped[int | None]
    price_id: Mapped[str]
    provider_request_id: Mapped[str]
    simulated: Mapped[bool]
    headers: Mapped[Json | None]
    error_code: Mapped[str]
    error_detail: Mapped[str] = mapped_column(server_default="")
    planned_at: Mapped[MadeAt]
    sent_at: Mapped[Time | None]
    finished_at: Mapped[Time | None]


class LlmAnswerRow(Base):
    """What a call answered: the result cache of one seller."""

    __tablename__ = "llm_answer"
    seller_id: Mapped[SellerKey]
    request_hash: Mapped[str] = mapped_column(primary_key=True)
    variant: Mapped[int] = mapped_column(primary_key=True)
    job_id: Mapped[uuid.UUID]
    step: Mapped[int]
    model: Mapped[str]
    finish_reason: Mapped[str]
    body: Mapped[str]
    simulated: Mapped[bool]
    created_at: Mapped[MadeAt]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerKey:
    """What names an answer: the job and its step, and the hash of what was asked."""

    seller_id: uuid.UUID
    job_id: uuid.UUID
    step: int
    request_hash: str
    variant: int


def insert_planned_call(moves: Moves, key: AnswerKey, *, claim_no: int, model: str) -> int:
    """Write down that a call is about to be made; its id."""
    made = moves.execute(
        _PLAN,
        {
            "seller": key.seller_id,
            "job": key.job_id,
            "step": key.step,
            "claim_no": claim_no,
            "model": model,
        },
    )
    return int(made.scalar())


_PLAN = text(
    "INSERT INTO app.llm_call (seller_id, job_id, step, claim_no, state, model)"
    " VALUES (:seller, :job, :step, :claim_no, 'planned', :model) RETURNING id"
)


def finish_call(
    moves: Moves, call_id: int, *, reply: LlmReply, cost_pico: int, simulated: bool
) -> None:
    """Write down what a call cost. Never fenced: a late call is a bill all the same."""
    moves.execute(
        _FINISH,
        {
            "id": call_id,
            "prompt": reply.prompt_tokens,
            "cached": reply.cached_tokens,
            "completion": reply.completion_tokens,
            "cost": cost_pico,
            "model": reply.model,
            "request_id": reply.provider_request_id,
            "simulated": simulated,
        },
    )


_FINISH = text(
    "UPDATE app.llm_call SET state = 'answered', prompt_tokens = :prompt,"
    " cached_tokens = :cached, completion_tokens = :completion, cost_pico = :cost,"
    " price_id = :model, provider_request_id = :request_id, simulated = :simulated,"
    " finished_at = clock_timestamp() WHERE id = :id"
)


def close_call(session: Session, call_id: int, *, state: str, error_code: str = "") -> None:
    """Write down how a call ended that gave no answer.

    ``state`` is 'failed', 'unmade' (never sent) or 'unknown' (sent, maybe billed, no answer).
    """
    session.execute(
        text(
            "UPDATE app.llm_call SET state = :state, error_code = :code,"
            " finished_at = clock_timestamp() WHERE id = :id AND state = 'planned'"
        ),
        {"id": call_id, "state": state, "code": error_code},
    )


def mark_calls_unknown(session: Session | Moves, job_ids: list[uuid.UUID]) -> None:
    """The process that planned these calls is gone: they may have been billed."""
    session.execute(
        text(
            "UPDATE app.llm_call SET state = 'unknown', finished_at = clock_timestamp()"
            " WHERE job_id = ANY(:jobs) AND state = 'planned'"
        ),
        {"jobs": job_ids},
    )


def insert_answer(moves: Moves, key: AnswerKey, *, reply: LlmReply, simulated: bool) -> None:
    """Keep a paid answer in place of an equal request's earlier one.

    There is an earlier one only where it was of no use, or where two jobs asked at once: then the
    job whose answer is gone finds its equal.
    """
    moves.execute(
        _KEEP,
        {
            "seller": key.seller_id,
            "hash": key.request_hash,
            "variant": key.variant,
            "job": key.job_id,
            "step": key.step,
            "model": reply.model,
            "finish_reason": reply.finish_reason,
            "body": reply.text.replace("\x00", ""),
            "simulated": simulated,
        },
    )


_KEEP = text(
    "INSERT INTO app.llm_answer (seller_id, request_hash, variant, job_id, step, model,"
    " finish_reason, body, simulated) VALUES (:seller, :hash, :variant, :job, :step,"
    " :model, :finish_reason, :body, :simulated)"
    " ON CONFLICT (seller_id, request_hash, variant) DO UPDATE SET"
    " job_id = excluded.job_id, step = excluded.step, model = excluded.model,"
    " finish_reason = excluded.finish_reason, body = excluded.body,"
    " simulated = excluded.simulated, created_at = excluded.created_at"
)


@dataclass(frozen=True, slots=True)
class PaidAnswer:
    """What a call answered; ``is_own``: to this job's own step."""

    is_own: bool
    body: str
    model: str
    finish_reason: str
    simulated: bool


def find_answers(moves: Moves, key: AnswerKey) -> list[PaidAnswer]:
    """The paid answers to this job's step and to an equal request of whatever job, own first."""
    found = moves.execute(
        _FIND_ANSWERS,
        {
            "seller": key.seller_id,
            "job": key.job_id,
            "step": key.step,
            "hash": key.request_hash,
            "variant": key.variant,
        },
    )
    return [PaidAnswer(*row) for row in found]


_FIND_ANSWERS = text(
    "SELECT true AS is_own, body, model, finish_reason, simulated FROM app.llm_answer"
    " WHERE seller_id = :seller AND job_id = :job AND step = :step"
    " UNION ALL SELECT false, body, model, finish_reason, simulated FROM app.llm_answer"
    " WHERE seller_id = :seller AND request_hash = :hash AND variant = :variant"
    " ORDER BY is_own DESC"
)


def count_unknown_calls(moves: Moves, job_id: uuid.UUID) -> int:
    """How many of a job's calls may have been billed without an answer reaching us."""
    return int(moves.execute(_COUNT_UNKNOWN, {"job": job_id}).scalar())


_COUNT_UNKNOWN = text("SELECT count(*) FROM app.llm_call WHERE job_id = :job AND state = 'unknown'")
