"""One paid step of a job: find the answer, or plan the call, make it, and commit what it cost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar

from core.clock import monotonic_s, sleep
from core.errors import (
    AppError,
    LlmError,
    LlmOutputError,
    LlmRefusedError,
    LlmRequestError,
    UnavailableError,
)
from core.ids import hash_text
from core.log import get_logger
from domain.answers import parse_answer
from domain.brief import Brief, canonical_json
from domain.catalogue import cost_picousd, get_llm
from domain.job import MAX_CRASHES
from domain.listing import TextValue
from domain.ports import LlmReply, LlmRequest
from models import job as jobs
from models import llm_call as ledger
from services.deps import Deps
from services.llm_door import LlmDoor, PoolWaitError

log = get_logger(__name__)

T = TypeVar("T")

COMMIT_RETRY_S: Final = 120.0
"""So long an answer in memory waits for the database to come back: it is paid for."""

MAX_UNKNOWN_CALLS: Final = MAX_CRASHES + 1
"""A job that shared two processes with one that kills has two such calls, and may be innocent."""

SIMULATOR_HEADER: Final = "x-listwright-simulator"


class UnusableAnswersError(LlmOutputError):
    """No answer can be read, and another try would only find the same ones again."""

    retryable = False


class StopError(Exception):
    """The process may start no paid call any more: it drains, or missed a beat."""


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
    """Asks for one job."""

    def __init__(self, deps: Deps, job: jobs.JobRow, brief: Brief, lease: Lease) -> None:
        if deps.door is None:
            raise LlmRefusedError("no key of the Groq API is set.", remedy="Set GROQ_API_KEY.")
        self._deps, self._job, self._brief, self._lease = deps, job, brief, lease
        self._door: LlmDoor = deps.door

    def ask(self, step: int, request: LlmRequest, fields: Sequence[str]) -> Answer:
        """The answer to a step: the one already paid for, or a new one.

        This job's own answer is taken as it is, that to an equal request only where ``fields`` can
        be read from it: one bad answer must not spoil every later order of the same work.
        Raises PoolWaitError, StopError, and the errors of LanguageModel.complete.
        """
        key = self._build_key(step, request)
        with self._deps.database.moves(seller=self._job.seller_id, single=True) as moves:
            found = _find_usable(ledger.find_answers(moves, key), fields)
            if found is not None:
                return found
            if self._job.claim_no > 1:
                # Planned under an earlier claim that lost the database: it may have been made.
                ledger.mark_calls_unknown(moves, [self._job.id])
            self._require_callable(ledger.count_unknown_calls(moves, self._job.id))
            call_id = ledger.insert_planned_call(
                moves, key, claim_no=self._job.claim_no, model=request.model
            )
        reply = self._call(call_id, request)
        simulated = SIMULATOR_HEADER in reply.headers
        self._commit(call_id, key, reply, simulated=simulated)
        return Answer(
            body=reply.text,
            model=reply.model,
            finish_reason=reply.finish_reason,
            simulated=simulated,
        )

    def _build_key(self, step: int, request: LlmRequest) -> ledger.AnswerKey:
        return ledger.AnswerKey(
            seller_id=self._job.seller_id,
            job_id=self._job.id,
            step=step,
            request_hash=hash_request(request),
            variant=self._brief.variant,
        )

    def _require_callable(self, unknown_calls: int) -> None:
        if unknown_calls >= MAX_UNKNOWN_CALLS:
            # Not LlmRefusedError: that would halt the whole batch for one job's bad luck.
            raise LlmRequestError(
                f"{unknown_calls} calls of this job may have been billed without an answer.",
                remedy="Look at the worker's logs, then submit it again.",
            )
        refusal = self._door.find_refusal()
        if refusal:
            raise LlmRefusedError(refusal)
        if not self._lease.may_call():
            raise StopError

    def _call(self, call_id: int, request: LlmRequest) -> LlmReply:
        try:
            reservation = self._door.reserve(request, may_call=self._lease.may_call)
        except (PoolWaitError, AppError):
            self._close(call_id, "unmade", "")
            raise
        try:
            return self._door.complete(request, reservation)
        except (PoolWaitError, LlmError) as fault:
            self._close(call_id, "failed", fault.code)
            raise

    def _close(self, call_id: int, state: str, error_code: str) -> None:
        with self._deps.database.transaction(seller=self._job.seller_id) as session:
            ledger.close_call(session, call_id, state=state, error_code=error_code)

    def _commit(
        self, call_id: int, key: ledger.AnswerKey, reply: LlmReply, *, simulated: bool
    ) -> None:
        """Commit the answer before anything is made of it, so that no crash buys it again."""
        cost = cost_picousd(
            get_llm(key_model(reply, self._deps.llm_model)),
            prompt_tokens=reply.prompt_tokens,
            cached_tokens=reply.cached_tokens,
            completion_tokens=reply.completion_tokens,
        )

        def write() -> None:
            with self._deps.database.moves(seller=self._job.seller_id) as moves:
                ledger.finish_call(moves, call_id, reply=reply, cost_pico=cost, simulated=simulated)
                ledger.insert_answer(moves, key, reply=reply, simulated=simulated)

        retry_while_away(write)


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


def key_model(reply: LlmReply, wanted: str) -> str:
    """Which price applies: the model that answered when we know it, else the one asked for."""
    try:
        get_llm(reply.model)
    except AppError:
        return wanted
    return reply.model


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
