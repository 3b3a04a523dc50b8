"""What was asked and what it cost, kept so that a test can compare its own books."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

from simulators.groq.config import MODELS


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens of one call."""

    prompt: int = 0
    cached: int = 0
    completion: int = 0
    reasoning: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request to the chat endpoint; ``job`` is its ``user`` field, else its listing's mark."""

    model: str
    status: int
    fault: str
    job: str
    usage: Usage

    @property
    def cost_picousd(self) -> int:
        """Exact; 0 for a call that was not billed."""
        if self.model not in MODELS:
            return 0
        sold, used = MODELS[self.model], self.usage
        fresh = (used.prompt - used.cached) * sold.price_in
        return fresh + used.cached * sold.price_cached + used.completion * sold.price_out


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

    def summarize(self) -> dict[str, Any]:
        """Totals, and the number of billed calls by job (what was bought twice shows here)."""
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
            "by_job": dict(Counter(call.job for call in billed)),
        }

    def list_calls(self) -> list[dict[str, Any]]:
        """Every call with its cost, in order of arrival."""
        with self._lock:
            return [{**asdict(call), "cost_picousd": call.cost_picousd} for call in self._calls]
