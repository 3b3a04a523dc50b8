"""What was asked and what it cost, kept so that a test can compare its own books."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any, Final

from simulators.groq.config import MODELS

BATCH: Final = "batch"
BATCH_DIVISOR: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens of one call."""

    prompt: int = 0
    cached: int = 0
    completion: int = 0
    reasoning: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request to the chat endpoint, or one line of a batch.

    ``job`` is its ``user`` field, else the mark of the listing in the prompt; ``custom_id`` is that
    of a batch's line, "" for a request of its own. ``at_s`` is the simulator's clock.
    """

    model: str
    status: int
    fault: str
    job: str
    usage: Usage
    tier: str = "on_demand"
    custom_id: str = ""
    at_s: float = 0.0

    @property
    def cost_picousd(self) -> int:
        """Exact; 0 for a call that was not billed."""
        if self.model not in MODELS:
            return 0
        sold, used = MODELS[self.model], self.usage
        fresh = (used.prompt - used.cached) * sold.price_in
        full = fresh + used.cached * sold.price_cached + used.completion * sold.price_out
        return full // BATCH_DIVISOR if self.tier == BATCH else full


class Ledger:
    """All calls since the start or the last reset."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: list[Call] = []

    def record(self, call: Call) -> None:
        """Keep one call."""
        with self._lock:
            self._calls.append(call)

    def reset(self) -> None:
        """Forget everything."""
        with self._lock:
            self._calls.clear()

    def sum_spent(self, *, until_s: float) -> int:
        """Picodollars billed up to a moment."""
        with self._lock:
            return sum(call.cost_picousd for call in self._calls if call.at_s <= until_s)

    def summarize(self) -> dict[str, Any]:
        """Totals, and calls and costs by job (what was bought twice shows here)."""
        with self._lock:
            calls = list(self._calls)
        billed = [call for call in calls if call.cost_picousd]
        return {
            "simulator": True,
            "calls": len(calls),
            "billed_calls": len(billed),
            "prompt_tokens": sum(call.usage.prompt for call in billed),
            "cached_tokens": sum(call.usage.cached for call in billed),
            "completion_tokens": sum(call.usage.completion for call in billed),
            "cost_picousd": sum(call.cost_picousd for call in billed),
            "by_status": dict(Counter(str(call.status) for call in calls)),
            "by_fault": dict(Counter(call.fault for call in calls)),
            "by_tier": dict(Counter(call.tier for call in billed)),
            "by_job": dict(Counter(call.job for call in billed)),
            "cost_by_tier": _sum_costs(billed, lambda call: call.tier),
            "cost_by_job": _sum_costs(billed, lambda call: call.job),
        }

    def list_calls(self) -> list[dict[str, Any]]:
        """Every call with its cost, in order of arrival."""
        with self._lock:
            return [{**asdict(call), "cost_picousd": call.cost_picousd} for call in self._calls]


def _sum_costs(calls: Iterable[Call], name_of: Callable[[Call], str]) -> dict[str, int]:
    """Picodollars by whatever the calls are sorted by."""
    costs: Counter[str] = Counter()
    for call in calls:
        costs[name_of(call)] += call.cost_picousd
    return dict(costs)
