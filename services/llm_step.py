"""One paid step of a job: find the answer, or plan the call, make it, and commit what it cost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar

from core.clock import monotonic_s, sleep, today
from core.errors import (
    AppError,
    LlmError,
    LlmOutputError,
    LlmRequestError,
    LlmTransientError,
    UnavailableError,
)
from core.ids import hash_text
from core.log import get_logger
from domain.answers import parse_answer
from domain.breaker import Passage
from domain.brief import Brief, canonical_json
from domain.catalogue import ON_DEMAND, cost_picousd, find_priced, get_llm
from domain.job import MAX_CRASHES, Lane
from domain.listing import TextValue
from domain.ports import LlmReply, LlmRequest
from models import job as jobs
from models import llm_call as ledger
from services.deps import Deps
from services.llm_budget import estimate_cost
from services.llm_door import LlmDoor, PoolWaitError

log = get_logger(__name__)

T = TypeVar("T")

COMMIT_RETRY_S: Final = 120.0
"""So long an answer in memory waits for the database to come back: it is paid for."""

MAX_UNKNOWN_CALLS: Final = MAX_CRASHES + 1
"""A job that shared two processes with one that kills has two such calls, and may be innocent."""

DETAIL_MAX: Final = 500
UNANSWERED: Final = "llm_unanswered"
SIMULATOR_HEADER: Final = "x-listwright-simulator"


class UnusableAnswersError(LlmOutputError):
    """No answer can be read, and another try would only find the same ones again."""

    retryable = False


class SpentError(LlmOutputError):
    """The job may spend no more: what it has must do."""

    retryable = False


class StopError(Exception):
    """No paid call may start: the process drains or missed a beat, or the job was cancelled."""


class Lease(Protocol):
    """What a job must know of the process that runs it."""

    def may_call(self) -> bool:
        """Whether a paid call may start now."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A paid answer, just bought or found."""

    body: str
    model: str
    finish_reason: str
    simulated: bool

    def read(self, fields: Sequence[str]) -> dict[str, TextValue]:
        """The content of the wanted fields; raises LlmOutputError."""
        if self.finish_reason == "length":
            raise LlmOutputError("the answer was cut at its length limit.")
        return parse_answer(self.body, fields)

    def is_usable(self, fields: Sequence[str]) -> bool:
        """Whether the wanted fields can be read from it."""
        try:
            self.read(fields)
        except LlmOutputError:
            return False
        return True


class Asker:
    """Asks for one job; ``limit_pico`` is what all its calls together may cost."""

    def __init__(
        self, deps: Deps, job: jobs.JobRow, brief: Brief, lease: Lease, *, limit_pico: int
    ) -> None:
        self._deps, self._job, self._brief, self._lease = deps, job, brief, lease
        self._limit_pico = limit_pico
        self._spent_pico = 0

    @property
    def left_pico(self) -> int:
        """What may still be spent, as far as this run of the job knows."""
        return self._limit_pico - self._spent_pico

    def find(self, step: int, request: LlmRequest, fields: Sequence[str]) -> Answer | None:
        """The answer to a step that is already paid for.

        This job's own answer is taken as it is, that to an equal request only where ``fields`` can
        be read from it: one bad answer must not spoil every later order of the same work.
        """
        with self._deps.database.moves(seller=self._job.seller_id, single=True) as moves:
            return _find_usable(ledger.find_answers(moves, self._build_key(step, request)), fields)

    def buy(self, step: int, request: LlmRequest, door: LlmDoor, passage: Passage) -> Answer:
        """A new answer to a step, committed before anything is made of it.

        Raises PoolWaitError, StopError, SpentError, and the errors of LanguageModel.complete.
        """
        if not self._lease.may_call():
            door.give_up(passage)
            raise StopError
        try:
            reservation = door.reserve(
                request,
                may_call=self._lease.may_call,
                ticket=f"{self._job.id.hex}.{step}",
                urgent=self._job.lane == Lane.INTERACTIVE,
                payer=self._job.seller_id,
            )
        except (PoolWaitError, AppError):
            door.give_up(passage)
            raise
        key = self._build_key(step, request)
        try:
            call_id = self._plan(key, request)
        except BaseException:
            door.give_back(reservation)
            door.give_up(passage)
            raise
        sent_s = monotonic_s()
        try:
            reply = door.complete(request, reservation, passage)
        except (PoolWaitError, LlmError) as fault:
            self._close(call_id, fault, sent_s=sent_s)
            raise
        return self._commit(call_id, key, request, reply, sent_s=sent_s)

    def _build_key(self, step: int, request: LlmRequest) -> ledger.AnswerKey:
        return ledger.AnswerKey(
            seller_id=self._job.seller_id,
            job_id=self._job.id,
            step=step,
            request_hash=hash_request(request),
            variant=self._brief.variant,
        )

    def _plan(self, key: ledger.AnswerKey, request: LlmRequest) -> int:
        """Commit that the call is about to be made; looks once more whether it may be."""
        plan = ledger.Plan(
            claim_no=self._job.claim_no,
            model=request.model,
            tier=ON_DEMAND,
            est_pico=estimate_cost(request).picousd,
            limit_pico=self._limit_pico,
            most_unknown=MAX_UNKNOWN_CALLS,
        )
        with self._deps.database.moves(seller=self._job.seller_id, single=True) as moves:
            if self._job.claim_no > 1:
                # Planned under an earlier claim that lost the database: it may have been made.
                ledger.mark_calls_unknown(moves, [self._job.id])
            planned = ledger.insert_planned_call(moves, key, plan)
        if planned is None or planned.cancelled:
            raise StopError
        self._spent_pico = planned.spent_pico
        if planned.call_id is None:
            raise _explain_refusal(planned)
        return planned.call_id

    def _close(self, call_id: int, fault: PoolWaitError | LlmError, *, sent_s: float) -> None:
        with self._deps.database.moves(seller=self._job.seller_id, single=True) as moves:
            ledger.close_call(
                moves,
                call_id,
                error_code=_name_fault(fault),
                detail=str(fault)[:DETAIL_MAX],
                sent_ago_s=monotonic_s() - sent_s,
            )

    def _commit(
        self,
        call_id: int,
        key: ledger.AnswerKey,
        request: LlmRequest,
        reply: LlmReply,
        *,
        sent_s: float,
    ) -> Answer:
        bill = build_bill(reply, wanted=request.model)

        def write() -> None:
            with self._deps.database.moves(seller=self._job.seller_id) as moves:
                ledger.finish_call(
                    moves, call_id, reply=reply, bill=bill, sent_ago_s=monotonic_s() - sent_s
                )
                ledger.insert_answer(moves, key, reply=reply, simulated=bill.simulated)

        retry_while_away(write)
        self._spent_pico += bill.cost_pico
        return Answer(
            body=reply.text,
            model=reply.model,
            finish_reason=reply.finish_reason,
            simulated=bill.simulated,
        )


def _name_fault(fault: PoolWaitError | LlmError) -> str:
    """How the books name it: a call that nobody answered may have been billed."""
    silent = isinstance(fault, LlmTransientError) and not fault.answered
    return UNANSWERED if silent else fault.code


def _explain_refusal(planned: ledger.Planned) -> AppError:
    if planned.unknown >= MAX_UNKNOWN_CALLS:
        # Not LlmRefusedError: that would halt the whole batch for one job's bad luck.
        return LlmRequestError(
            f"{planned.unknown} calls of this job may have been billed without an answer.",
            remedy="Look at the worker's logs, then submit it again.",
        )
    return SpentError("another call could cost more than twice what the job was estimated at.")


def hash_request(request: LlmRequest) -> str:
    """What makes two requests the same."""
    content = canonical_json(
        {
            "model": request.model,
            "messages": [dict(message) for message in request.messages],
            "schema": request.schema,
            "cap": request.max_completion_tokens,
        }
    )
    return hash_text(content)


def build_bill(reply: LlmReply, *, wanted: str, tier: str = ON_DEMAND) -> ledger.Bill:
    """What a call cost, at today's price of the model that answered.

    Where we do not know that model, the one asked for (``wanted``) is what was ordered.
    """
    priced = find_priced(reply.model, day=today()) or get_llm(wanted)
    cost_pico = cost_picousd(
        priced,
        prompt_tokens=reply.prompt_tokens,
        cached_tokens=reply.cached_tokens,
        completion_tokens=reply.completion_tokens,
        tier=tier,
    )
    simulated = SIMULATOR_HEADER in reply.headers
    return ledger.Bill(
        tier=tier, cost_pico=cost_pico, price_id=priced.price_id, simulated=simulated
    )


def retry_while_away(write: Callable[[], T]) -> T:
    """Try until the database is back; raises UnavailableError after two minutes."""
    deadline_s = monotonic_s() + COMMIT_RETRY_S
    while True:
        try:
            return write()
        except UnavailableError:
            if monotonic_s() > deadline_s:
                raise
            sleep(0.5)


def _find_usable(paid: Sequence[ledger.PaidAnswer], fields: Sequence[str]) -> Answer | None:
    # The job's own first: a deploy may have changed the prompt, and with it the hash, since.
    for one in paid:
        answer = Answer(
            body=one.body,
            model=one.model,
            finish_reason=one.finish_reason,
            simulated=one.simulated,
        )
        if one.is_own or answer.is_usable(fields):
            return answer
    return None
