"""Buckets that refill all the time, and one line before them: first come, first served.

The provider books prompt and completion cap when a call arrives and gives back what was not used
when it has answered; this is the same arithmetic. Whoever must wait gets a place in the line. A
call is granted when it fits beside what is used and beside all who stand before it, so that a small
one never takes what a large one waits for, and a sleeper holds back nobody but by its own size.

``gateways/provider_budget.lua`` does the same in Redis; a property test compares the two.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from domain.budget.purses import PurseBook
from domain.budget.rules import (
    ARRIVE_S,
    DISTRUST_S,
    DRIFT_S,
    GRACE_S,
    HEAD_START_S,
    LEAST_WAIT_S,
    LINE_MAX,
    LINE_S,
    MARGIN_FACTOR,
    MARGIN_HALF_LIFE_S,
    MARGIN_S_MAX,
    OPEN_S,
    RATIO_LEAST,
    RATIO_WEIGHT,
)
from domain.budget.values import (
    Booking,
    Bucket,
    Cost,
    Reservation,
    Room,
    Seen,
    SpendAlert,
    Unit,
    Wait,
    WaitReason,
    require_fit,
)

_EPSILON_S = 1e-6


@dataclass(slots=True)
class _Level:
    """How much of a bucket is used; ``margin`` is left free because somebody else spends too."""

    bucket: Bucket
    used: float = 0.0
    margin: float = 0.0
    told: int | None = None

    @property
    def limit(self) -> int:
        """Ours, or what the provider said where that is less."""
        return self.bucket.limit if self.told is None else min(self.told, self.bucket.limit)

    @property
    def per_s(self) -> float:
        """How much flows back each second."""
        return self.limit / self.bucket.period_s

    @property
    def room(self) -> float:
        """What may still be spent at once; below 0 where more is used already."""
        return self.limit * (1 - self.bucket.slack_share) - self.margin - self.used

    def flow(self, passed_s: float, *, on_its_way: int) -> None:
        """Let flow back what the passed time allows, but nothing of what is ``on_its_way``."""
        self.used = max(float(on_its_way), self.used - passed_s * self.per_s)
        self.margin *= 0.5 ** (passed_s / MARGIN_HALF_LIFE_S)

    def wait_s(self, wanted: float, least: float) -> float:
        """Seconds until ``wanted`` fits; ``least`` fits into an empty bucket even above the cap."""
        most = max(self.room + self.used, least)
        return (self.used + wanted - most) / self.per_s

    def believe(self, limit: int, used: int, *, in_flight: float) -> None:
        """Take over the provider's limit where it is lower, and its count.

        It may not have seen what is ``in_flight`` (infinite where it shall lower nothing): so ours
        stays at least by that much above it.
        """
        self.told = limit if 0 < limit < self.bucket.limit else None
        drift = used - self.used
        if drift > DRIFT_S * self.per_s:
            self.used = float(used)
            most = MARGIN_S_MAX * self.per_s
            self.margin = max(self.margin, min(most, MARGIN_FACTOR * drift))
        else:
            self.used = min(self.used, used + in_flight + DRIFT_S * self.per_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """One who waits: ``rank`` is when they came, ``until_s`` when they count as dead."""

    rank: float
    cost: Cost
    until_s: float


@dataclass(slots=True)
class BudgetModel:
    """The budget of one model and tier. Times are seconds since 1970, never going backwards."""

    buckets: tuple[Bucket, ...]
    whole: tuple[Bucket, ...]
    """The limits without any process's share: what one call may need at most."""

    at_s: float
    paused_until_s: float = 0.0
    distrust_until_s: float = 0.0
    ratio: float = 1.0
    levels: dict[str, _Level] = field(init=False)
    line: dict[str, _Place] = field(default_factory=dict)
    open: dict[str, tuple[float, Cost]] = field(default_factory=dict)
    purses: dict[str, PurseBook] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """All buckets start full."""
        self.levels = {bucket.name: _Level(bucket) for bucket in self.buckets}

    def reserve(self, booking: Booking, *, key: str, now_s: float) -> Reservation | Wait:
        """Book a call, or say how long to wait; ``key`` names the reservation.

        Raises LlmRequestError for a call that never fits, UnknownPurseError.
        """
        self._flow(now_s)
        told = {name: level.told for name, level in self.levels.items() if level.told is not None}
        require_fit(booking.cost, self.whole, told)
        capped = self._find_cap(booking, now_s)
        if capped is not None:
            self.line.pop(booking.ticket, None)
            return capped
        rank, ahead = self._find_place(booking, now_s)
        strict_s, _ = self._find_waits(booking.cost, ahead, now_s, ratio=1.0)
        if strict_s <= _EPSILON_S:
            return self._grant(booking, key, now_s)
        wait_s, behind_s = self._find_waits(booking.cost, ahead, now_s, ratio=self.ratio)
        wait_s = max(wait_s, min(strict_s, LEAST_WAIT_S))
        is_full = booking.ticket not in self.line and len(self.line) >= LINE_MAX
        paused = self.paused_until_s > now_s
        reason = WaitReason.PAUSED if paused else WaitReason.BUDGET
        if behind_s > LINE_S or is_full:
            self.line.pop(booking.ticket, None)
            reason = reason if paused else WaitReason.LINE_FULL
            return Wait(seconds=wait_s, reason=reason)
        until_s = now_s + wait_s + GRACE_S
        self.line[booking.ticket] = _Place(rank=rank, cost=booking.cost, until_s=until_s)
        return Wait(seconds=wait_s, reason=reason, holds_place=True)

    def leave(self, ticket: str) -> None:
        """Give a place in the line back."""
        self.line.pop(ticket, None)

    def settle(
        self, reservation: Reservation, *, used: Cost, seen: Seen, now_s: float
    ) -> list[SpendAlert]:
        """Give back what was not used, once, and believe the provider's own count."""
        self._flow(now_s)
        alerts: list[SpendAlert] = []
        found = self.open.pop(reservation.id, None)
        if found is not None:
            self._note_ratio(reservation.cost.tokens, used.tokens)
            for level in self.levels.values():
                unit = level.bucket.unit
                back = reservation.cost.count(unit) - used.count(unit)
                level.used = max(0.0, level.used - back)
            for purse in reservation.purses:
                alerts += self.purses.setdefault(purse.name, PurseBook()).settle(
                    purse,
                    reservation.id,
                    difference=used.picousd - reservation.cost.picousd,
                    booked_at_s=found[0] - OPEN_S,
                    now_s=now_s,
                )
        self._believe(seen, lower=now_s >= self.distrust_until_s)
        return alerts

    def pause(self, seconds: float, *, seen: Seen, now_s: float) -> None:
        """Grant nothing for so long; unless it said what is spent, the minute's tokens are."""
        self._flow(now_s)
        self.paused_until_s = max(self.paused_until_s, now_s + seconds)
        self.distrust_until_s = now_s + DISTRUST_S
        self._believe(seen, lower=False)
        if not seen:
            level = self.levels["tokens_per_minute"]
            level.used = max(level.used, float(level.limit))

    def measure_room(self, now_s: float) -> Room:
        """What could be granted now, less what stands in the line."""
        self._flow(now_s)
        _, ahead = self._find_place(None, now_s)
        return Room(
            paused_s=max(0.0, self.paused_until_s - now_s),
            requests=self._measure(Unit.REQUESTS) - ahead[Unit.REQUESTS],
            tokens=self._measure(Unit.TOKENS) - ahead[Unit.TOKENS],
            requests_per_s=self._measure_rate(Unit.REQUESTS),
            tokens_per_s=self._measure_rate(Unit.TOKENS),
            line=len(self.line),
        )

    def _flow(self, now_s: float) -> None:
        passed_s = max(0.0, now_s - self.at_s)
        self.open = {key: one for key, one in self.open.items() if one[0] > now_s}
        for level in self.levels.values():
            unit = level.bucket.unit
            level.flow(passed_s, on_its_way=self._sum_open(unit, since_s=now_s - ARRIVE_S))
        self.at_s = max(self.at_s, now_s)

    def _note_ratio(self, booked: int, used: int) -> None:
        if booked > 0 and used > 0:
            share = min(1.0, max(RATIO_LEAST, used / booked))
            self.ratio += RATIO_WEIGHT * (share - self.ratio)

    def _believe(self, seen: Seen, *, lower: bool) -> None:
        for name, (limit, used) in seen.items():
            if name in self.levels:
                level = self.levels[name]
                booked = self._sum_open(level.bucket.unit) if lower else math.inf
                level.believe(limit, used, in_flight=booked)

    def _sum_open(self, unit: Unit, *, since_s: float = 0.0) -> int:
        """What was granted since then and is not settled."""
        until_s = since_s + OPEN_S
        return sum(cost.count(unit) for end_s, cost in self.open.values() if end_s > until_s)

    def _find_cap(self, booking: Booking, now_s: float) -> Wait | None:
        for purse in booking.purses:
            book = self.purses.setdefault(purse.name, PurseBook())
            wait = book.find_wait(purse, booking.cost.picousd, now_s)
            if wait is not None:
                return wait
        return None

    def _find_place(self, booking: Booking | None, now_s: float) -> tuple[float, dict[Unit, int]]:
        """Where somebody stands, and what all before them want; None stands last."""
        self.line = {key: one for key, one in self.line.items() if one.until_s > now_s}
        rank, ticket = float("inf"), ""
        if booking is not None:
            ticket = booking.ticket
            fresh = now_s - (HEAD_START_S if booking.urgent else 0.0)
            rank = self.line[ticket].rank if ticket in self.line else fresh
        before = [one.cost for key, one in self.line.items() if (one.rank, key) < (rank, ticket)]
        return rank, {unit: sum(cost.count(unit) for cost in before) for unit in Unit}

    def _find_waits(
        self, cost: Cost, ahead: dict[Unit, int], now_s: float, *, ratio: float
    ) -> tuple[float, float]:
        """Seconds until the call fits, and until all before it have been served.

        ``ratio`` is the share of their bookings that they keep.
        """
        wait_s = behind_s = max(0.0, self.paused_until_s - now_s)
        for level in self.levels.values():
            unit = level.bucket.unit
            own = cost.count(unit)
            before = ahead[unit] * (1.0 if unit is Unit.REQUESTS else ratio)
            wait_s = max(wait_s, level.wait_s(before + own, own))
            behind_s = max(behind_s, level.wait_s(before, 0))
        return wait_s, behind_s

    def _grant(self, booking: Booking, key: str, now_s: float) -> Reservation:
        self.line.pop(booking.ticket, None)
        self.open[key] = (now_s + OPEN_S, booking.cost)
        for level in self.levels.values():
            level.used += booking.cost.count(level.bucket.unit)
        for purse in booking.purses:
            self.purses[purse.name].book(purse, key, picousd=booking.cost.picousd, now_s=now_s)
        return Reservation(id=key, cost=booking.cost, purses=booking.purses)

    def _measure(self, unit: Unit) -> float:
        return min(lv.room for lv in self.levels.values() if lv.bucket.unit is unit)

    def _measure_rate(self, unit: Unit) -> float:
        levels = [lv for lv in self.levels.values() if lv.bucket.unit is unit]
        return min(lv.per_s for lv in levels)
