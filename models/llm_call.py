"""The ledger of calls to the language model, and the answers that were paid for."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """What a call cost, by which price, in which service tier."""

    tier: str
    cost_pico: int
    price_id: str
    simulated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A call about to be made, and what must still hold for it.

    ``est_pico`` is the most it can cost; with what the job has spent it must stay within
    ``limit_pico`` (picodollars).
    """

    claim_no: int
    model: str
    tier: str
    est_pico: int
    limit_pico: int
    most_unknown: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """What came of a plan: the call's id, or None and what the job's books say.

    ``unknown`` counts calls that may have been billed without an answer; they are in ``spent_pico``
    with the most they can have cost.
    """

    call_id: int | None
    cancelled: bool
    unknown: int
    spent_pico: int


def insert_planned_call(moves: Moves, key: AnswerKey, plan: Plan) -> Planned | None:
    """Write down that a call is about to be made, if it still may be; None: the job is overtaken.

    One statement looks and writes, so that nothing is planned for a job that was cancelled.
    """
    row = moves.execute(
        _PLAN,
        {
            "seller": key.seller_id,
            "job": key.job_id,
            "step": key.step,
            "claim_no": plan.claim_no,
            "model": plan.model,
            "tier": plan.tier,
            "est": plan.est_pico,
            "limit": plan.limit_pico,
            "most_unknown": plan.most_unknown,
        },
    ).first()
    if row is None:
        return None
    call_id, cancelled, unknown, spent = row
    return Planned(
        call_id=call_id, cancelled=cancelled, unknown=int(unknown), spent_pico=int(spent)
    )


# What a person's retry of a dead letter begins anew does not count against it.
_SINCE_RETRY = (
    "coalesce((SELECT max(e.created_at) FROM app.job_event e WHERE e.job_id = :job"
    " AND e.action = 'retry'), '-infinity')"
)
_PLAN = text(
    "WITH books AS (SELECT j.cancel_requested_at IS NOT NULL AS cancelled,"
    "  (SELECT count(*) FILTER (WHERE c.state = 'unknown') FROM app.llm_call c"
    f"   WHERE c.job_id = :job AND c.planned_at > {_SINCE_RETRY}) AS unknown,"
    "  (SELECT coalesce(sum(CASE c.state WHEN 'unknown' THEN c.est_pico ELSE c.cost_pico END), 0)"
    "   FROM app.llm_call c"
    f"   WHERE c.job_id = :job AND c.planned_at > {_SINCE_RETRY}) AS spent"
    "  FROM app.job j WHERE j.id = :job AND j.state = 'running' AND j.claim_no = :claim_no),"
    " planned AS (INSERT INTO app.llm_call"
    "  (seller_id, job_id, step, claim_no, state, model, tier, est_pico)"
    "  SELECT :seller, :job, :step, :claim_no, 'planned', :model, :tier, :est FROM books"
    "  WHERE NOT cancelled AND unknown < :most_unknown AND spent + :est <= :limit RETURNING id)"
    " SELECT (SELECT id FROM planned), cancelled, unknown, spent FROM books"
)


def finish_call(
    moves: Moves, call_id: int, *, reply: LlmReply, bill: Bill, sent_ago_s: float
) -> None:
    """Write down what a call cost. Never fenced: a late call is a bill all the same."""
    moves.execute(
        _FINISH,
        {
            "id": call_id,
            "prompt": reply.prompt_tokens,
            "cached": reply.cached_tokens,
            "completion": reply.completion_tokens,
            "reasoning": reply.reasoning_tokens,
            "cost": bill.cost_pico,
            "model": reply.model,
            "price": bill.price_id,
            "request_id": reply.provider_request_id,
            "headers": json.dumps(dict(reply.headers)),
            "simulated": bill.simulated,
            "ago": sent_ago_s,
        },
    )


_FINISH = text(
    "UPDATE app.llm_call SET state = 'answered', prompt_tokens = :prompt,"
    " cached_tokens = :cached, completion_tokens = :completion, reasoning_tokens = :reasoning,"
    " cost_pico = :cost, model = :model, price_id = :price, provider_request_id = :request_id,"
    " headers = CAST(:headers AS jsonb), simulated = :simulated,"
    " sent_at = clock_timestamp() - make_interval(secs => :ago),"
    " finished_at = clock_timestamp() WHERE id = :id"
)


def close_call(
    moves: Moves, call_id: int, *, error_code: str, detail: str, sent_ago_s: float
) -> None:
    """Write down that a call failed, and in which words."""
    keys = {"id": call_id, "code": error_code, "detail": detail, "ago": sent_ago_s}
    moves.execute(_CLOSE, keys)


_CLOSE = text(
    "UPDATE app.llm_call SET state = 'failed', error_code = :code, error_detail = :detail,"
    " sent_at = clock_timestamp() - make_interval(secs => :ago),"
    " finished_at = clock_timestamp() WHERE id = :id AND state = 'planned'"
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


def insert_answer(
    moves: Session | Moves, key: AnswerKey, *, reply: LlmReply, simulated: bool
) -> None:
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
    """The paid answers to this job's step and to an equal request of whatever job, own first.

    The job's own of before a person's retry count only as equal ones: they were of no use.
    """
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
    f" AND created_at > {_SINCE_RETRY}"
    " UNION ALL SELECT false, body, model, finish_reason, simulated FROM app.llm_answer"
    " WHERE seller_id = :seller AND request_hash = :hash AND variant = :variant"
    " ORDER BY is_own DESC"
)


def sum_spent(session: Session, *, seller_id: uuid.UUID | None) -> tuple[int, int]:
    """Picodollars of this UTC day and month, of one seller or (None) of all."""
    start = "date_trunc('{}', clock_timestamp() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC'"
    found = session.execute(
        text(
            "SELECT coalesce(sum(cost_pico) FILTER (WHERE planned_at >= "
            f"{start.format('day')}), 0)::bigint, coalesce(sum(cost_pico), 0)::bigint"
            f" FROM app.llm_call WHERE planned_at >= {start.format('month')}"
            " AND (CAST(:seller AS uuid) IS NULL OR seller_id = :seller)"
        ),
        {"seller": seller_id},
    )
    day, month = found.one()
    return int(day), int(month)


def find_paid(
    session: Session, seller_id: uuid.UUID, request_hashes: Sequence[str], *, variant: int
) -> set[str]:
    """Which of these requests have a whole answer already, of whatever job of the seller's."""
    found = session.scalars(
        text(
            "SELECT DISTINCT request_hash FROM app.llm_answer WHERE seller_id = :seller"
            " AND request_hash = ANY(:hashes) AND variant = :variant AND finish_reason <> 'length'"
        ),
        {"seller": seller_id, "hashes": list(request_hashes), "variant": variant},
    )
    return set(found)
