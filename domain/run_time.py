"""How long a run takes within what the provider allows, and what of it fits into a day."""

from __future__ import annotations

import math
from typing import Final

from domain.budget.values import DAY_S, BudgetLimits, Unit

TYPICAL_SHARE: Final = 0.5
"""Of what a call is booked at, so much is used in the end, until the books say better."""

HOUR_S: Final = 3600.0
_SMALL: Final = 100


def estimate_run_s(*, calls: int, tokens: float, limits: BudgetLimits) -> float:
    """Seconds until so many calls with so many tokens (as used, all together) are through.

    Every limit starts full and flows back evenly, so a run that fits into each takes no time here.
    """
    waits = [
        (_find_amount(bucket.unit, calls, tokens) - bucket.limit) * bucket.period_s / bucket.limit
        for bucket in limits.list_buckets()
    ]
    return max(0.0, *waits)


def find_daily_calls(*, tokens_per_call: float, limits: BudgetLimits) -> int:
    """How many calls a day allows, rounded down to what is easily said."""
    rates = [
        bucket.limit / max(_find_amount(bucket.unit, 1, tokens_per_call), 1) / bucket.period_s
        for bucket in limits.list_buckets()
    ]
    most = int(min(rates) * DAY_S)
    step = 10 if most < _SMALL * 10 else _SMALL
    return max(1, most // step * step) if most >= step else max(1, most)


def _find_amount(unit: Unit, calls: float, tokens: float) -> float:
    return calls if unit is Unit.REQUESTS else tokens


def describe_duration(seconds: float) -> str:
    """A duration for people: "minutes", "about 5 hours", "about 27 days"; days are rounded up."""
    if seconds < HOUR_S:
        return "minutes"
    if seconds < 2 * DAY_S:
        return f"about {max(1, round(seconds / HOUR_S))} hours"
    return f"about {math.ceil(seconds / DAY_S)} days"
