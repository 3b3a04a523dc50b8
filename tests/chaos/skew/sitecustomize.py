"""Shifts the clock of a Python process whose path begins here; for rows without ``faketime``.

``CLOCK_SKEW`` holds seconds; with a second number after a slash the clock jumps between the two
every two seconds. What Python code reads as the time of day is shifted (Dramatiq's heartbeats and
our ids read nothing else); monotonic time is not, as with a real clock that is set.
"""

from __future__ import annotations

import os
import time


def _shift_clock(first_s: float, second_s: float) -> None:
    real_ns, monotonic = time.time_ns, time.monotonic

    def time_ns() -> int:
        skew_s = first_s if int(monotonic() / 2) % 2 == 0 else second_s
        return real_ns() + int(skew_s * 1e9)

    time.time_ns = time_ns
    time.time = lambda: time_ns() / 1e9


if "CLOCK_SKEW" in os.environ:
    _first, _, _second = os.environ["CLOCK_SKEW"].partition("/")
    _shift_clock(float(_first), float(_second or _first))
