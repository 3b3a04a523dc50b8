"""What can be read of the language models without asking one: budget, breaker, use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from domain.breaker import Breaker
from domain.budget.values import Room
from domain.ports import ProviderBudget
from services.llm_disabled import DisabledLlms


@dataclass(frozen=True, slots=True, kw_only=True)
class LlmMeter:
    """The shared budget and breaker of one model, for whoever only looks."""

    model: str
    budget: ProviderBudget
    breaker: Breaker


@dataclass(frozen=True, slots=True, kw_only=True)
class LlmReading:
    """What could be granted now of one model; ``trouble`` is why it is not asked, "" if it is."""

    model: str
    room: Room
    trouble: str


def read_meters(meters: Sequence[LlmMeter], disabled: DisabledLlms) -> list[LlmReading]:
    """The models of the chain, the primary one first; Redis must answer, else nothing is known."""
    return [
        LlmReading(
            model=one.model,
            room=one.budget.measure_room(),
            trouble=disabled.find_reason(one.model) or _find_trouble(one),
        )
        for one in meters
    ]


def _find_trouble(meter: LlmMeter) -> str:
    outage_s = meter.breaker.find_outage_s()
    if outage_s is not None:
        return f"failing for {outage_s:.0f} s: its breaker is open"
    # With the breaker closed this takes no probe; it only says whether the key is refused.
    return meter.breaker.admit().blocked
