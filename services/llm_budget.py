"""Booking a call's share of the budget, waiting for it, and settling it with what was used."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from core.clock import monotonic_s, sleep
from core.errors import LlmError, LlmTransientError
from domain.budget.values import NOTHING, Booking, Cost, Reservation, Seen, Wait
from domain.catalogue import cost_picousd, get_llm
from domain.estimates import PrefixTable
from domain.ports import LlmReply, LlmRequest, ProviderBudget
from domain.prompts.request import estimate_prompt_tokens, split_prompt

SHORT_WAIT_S: Final = 2.0
"""A shorter wait for the budget is slept; for a longer one the job is given back."""

NAP_SHARE: Final = 0.5
LEAST_NAP_S: Final = 0.02
NOT_SEEN: Final[Seen] = {}


def wait_for_share(
    budget: ProviderBudget,
    booking: Booking,
    *,
    may_call: Callable[[], bool],
    patience_s: float = SHORT_WAIT_S,
) -> Reservation | Wait:
    """Book a call; a Wait where that takes longer than ``patience_s``, or nobody may call any more.

    The place in the line stays kept for one who comes back in time, with the same ticket.
    """
    deadline_s = monotonic_s() + patience_s
    while isinstance(booked := budget.reserve(booking), Wait):
        if not may_call():
            budget.leave(booking.ticket)
            return booked
        if monotonic_s() + booked.seconds > deadline_s:
            return booked
        sleep(find_nap_s(booked.seconds))
    return booked


def find_nap_s(wait_s: float) -> float:
    """Half of a wait: what others give back meanwhile brings our turn forward."""
    return min(wait_s, max(LEAST_NAP_S, wait_s * NAP_SHARE))


def estimate_cost(request: LlmRequest, *, learnt: PrefixTable | None = None) -> Cost:
    """The most that a call can take: its prompt uncached, its answer as long as it may be."""
    prompt = estimate_prompt_tokens(request, learnt=learnt)
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
    return Cost(
        input_tokens=max(0, reply.prompt_tokens - reply.cached_tokens),
        output_tokens=reply.completion_tokens,
        picousd=max(
            0,
            cost_picousd(
                get_llm(model),
                prompt_tokens=reply.prompt_tokens,
                cached_tokens=reply.cached_tokens,
                completion_tokens=reply.completion_tokens,
            ),
        ),
    )


def learn_prefix(learnt: PrefixTable, request: LlmRequest, reply: LlmReply) -> None:
    """Remember from a bill what the part costs that many prompts have in common."""
    first, rest = split_prompt(request)
    # The schema may or may not be counted, so that the rest is told without it.
    learnt.learn(request.model, first, rest=" ".join(rest[:-1]), billed=reply.prompt_tokens)


def read_fault_cost(fault: LlmError, booked: Cost) -> Cost:
    """What a call took that failed: nothing where the provider said so, else all it might."""
    silent = isinstance(fault, LlmTransientError) and not fault.answered
    return booked if silent else NOTHING
