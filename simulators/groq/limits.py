"""Groq's limiter: buckets that refill all the time, charged with prompt and completion cap."""

from __future__ import annotations

import math
from dataclasses import dataclass, field


@dataclass(slots=True)
class Bucket:
    """A budget of ``limit`` per ``period_s`` that flows back evenly; ``used`` may exceed it."""

    limit: int
    period_s: float
    used: float = 0.0
    updated_s: float = 0.0

    def refill(self, now_s: float) -> None:
        """Let flow back what the time since the last look allows."""
        flowed = (now_s - self.updated_s) * self.limit / self.period_s
        self.used = max(0.0, self.used - flowed)
        self.updated_s = now_s

    def wait_s(self, cost: float) -> float:
        """Seconds until ``cost`` fits; 0 when it fits now."""
        return max(0.0, (self.used + cost - self.limit) * self.period_s / self.limit)

    @property
    def remaining(self) -> int:
        """What is left of the limit right now."""
        return max(0, int(self.limit - self.used))

    @property
    def reset_s(self) -> float:
        """Seconds until nothing is used any more."""
        return self.used * self.period_s / self.limit


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitBreach:
    """A request that does not fit; ``wait_s`` is None when it never will."""

    dimension: str
    type: str
    limit: int
    used: int
    requested: int
    wait_s: float | None

    def describe(self, model: str) -> str:
        """The provider's wording."""
        where = (
            f"for model `{model}` in organization `org_simulated` service tier `on_demand` "
            f"on {self.dimension}: Limit {self.limit}, "
        )
        if self.wait_s is None:
            return f"Request too large {where}Requested {self.requested}, please reduce its size."
        return (
            f"Rate limit reached {where}Used {self.used}, Requested {self.requested}. "
            f"Please try again in {format_duration(self.wait_s)}."
        )


@dataclass(slots=True)
class ModelLimits:
    """The three buckets of one model."""

    requests_per_minute: int
    tokens_per_minute: int
    requests_per_day: int
    started_s: float
    minute: Bucket = field(init=False)
    day: Bucket = field(init=False)
    tokens: Bucket = field(init=False)

    def __post_init__(self) -> None:
        """All buckets start full."""
        self.minute = Bucket(self.requests_per_minute, 60.0, updated_s=self.started_s)
        self.day = Bucket(self.requests_per_day, 86_400.0, updated_s=self.started_s)
        self.tokens = Bucket(self.tokens_per_minute, 60.0, updated_s=self.started_s)

    def admit(self, tokens: int, *, now_s: float) -> LimitBreach | None:
        """Book one request of ``tokens``, or say which limit it breaks (then nothing is booked)."""
        wanted = (
            (self.minute, 1, "requests per minute (RPM)", "requests"),
            (self.day, 1, "requests per day (RPD)", "requests"),
            (self.tokens, tokens, "tokens per minute (TPM)", "tokens"),
        )
        for bucket, cost, dimension, kind in wanted:
            bucket.refill(now_s)
            wait_s = bucket.wait_s(cost)
            if wait_s > 0:
                return LimitBreach(
                    dimension=dimension,
                    type=kind,
                    limit=bucket.limit,
                    used=int(bucket.used),
                    requested=cost,
                    wait_s=None if cost > bucket.limit else wait_s,
                )
        for bucket, cost, _, _ in wanted:
            bucket.used += cost
        return None

    def settle(self, *, booked: int, used: int, now_s: float) -> None:
        """Replace the booked tokens by the used ones."""
        self.tokens.refill(now_s)
        self.tokens.used = max(0.0, self.tokens.used + used - booked)

    def headers(self, now_s: float) -> dict[str, str]:
        """Requests are those of the day and tokens those of the minute, as Groq has it."""
        self.day.refill(now_s)
        self.tokens.refill(now_s)
        return {
            "x-ratelimit-limit-requests": str(self.day.limit),
            "x-ratelimit-remaining-requests": str(self.day.remaining),
            "x-ratelimit-reset-requests": format_duration(self.day.reset_s),
            "x-ratelimit-limit-tokens": str(self.tokens.limit),
            "x-ratelimit-remaining-tokens": str(self.tokens.remaining),
            "x-ratelimit-reset-tokens": format_duration(self.tokens.reset_s),
        }


def format_duration(seconds: float) -> str:
    """Go's notation: ``391ms``, ``2.5s``, ``2m59.56s``, ``11h59m59s``."""
    if seconds < 1:
        return f"{math.ceil(seconds * 1000)}ms"
    minutes, rest = divmod(round(seconds, 3), 60)
    hours, minutes = divmod(int(minutes), 60)
    lead = (f"{hours}h" if hours else "") + (f"{minutes}m" if hours or minutes else "")
    return f"{lead}{rest:.3f}".rstrip("0").rstrip(".") + "s"
