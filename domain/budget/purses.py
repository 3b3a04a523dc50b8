"""What a purse has spent and has in flight; the plain words of what the script does in Redis."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from domain.budget.rules import ALERT_PERCENTS, BUSY_WAIT_S, OPEN_S, SPENT_WAIT_S
from domain.budget.values import (
    DAY_S,
    Purse,
    SpendAlert,
    UnknownPurseError,
    Wait,
    WaitReason,
)


@dataclass(slots=True)
class _Spend:
    """Picodollars of one period: booked ones and settled ones."""

    number: int
    picousd: int = 0
    alerted: int = 0

    def turn(self, number: int) -> None:
        """Begin anew when another day or month has come."""
        if number != self.number:
            self.number, self.picousd, self.alerted = number, 0, 0


@dataclass(slots=True)
class PurseBook:
    """One purse's state."""

    in_flight: dict[str, float] = field(default_factory=dict)
    day: _Spend | None = None
    month: _Spend | None = None

    def find_wait(self, purse: Purse, picousd: int, now_s: float) -> Wait | None:
        """Why and how long a call of this price must wait; None when it may be made.

        Raises UnknownPurseError where the spend is neither remembered nor told.
        """
        self.in_flight = {key: end for key, end in self.in_flight.items() if end > now_s}
        if purse.in_flight_max is not None and len(self.in_flight) >= purse.in_flight_max:
            return Wait(seconds=BUSY_WAIT_S, reason=WaitReason.IN_FLIGHT, purse=purse.name)
        if not purse.has_money_cap:
            return None
        day, month = self._open(purse, now_s)
        to_midnight_s = DAY_S - now_s % DAY_S
        wait_s = min(SPENT_WAIT_S, to_midnight_s) if self.in_flight else to_midnight_s
        for reason, spend, most in (
            (WaitReason.DAY_SPEND, day, purse.day_max),
            (WaitReason.MONTH_SPEND, month, purse.month_max),
        ):
            if most is not None and spend.picousd + picousd > most:
                return Wait(seconds=wait_s, reason=reason, purse=purse.name)
        return None

    def book(self, purse: Purse, key: str, *, picousd: int, now_s: float) -> None:
        """Take a call into account at the most it can cost."""
        self.in_flight[key] = now_s + OPEN_S
        if purse.has_money_cap:
            for spend in self._open(purse, now_s):
                spend.picousd += picousd

    def settle(
        self, purse: Purse, key: str, *, difference: int, booked_at_s: float, now_s: float
    ) -> list[SpendAlert]:
        """Correct a booking by its real price; the shares of the caps that are now passed."""
        self.in_flight.pop(key, None)
        if not purse.has_money_cap or self.day is None or self.month is None:
            return []
        day, month = self._open(purse, now_s)
        if day.number == find_day(booked_at_s):
            day.picousd = max(0, day.picousd + difference)
        if month.number == find_month(find_day(booked_at_s)):
            month.picousd = max(0, month.picousd + difference)
        return [
            *_note_alert(purse.name, "day", day, purse.day_max),
            *_note_alert(purse.name, "month", month, purse.month_max),
        ]

    def _open(self, purse: Purse, now_s: float) -> tuple[_Spend, _Spend]:
        number = find_day(now_s)
        if self.day is None or self.month is None:
            if purse.spent_day is None or purse.spent_month is None:
                raise UnknownPurseError(purse.name)
            self.day = _Spend(number, purse.spent_day)
            self.month = _Spend(find_month(number), purse.spent_month)
        self.day.turn(number)
        self.month.turn(find_month(number))
        return self.day, self.month


def _note_alert(name: str, period: str, spend: _Spend, most: int | None) -> list[SpendAlert]:
    if not most:
        return []
    percent = max((p for p in ALERT_PERCENTS if spend.picousd * 100 >= p * most), default=0)
    if percent <= spend.alerted:
        return []
    spend.alerted = percent
    return [SpendAlert(purse=name, period=period, percent=percent)]


def find_day(epoch_s: float) -> int:
    """The number of a UTC day since 1970-01-01."""
    return math.floor(epoch_s / DAY_S)


def find_month(day: int) -> int:
    """The number of a day's month since the year 0, by counting from March (as Rome did)."""
    shifted = day + 719_468
    era, in_era = divmod(shifted, 146_097)
    year = (in_era - in_era // 1_460 + in_era // 36_524 - in_era // 146_096) // 365
    in_year = in_era - (365 * year + year // 4 - year // 100)
    month = (5 * in_year + 2) // 153
    return (era * 400 + year) * 12 + month
