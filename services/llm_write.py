"""A language model writes: asked once, once more with more room, once more for what was refused.

At most three calls, and at most twice what the first one was estimated at.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from core.errors import LlmOutputError
from domain.brief import Engine
from domain.catalogue import get_llm
from domain.ports import LlmRequest
from domain.prompts.request import (
    build_repair_request,
    build_request,
    estimate_prompt_tokens,
)
from services.deps import Deps
from services.llm_budget import estimate_cost
from services.llm_chain import Chain
from services.llm_step import Answer, Asker, Lease, SpentError, UnusableAnswersError
from services.work import Work, list_asked_fields

MAX_CALLS: Final = 3
MAX_ESTIMATES: Final = 2
"""All calls of a job together cost at most so many times what the first may cost."""

LARGER_CAPS_PERCENT: Final = (160, 150, 140, 130, 120, 110)
"""By how much a cap may grow: in steps, so that equal work makes equal requests."""


class Writer:
    """One job's talk with the models."""

    def __init__(self, deps: Deps, work: Work, fields: tuple[str, ...], lease: Lease) -> None:
        self._work, self._fields = work, fields
        first = build_request(work.brief, work.rules, fields, model=deps.llm_model)
        limit_pico = MAX_ESTIMATES * estimate_cost(first).picousd
        self._asker = Asker(deps, work.job, work.brief, lease, limit_pico=limit_pico)
        self._chain = Chain(deps=deps, asker=self._asker, hops=work.hops)
        self._previous: Answer | None = None
        self._was_cut = self._wants_room = self._is_repair = False

    def write(self) -> None:
        """Ask until all fields pass or there is nothing more to try; what passed is in the work.

        Raises UnusableAnswersError when nothing could be read, and the errors of Chain.ask.
        """
        for step in range(1, MAX_CALLS + 1):
            try:
                self._ask(step)
            except LlmOutputError as fault:
                if not self._may_ask_longer(fault):
                    return
                continue
            self._wants_room = False
            if self._is_repair or not self._work.refused_fields:
                return
            self._fields, self._is_repair = self._work.refused_fields, True

    def _may_ask_longer(self, fault: LlmOutputError) -> bool:
        """Once; without it the job goes on with what it has, or ends with UnusableAnswersError."""
        if not self._was_cut and not isinstance(fault, SpentError):
            self._was_cut = self._wants_room = True
            return True
        if not self._work.proposed:
            raise UnusableAnswersError(fault.message) from fault
        return False

    def _ask(self, step: int) -> None:
        work, fields = self._work, self._fields
        answer = self._chain.ask(step, self._build, fields)
        work.model, work.simulated = answer.model, work.simulated or answer.simulated
        self._previous = answer
        work.take(answer.read(fields), Engine.GROQ)

    def _build(self, model: str) -> LlmRequest:
        work = self._work
        if self._is_repair and self._previous is not None:
            request = build_repair_request(
                work.brief,
                work.rules,
                self._fields,
                refusals=work.refused,
                previous=self._previous.body,
                model=model,
            )
        else:
            request = build_request(work.brief, work.rules, self._fields, model=model)
        if self._wants_room:
            return with_larger_cap(request, left_pico=self._asker.left_pico)
        return request


def with_larger_cap(request: LlmRequest, *, left_pico: int) -> LlmRequest:
    """The same request with more room for the answer, as far as the money reaches.

    Raises SpentError where it does not reach for a tenth more.
    """
    spec = get_llm(request.model)
    prompt_pico = estimate_prompt_tokens(request) * spec.price_in
    for percent in LARGER_CAPS_PERCENT:
        cap = request.max_completion_tokens * percent // 100
        if cap <= spec.max_output_tokens and prompt_pico + cap * spec.price_out <= left_pico:
            return replace(request, max_completion_tokens=cap)
    raise SpentError("a longer answer could cost more than twice what the job was estimated at.")


def ask_llm(deps: Deps, work: Work, lease: Lease) -> None:
    """Let a model write the fields that it may see whole."""
    fields = list_asked_fields(work)
    work.too_long = tuple(name for name in work.fields if name not in fields)
    if fields:
        Writer(deps, work, fields, lease).write()
