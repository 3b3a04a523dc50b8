"""Which model is asked: the first of the chain that can be, and why not those before it."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from core.errors import LlmGoneError, LlmOutageError, LlmRefusedError
from core.log import get_logger
from domain.breaker import Passage, find_outage_wait_s
from domain.ports import LlmRequest
from services.deps import Deps
from services.llm_door import LlmDoor, PoolWaitError
from services.llm_step import Answer, Asker, SpentError

log = get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """A model that was passed over, and why."""

    llm: str
    reason: str

    def to_json(self) -> dict[str, str]:
        """Plain values."""
        return {"llm": self.llm, "reason": self.reason}


class OutageError(PoolWaitError):
    """No model can be asked just now: the job waits, which costs no attempt.

    ``open_for_s`` is how long the one that has failed longest has been doing so.
    """

    def __init__(self, reason: str, *, wait_s: float, open_for_s: float) -> None:
        super().__init__(wait_s)
        self.reason, self.open_for_s = reason, open_for_s


@dataclass(slots=True)
class Chain:
    """The models one job may ask; ``hops`` collects those it passed over."""

    deps: Deps
    asker: Asker
    hops: list[Hop] = field(default_factory=list)

    def ask(self, step: int, build: Callable[[str], LlmRequest], fields: Sequence[str]) -> Answer:
        """The answer to a step: one paid for already, or that of the first model that answers.

        ``build`` makes the request for a model. A failure that opens a breaker leads to the next
        model; any other is raised. Raises OutageError where all must be waited for, LlmRefusedError
        where no waiting helps, and the errors of Asker.buy.
        """
        blocked: list[Passage] = []
        may_probe = False
        for door in self.deps.doors:
            try:
                found = self._ask_one(door, step, build(door.model), fields)
            except (LlmGoneError, SpentError) as fault:
                if isinstance(fault, SpentError) and not blocked:
                    raise
                # Only the model before it will do, and others have no reason to ask for that one.
                may_probe = may_probe or isinstance(fault, SpentError)
                found = Passage(blocked=fault.message, refused=True)
            except LlmOutageError as fault:
                open_for_s = door.breaker.find_outage_s()
                if open_for_s is None:
                    raise
                may_probe = True
                found = Passage(blocked=fault.message, open_for_s=open_for_s)
            if isinstance(found, Answer):
                return found
            blocked.append(found)
            self._note(door, found.blocked)
        raise _explain(blocked, may_probe=may_probe)

    def _ask_one(
        self, door: LlmDoor, step: int, request: LlmRequest, fields: Sequence[str]
    ) -> Answer | Passage:
        """A model's answer, or why it may not be asked."""
        found = self.asker.find(step, request, fields)
        if found is not None:
            return found
        passage = self._admit(door)
        return passage if passage.blocked else self.asker.buy(step, request, door, passage)

    def _admit(self, door: LlmDoor) -> Passage:
        reason = self.deps.disabled.find_reason(door.model)
        if reason:
            return Passage(blocked=f"{door.model} is out of use: {reason}.", refused=True)
        return door.admit()

    def _note(self, door: LlmDoor, reason: str) -> None:
        hop = Hop(llm=door.model, reason=reason)
        if hop not in self.hops:
            self.hops.append(hop)
            log.debug("llm_passed_over", llm=door.model, reason=reason)


def _explain(blocked: Sequence[Passage], *, may_probe: bool) -> LlmRefusedError | OutageError:
    """The end of the chain: waiting, where at least one of its models may come back."""
    failing = [one for one in blocked if not one.refused]
    if not failing:
        return LlmRefusedError(blocked[0].blocked)
    open_for_s = max(one.open_for_s for one in failing)
    jitter = random.random()  # noqa: S311 - not a secret
    wait_s = find_outage_wait_s(open_for_s, may_probe=may_probe, jitter=jitter)
    return OutageError(failing[0].blocked, wait_s=wait_s, open_for_s=open_for_s)
