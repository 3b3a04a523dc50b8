"""The one place that knows the time and waits."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable


def utc_now() -> dt.datetime:
    """The current time, aware, in UTC."""
    return dt.datetime.now(tz=dt.UTC)


def today() -> dt.date:
    """The current date in UTC; rules are chosen by it."""
    return utc_now().date()


def monotonic_s() -> float:
    """Seconds on a clock that never jumps; only differences mean something."""
    return time.monotonic()


def epoch_s() -> float:
    """Seconds since 1970 in UTC, for what has to know the day; it may jump."""
    return time.time()


def sleep(seconds: float) -> None:
    """Wait."""
    time.sleep(seconds)


def wait_until(done: Callable[[], bool], *, timeout_s: float, poll_s: float = 0.05) -> bool:
    """Poll ``done`` until it is true (True) or ``timeout_s`` has passed (False)."""
    deadline = monotonic_s() + timeout_s
    while not done():
        if monotonic_s() >= deadline:
            return False
        sleep(poll_s)
    return True
