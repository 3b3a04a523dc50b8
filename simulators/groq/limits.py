"""Groq's limiter: buckets that refill all the time, charged with prompt and completion cap."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

from simulators.groq.config import SimulatorConfig

MINUTE_S, DAY_S = 60.0, 86_400.0


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
    tier: str = "on_demand"

    def describe(self, model: str) -> str:
        """The provider's wording."""
        where = (
            f"for model `{model}` in organization `org_simulated` service tier `{self.tier}` "
            f"on {self.dimension}: Limit {self.limit}, "
        )
        if self.wait_s is None:
            return f"Request too large {where}Requested {self.requested}, please reduce its size."
        return (
            f"Rate limit reached {where}Used {self.used}, Requested {self.requested}. "
            f"Please try again in {format_duration(self.wait_s)}."
        )


@dataclass(frozen=True, slots=True)
class Demand:
    """Tokens of one request: those of the prompt, and those of the answer (or its cap)."""

    prompt: int
    output: int = 0

    @property
    def tokens(self) -> int:
        """Both together."""
        return self.prompt + self.output


@dataclass(slots=True)
class Dimension:
    """One limit: what it counts, how the provider calls it, and its bucket."""

    counts: str
    name: str
    bucket: Bucket

    @property
    def kind(self) -> str:
        """What the provider calls the type of a breach."""
        return "requests" if self.counts == "requests" else "tokens"

    def cost(self, demand: Demand) -> int:
        """What a request takes of it."""
        return {
            "requests": 1,
            "tokens": demand.tokens,
            "prompt": demand.prompt,
            "output": demand.output,
        }[self.counts]


@dataclass(slots=True)
class ModelLimits:
    """The buckets of one model in one service tier; ``scale`` multiplies every limit (flex: 10)."""

    config: SimulatorConfig
    started_s: float
    tier: str = "on_demand"
    scale: int = 1
    dimensions: list[Dimension] = field(init=False)

    def __post_init__(self) -> None:
        """All buckets start full."""
        self.dimensions = list(self._build_dimensions())

    def _build_dimensions(self) -> Iterator[Dimension]:
        config = self.config
        input_tpm, output_tpm = config.input_tokens_per_minute, config.output_tokens_per_minute
        for counts, name, limit, period_s in (
            ("requests", "requests per minute (RPM)", config.requests_per_minute, MINUTE_S),
            ("requests", "requests per day (RPD)", config.requests_per_day, DAY_S),
            ("tokens", "tokens per minute (TPM)", config.tokens_per_minute, MINUTE_S),
            ("tokens", "tokens per day (TPD)", config.tokens_per_day, DAY_S),
            ("prompt", "input tokens per minute (ITPM)", input_tpm, MINUTE_S),
            ("output", "output tokens per minute (OTPM)", output_tpm, MINUTE_S),
        ):
            if limit:
                bucket = Bucket(limit * self.scale, period_s, updated_s=self.started_s)
                yield Dimension(counts, name, bucket)

    def admit(self, demand: Demand, *, now_s: float) -> LimitBreach | None:
        """Book a request, or say which limit it breaks (then nothing is booked).

        What is not known of the real service: whether a refused request counts as a request.
        """
        for one in self.dimensions:
            one.bucket.refill(now_s)
        for one in self.dimensions:
            cost = one.cost(demand)
            wait_s = one.bucket.wait_s(cost)
            if wait_s > 0:
                if self.config.count_refused:
                    self._book(demand, only="requests")
                return self._build_breach(one, cost, wait_s)
        self._book(demand)
        return None

    def _book(self, demand: Demand, *, only: str = "") -> None:
        for one in self.dimensions:
            if one.counts == (only or one.counts):
                one.bucket.used += one.cost(demand)

    def _build_breach(self, one: Dimension, cost: int, wait_s: float) -> LimitBreach:
        return LimitBreach(
            dimension=one.name,
            type=one.kind,
            limit=one.bucket.limit,
            used=int(one.bucket.used),
            requested=cost,
            wait_s=None if cost > one.bucket.limit else wait_s,
            tier=self.tier,
        )

    def settle(self, *, booked: Demand, used: Demand, now_s: float) -> None:
        """Replace the booked tokens by the used ones, or (as configured) only lift what was cached.

        ``used.prompt`` is without the tokens that were found in the cache.
        """
        if not self.config.give_back_unused:
            used = Demand(used.prompt, booked.output)
        for one in self.dimensions:
            if one.counts != "requests":
                one.bucket.refill(now_s)
                change = one.cost(used) - one.cost(booked)
                one.bucket.used = max(0.0, one.bucket.used + change)

    def headers(self, now_s: float) -> dict[str, str]:
        """Requests are those of the day and tokens those of the minute, as Groq has it."""
        told = {}
        for word, short in (("requests", "(RPD)"), ("tokens", "(TPM)")):
            for one in self.dimensions:
                if one.name.endswith(short):
                    one.bucket.refill(now_s)
                    told[f"x-ratelimit-limit-{word}"] = str(one.bucket.limit)
                    told[f"x-ratelimit-remaining-{word}"] = str(one.bucket.remaining)
                    told[f"x-ratelimit-reset-{word}"] = format_duration(one.bucket.reset_s)
        return told

    def describe(self, now_s: float) -> dict[str, dict[str, float]]:
        """Every bucket, also those that no header tells of."""
        for one in self.dimensions:
            one.bucket.refill(now_s)
        return {
            one.name: {"limit": one.bucket.limit, "used": one.bucket.used}
            for one in self.dimensions
        }


def format_duration(seconds: float) -> str:
    """Go's notation: ``391ms``, ``2.5s``, ``2m59.56s``, ``11h59m59s``."""
    if seconds < 1:
        return f"{math.ceil(seconds * 1000)}ms"
    minutes, rest = divmod(round(seconds, 3), 60)
    hours, minutes = divmod(int(minutes), 60)
    lead = (f"{hours}h" if hours else "") + (f"{minutes}m" if hours or minutes else "")
    return f"{lead}{rest:.3f}".rstrip("0").rstrip(".") + "s"
