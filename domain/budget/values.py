"""The words of a budget: what is asked for, what is booked, and what was really used."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from core.errors import LlmRequestError

MINUTE_S: Final = 60.0
DAY_S: Final = 86_400.0
SLACK_S: Final = 0.6
"""A bucket is never emptied but for what flows back in so long (1 % of a minute): a call may reach
the provider some milliseconds after its grant, and its bucket is then that much behind ours."""

Seen = Mapping[str, tuple[int, int]]
"""What the provider itself said: by a bucket's name its limit, and how much of it is used."""


class Unit(StrEnum):
    """What a bucket counts."""

    REQUESTS = "requests"
    TOKENS = "tokens"
    INPUT = "input"
    OUTPUT = "output"


class WaitReason(StrEnum):
    """Why a call must wait."""

    BUDGET = "budget"
    PAUSED = "paused"
    LINE_FULL = "line_full"
    IN_FLIGHT = "in_flight"
    DAY_SPEND = "day_spend"
    MONTH_SPEND = "month_spend"

    @property
    def is_cap(self) -> bool:
        """Whether money set aside for the day or month is spent."""
        return self in (WaitReason.DAY_SPEND, WaitReason.MONTH_SPEND)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """One limit: ``limit`` units flow back evenly within ``period_s``; it starts full."""

    name: str
    unit: Unit
    limit: int
    period_s: float

    @property
    def slack_share(self) -> float:
        """The part of the limit that is left untouched."""
        return SLACK_S / self.period_s


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetLimits:
    """What a provider allows an organisation for one model and tier; None where it names none."""

    requests_per_minute: int
    tokens_per_minute: int
    requests_per_day: int | None = None
    tokens_per_day: int | None = None
    input_tokens_per_minute: int | None = None
    output_tokens_per_minute: int | None = None

    def list_buckets(self, *, share: float = 1.0) -> tuple[Bucket, ...]:
        """The limits as buckets; ``share`` is the part that one process may use on its own."""
        wanted = (
            ("requests_per_minute", Unit.REQUESTS, self.requests_per_minute, MINUTE_S),
            ("tokens_per_minute", Unit.TOKENS, self.tokens_per_minute, MINUTE_S),
            ("requests_per_day", Unit.REQUESTS, self.requests_per_day, DAY_S),
            ("tokens_per_day", Unit.TOKENS, self.tokens_per_day, DAY_S),
            ("input_tokens_per_minute", Unit.INPUT, self.input_tokens_per_minute, MINUTE_S),
            ("output_tokens_per_minute", Unit.OUTPUT, self.output_tokens_per_minute, MINUTE_S),
        )
        return tuple(
            Bucket(name=name, unit=unit, limit=max(1, math.floor(limit * share)), period_s=period_s)
            for name, unit, limit, period_s in wanted
            if limit is not None
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a call takes of a budget: tokens, and picodollars (1e-12 USD).

    Booked: the most it can take. Settled: what it took; ``requests`` 0 when none was made.
    Raises ValueError for less than nothing.
    """

    requests: int = 1
    input_tokens: int
    output_tokens: int
    picousd: int = 0

    def __post_init__(self) -> None:
        """Check the amounts."""
        if min(self.requests, self.input_tokens, self.output_tokens, self.picousd) < 0:
            reason = f"a cost is never negative: {self}"
            raise ValueError(reason)

    @property
    def tokens(self) -> int:
        """What the provider counts against tokens per minute and day."""
        return self.input_tokens + self.output_tokens

    def count(self, unit: Unit) -> int:
        """The amount in one unit."""
        match unit:
            case Unit.REQUESTS:
                return self.requests
            case Unit.TOKENS:
                return self.tokens
            case Unit.INPUT:
                return self.input_tokens
            case Unit.OUTPUT:
                return self.output_tokens


NOTHING: Final = Cost(requests=0, input_tokens=0, output_tokens=0)
"""What a call takes that was never made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """What a seller allows: calls in flight, picodollars a UTC day and month; None = no cap."""

    in_flight_max: int | None = None
    day_pico: int | None = None
    month_pico: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Purse:
    """Who pays, and how much they let us have: calls in flight, picodollars a UTC day and month.

    ``spent_day`` and ``spent_month`` are what the ledger says, known only where the budget asked.
    """

    name: str
    in_flight_max: int | None = None
    day_max: int | None = None
    month_max: int | None = None
    spent_day: int | None = None
    spent_month: int | None = None

    @property
    def is_capped(self) -> bool:
        """Whether there is anything to hold."""
        return (self.in_flight_max, self.day_max, self.month_max) != (None, None, None)

    @property
    def has_money_cap(self) -> bool:
        """Whether what is spent must be known."""
        return (self.day_max, self.month_max) != (None, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Booking:
    """One call that wants its share of the budget.

    ``ticket`` is its place in the line, the same for every time it asks. An urgent one may overtake
    those that have waited for less than a few seconds.
    """

    ticket: str
    cost: Cost
    urgent: bool = False
    purses: tuple[Purse, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """A booked share of the budget; settle it with the real figures on every exit."""

    id: str
    cost: Cost
    purses: tuple[Purse, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Ask again after ``seconds``; ``holds_place`` says whether a place in the line is kept.

    ``purse`` names whose cap it is, "" where it is the provider's limit.
    """

    seconds: float
    reason: WaitReason = WaitReason.BUDGET
    holds_place: bool = False
    purse: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendAlert:
    """A purse has now used ``percent`` of what it has for its ``period`` ("day" or "month")."""

    purse: str
    period: str
    percent: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What could be granted now, and flows back each second; ``paused_s`` until anything is.

    ``tokens`` and ``requests`` count what stands in the line as gone: below 0 where it is longer
    than what there is.
    """

    paused_s: float
    requests: float
    tokens: float
    requests_per_s: float
    tokens_per_s: float
    line: int = 0


class UnknownPurseError(Exception):
    """The budget has forgotten what this purse has spent: ask again with the ledger's figures."""

    def __init__(self, purse: str) -> None:
        super().__init__(purse)
        self.purse = purse


def require_fit(cost: Cost, buckets: tuple[Bucket, ...], limits: Mapping[str, int]) -> None:
    """Raises LlmRequestError for a call that no waiting makes possible.

    ``limits`` are lower ones that the provider has named since, by the bucket's name.
    """
    for bucket in buckets:
        limit = min(bucket.limit, limits.get(bucket.name, bucket.limit))
        if cost.count(bucket.unit) > limit:
            raise build_size_error(cost.count(bucket.unit), limit=limit, name=bucket.name)


def build_size_error(needed: int, *, limit: int, name: str) -> LlmRequestError:
    """The refusal of a call that is larger than a whole period's limit."""
    noun, _, period = name.replace("_", " ").partition(" per ")
    return LlmRequestError(
        f"The listing needs {needed:,} {noun} and the plan allows {limit:,} a {period}.",
        remedy="Shorten the listing, name fewer fields, or use a larger plan.",
    )
