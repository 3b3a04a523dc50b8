"""The door to one language model: its budget, the call, and what is learnt from the answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from core.clock import monotonic_s, sleep
from core.errors import LlmError, LlmRefusedError, LlmTransientError, UnavailableError
from core.log import get_logger
from domain.ports import LanguageModel, LlmReply, LlmRequest, ProviderBudget, Reservation
from domain.prompts.request import estimate_request_tokens

log = get_logger(__name__)

SHORT_WAIT_S: Final = 2.0
"""A shorter wait for the budget is slept; for a longer one the job is given back."""

CALL_TIMEOUT_S: Final = 30.0
REFUSAL_PAUSE_S: Final = 60.0
"""After the provider refused our key, plan or model, no call is made for so long."""


class PoolWaitError(Exception):
    """The provider's budget is spent: the job waits, which costs no attempt."""

    code = LlmTransientError.code

    def __init__(self, wait_s: float) -> None:
        super().__init__(f"wait {wait_s:.1f} s")
        self.wait_s = wait_s


@dataclass(slots=True)
class LlmDoor:
    """One language model (``model``, one service tier) with its budget.

    Whoever has a job asks ``find_refusal``, then ``reserve``, then ``complete``.
    """

    llm: LanguageModel
    budget: ProviderBudget
    model: str
    _refused: str = ""
    _refused_until_s: float = field(default=0.0)

    def find_refusal(self) -> str:
        """Why no call can be made just now, "" when it can."""
        return self._refused if monotonic_s() < self._refused_until_s else ""

    def shut(self, reason: str) -> None:
        """Remember that every call is refused, so that the next jobs need not ask."""
        self._refused = reason
        self._refused_until_s = monotonic_s() + REFUSAL_PAUSE_S

    def reserve(self, request: LlmRequest, *, may_call: Callable[[], bool]) -> Reservation:
        """Book the call's share of the budget, which must then be given to ``complete``.

        Raises PoolWaitError for a wait that is too long to be slept, or when ``may_call`` has
        become false meanwhile; LlmRequestError for a request that no waiting makes possible.
        """
        tokens = estimate_request_tokens(request)
        deadline_s = monotonic_s() + SHORT_WAIT_S
        while isinstance(booked := self.budget.reserve(tokens=tokens), float):
            if monotonic_s() + booked > deadline_s or not may_call():
                raise PoolWaitError(booked)
            sleep(booked)
        return booked

    def complete(self, request: LlmRequest, reservation: Reservation) -> LlmReply:
        """Ask once; the reservation is settled whatever happens.

        Raises as LanguageModel.complete does, and PoolWaitError when the provider holds us back.
        """
        used_tokens = 0
        try:
            reply = self.llm.complete(request, timeout_s=CALL_TIMEOUT_S)
            used_tokens = reply.prompt_tokens + reply.completion_tokens
        except LlmError as fault:
            self._learn(fault)
            raise
        finally:
            self._settle(reservation, used_tokens)
        return reply

    def _settle(self, reservation: Reservation, used_tokens: int) -> None:
        try:
            self.budget.settle(reservation, used_tokens=used_tokens)
        except UnavailableError as fault:
            log.warning("budget_not_settled", reason=fault.message)

    def _learn(self, fault: LlmError) -> None:
        if isinstance(fault, LlmTransientError) and fault.pool_wait:
            wait_s = fault.retry_after_s or 1.0
            self.budget.pause(wait_s)
            log.warning("llm_rate_limited", wait_s=wait_s)
            raise PoolWaitError(wait_s) from fault
        if isinstance(fault, LlmRefusedError):
            self.shut(str(fault))
            log.error("llm_refused", reason=str(fault))
