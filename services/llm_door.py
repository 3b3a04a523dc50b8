"""The door to one language model: its budget, the call, and what is learnt from the answer."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from core.errors import (
    LlmError,
    LlmGoneError,
    LlmOutageError,
    LlmRefusedError,
    LlmShapeError,
    LlmTransientError,
)
from core.ids import new_id
from core.log import get_logger
from domain.breaker import Breaker, BreakerChange, Passage, Verdict
from domain.budget.values import NOTHING, Booking, Reservation, UnknownPurseError, Wait
from domain.estimates import PrefixTable
from domain.ports import LanguageModel, LlmReply, LlmRequest, ProviderBudget
from services.llm_budget import (
    NOT_SEEN,
    estimate_cost,
    learn_prefix,
    read_cost,
    read_fault_cost,
    wait_for_share,
)
from services.llm_purses import Purses
from services.llm_watch import DoorWatch

log = get_logger(__name__)

CALL_TIMEOUT_S: Final = 30.0
REFUSAL_PAUSE_S: Final = 60.0
"""After the provider refused our key, plan or model, no call is made for so long."""

SHAPE_REFUSALS: Final = 3
"""So many refusals of our requests' form in a row are taken for one of every request's."""


class PoolWaitError(Exception):
    """The provider's budget is spent: the job waits, which costs no attempt."""

    code = LlmTransientError.code

    def __init__(self, wait_s: float) -> None:
        super().__init__(f"wait {wait_s:.1f} s")
        self.wait_s = wait_s


class CapWaitError(PoolWaitError):
    """A cap on what may be spent is reached: the job waits, and its seller may raise the cap."""


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
    purses: Purses
    prefixes: PrefixTable = field(default_factory=PrefixTable)
    _shape_refusals: int = 0

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
        payer: uuid.UUID | None = None,
    ) -> Reservation:
        """Book the call's share of the budget, which must then be given to ``complete``.

        ``ticket`` names the call for every time it asks, so that it finds its place in the line
        again; ``payer`` is the seller whose caps it must keep. Raises PoolWaitError for a wait that
        is too long to be slept, or when ``may_call`` has become false meanwhile; CapWaitError where
        a cap is reached; LlmRequestError for a request that no waiting makes possible.
        """
        purses = () if payer is None else self.purses.list_for(payer)
        booking = Booking(
            ticket=ticket or new_id().hex,
            cost=estimate_cost(request, learnt=self.prefixes),
            urgent=urgent,
            purses=purses,
        )
        booked = self._wait(booking, may_call)
        if isinstance(booked, Reservation):
            return booked
        raise (CapWaitError if booked.reason.is_cap else PoolWaitError)(booked.seconds)

    def _wait(self, booking: Booking, may_call: Callable[[], bool]) -> Reservation | Wait:
        while True:
            try:
                return wait_for_share(self.budget, booking, may_call=may_call)
            except UnknownPurseError as unknown:
                told = self.purses.tell_spent(booking.purses, unknown.purse)
                booking = replace(booking, purses=told)

    def complete(self, request: LlmRequest, reservation: Reservation, passage: Passage) -> LlmReply:
        """Ask once; the reservation is settled and the breaker told, whatever happens.

        Raises as LanguageModel.complete does, and PoolWaitError when the provider holds us back.
        """
        # Until the provider has answered, all that was booked may be counted and billed.
        used, seen = reservation.cost, NOT_SEEN
        try:
            reply = self.llm.complete(request, timeout_s=CALL_TIMEOUT_S)
            used, seen = read_cost(reply, request.model), reply.seen
            learn_prefix(self.prefixes, request, reply)
            self._shape_refusals = 0
            self._record(Verdict.WORKS, passage)
        except LlmError as fault:
            used = read_fault_cost(fault, used)
            self._learn(fault, passage)
            raise
        finally:
            alerts = self.budget.settle(reservation, used=used, seen=seen)
            self.purses.note_alerts(alerts, reservation.purses)
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
            self._refuse(fault, gone=gone, everywhere=not gone)
        elif isinstance(fault, LlmShapeError):
            self._shape_refusals += 1  # threads may lose one: so it takes a call more
            if self._shape_refusals >= SHAPE_REFUSALS:
                self._refuse(fault, gone=False, everywhere=False)

    def _refuse(self, fault: LlmError, *, gone: bool, everywhere: bool) -> None:
        log.error("llm_refused", model=self.model, reason=str(fault))
        if self.breaker.refuse(str(fault), seconds=REFUSAL_PAUSE_S, everywhere=everywhere):
            self.watch.note_refused(self.model, str(fault), gone=gone)

    def _record(self, verdict: Verdict, passage: Passage, reason: str = "") -> None:
        change = self.breaker.record(verdict, passage)
        if change is BreakerChange.OPENED:
            self.watch.note_opened(self.model, reason)
        elif change is BreakerChange.CLOSED:
            self.watch.note_closed(self.model, passage.open_for_s)
