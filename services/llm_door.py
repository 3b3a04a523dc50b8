"""The door to one language model: its budget, the call, and what is learnt from the answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from core.clock import monotonic_s, sleep
from core.errors import (
    LlmError,
    LlmGoneError,
    LlmOutageError,
    LlmRefusedError,
    LlmTransientError,
)
from core.ids import new_id
from core.log import get_logger
from domain.breaker import Breaker, BreakerChange, Passage, Verdict
from domain.budget.values import NOTHING, Booking, Cost, Reservation, Seen, Wait
from domain.catalogue import cost_picousd, get_llm
from domain.ports import LanguageModel, LlmReply, LlmRequest, ProviderBudget
from domain.prompts.request import estimate_prompt_tokens
from services.llm_watch import DoorWatch

log = get_logger(__name__)

SHORT_WAIT_S: Final = 2.0
"""A shorter wait for the budget is slept; for a longer one the job is given back."""

CALL_TIMEOUT_S: Final = 30.0
REFUSAL_PAUSE_S: Final = 60.0
"""After the provider refused our key, plan or model, no call is made for so long."""


NAP_SHARE: Final = 0.5
LEAST_NAP_S: Final = 0.02
NOT_SEEN: Final[Seen] = {}


class PoolWaitError(Exception):
    """The provider's budget is spent: the job waits, which costs no attempt."""

    code = LlmTransientError.code

    def __init__(self, wait_s: float) -> None:
        super().__init__(f"wait {wait_s:.1f} s")
        self.wait_s = wait_s


@dataclass(slots=True)
class LlmDoor:
    """One language model (``model``, one service tier) with its budget and its breaker.

    Whoever has a job asks ``admit``, then ``reserve``, then ``complete``; a probe that gets no
    further than ``reserve`` is given back with ``give_up``.
    """

    llm: LanguageModel
    budget: ProviderBudget
    breaker: Breaker
    model: str
    watch: DoorWatch

    def admit(self) -> Passage:
        """Whether the model may be asked now."""
        return self.breaker.admit()

    def give_up(self, passage: Passage) -> None:
        """No call is made after all."""
        if passage.probe:
            self.breaker.release()

    def give_back(self, reservation: Reservation) -> None:
        """A booked call is not made after all."""
        self.budget.settle(reservation, used=NOTHING, seen=NOT_SEEN)

    def reserve(
        self,
        request: LlmRequest,
        *,
        may_call: Callable[[], bool],
        ticket: str = "",
        urgent: bool = False,
    ) -> Reservation:
        """Book the call's share of the budget, which must then be given to ``complete``.

        ``ticket`` names the call for every time it asks, so that it finds its place in the line
        again. Raises PoolWaitError for a wait that is too long to be slept, or when ``may_call``
        has become false meanwhile; LlmRequestError for a request that no waiting makes possible.
        """
        booking = Booking(ticket=ticket or new_id().hex, cost=estimate_cost(request), urgent=urgent)
        deadline_s = monotonic_s() + SHORT_WAIT_S
        while isinstance(booked := self.budget.reserve(booking), Wait):
            if not may_call():
                self.budget.leave(booking.ticket)
                raise PoolWaitError(booked.seconds)
            if monotonic_s() + booked.seconds > deadline_s:
                raise PoolWaitError(booked.seconds)
            sleep(find_nap_s(booked.seconds))
        return booked

    def complete(self, request: LlmRequest, reservation: Reservation, passage: Passage) -> LlmReply:
        """Ask once; the reservation is settled and the breaker told, whatever happens.

        Raises as LanguageModel.complete does, and PoolWaitError when the provider holds us back.
        """
        # Until the provider has answered, all that was booked may be counted and billed.
        used, seen = reservation.cost, NOT_SEEN
        try:
            reply = self.llm.complete(request, timeout_s=CALL_TIMEOUT_S)
            used, seen = read_cost(reply, request.model), reply.seen
            self._record(Verdict.WORKS, passage)
        except LlmError as fault:
            if not isinstance(fault, LlmTransientError) or fault.answered:
                used = NOTHING
            self._learn(fault, passage)
            raise
        finally:
            self.budget.settle(reservation, used=used, seen=seen)
        return reply

    def _learn(self, fault: LlmError, passage: Passage) -> None:
        fails = isinstance(fault, LlmOutageError)
        self._record(Verdict.FAILS if fails else Verdict.SAYS_NOTHING, passage, fault.message)
        if isinstance(fault, LlmTransientError) and fault.pool_wait:
            wait_s = fault.retry_after_s or 1.0
            self.budget.pause(wait_s, seen=fault.seen)
            log.warning("llm_rate_limited", wait_s=wait_s)
            raise PoolWaitError(wait_s) from fault
        if isinstance(fault, LlmRefusedError):
            gone = isinstance(fault, LlmGoneError)
            log.error("llm_refused", model=self.model, reason=str(fault))
            if self.breaker.refuse(str(fault), seconds=REFUSAL_PAUSE_S, everywhere=not gone):
                self.watch.note_refused(self.model, str(fault), gone=gone)

    def _record(self, verdict: Verdict, passage: Passage, reason: str = "") -> None:
        change = self.breaker.record(verdict, passage)
        if change is BreakerChange.OPENED:
            self.watch.note_opened(self.model, reason)
        elif change is BreakerChange.CLOSED:
            self.watch.note_closed(self.model, passage.open_for_s)


def estimate_cost(request: LlmRequest) -> Cost:
    """The most that a call can take: its prompt uncached, its answer as long as it may be."""
    prompt = estimate_prompt_tokens(request)
    return Cost(
        input_tokens=prompt,
        output_tokens=request.max_completion_tokens,
        picousd=cost_picousd(
            get_llm(request.model),
            prompt_tokens=prompt,
            cached_tokens=0,
            completion_tokens=request.max_completion_tokens,
        ),
    )


def read_cost(reply: LlmReply, model: str) -> Cost:
    """What a call took; the provider does not count what it had in its cache."""
    picousd = cost_picousd(
        get_llm(model),
        prompt_tokens=reply.prompt_tokens,
        cached_tokens=reply.cached_tokens,
        completion_tokens=reply.completion_tokens,
    )
    return Cost(
        input_tokens=max(0, reply.prompt_tokens - reply.cached_tokens),
        output_tokens=max(0, reply.completion_tokens),
        picousd=max(0, picousd),
    )


def find_nap_s(wait_s: float) -> float:
    """Half of a wait: what others give back meanwhile brings our turn forward."""
    return min(wait_s, max(LEAST_NAP_S, wait_s * NAP_SHARE))
