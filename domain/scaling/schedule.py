"""Times of day at which more replicas are wanted before the work is there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

DAY_S: Final = 86_400
_WINDOW = re.compile(r"(\d\d):(\d\d)-(\d\d):(\d\d)=(\d{1,2})")


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleWindow:
    """At least ``replicas`` from ``start_s`` to ``end_s`` of each day, UTC; may pass midnight."""

    start_s: int
    end_s: int
    replicas: int

    def contains(self, at_s: float) -> bool:
        """Whether that time (seconds since 1970) is in it."""
        second = at_s % DAY_S
        if self.start_s <= self.end_s:
            return self.start_s <= second < self.end_s
        return second >= self.start_s or second < self.end_s


def find_scheduled(windows: tuple[ScheduleWindow, ...], at_s: float) -> int:
    """The most replicas any window asks for at that time; 0 outside all."""
    return max((w.replicas for w in windows if w.contains(at_s)), default=0)


def parse_schedule(text: str) -> tuple[ScheduleWindow, ...]:
    """Windows such as ``01:58-02:10=2``, separated by commas; raises ValueError."""
    return tuple(_parse_window(part.strip()) for part in text.split(",") if part.strip())


def _parse_window(text: str) -> ScheduleWindow:
    found = _WINDOW.fullmatch(text)
    if found is None:
        message = f"{text!r} is no window such as 01:58-02:10=2"
        raise ValueError(message)
    start_h, start_m, end_h, end_m, replicas = map(int, found.groups())
    if max(start_h, end_h) > 23 or max(start_m, end_m) > 59:  # noqa: PLR2004 - a clock's limits
        message = f"{text!r} names no time of day"
        raise ValueError(message)
    return ScheduleWindow(
        start_s=start_h * 3600 + start_m * 60, end_s=end_h * 3600 + end_m * 60, replicas=replicas
    )
