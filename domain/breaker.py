"""When a provider is taken for down, and when it is asked whether it is back."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Protocol

FAILURES_IN_A_ROW: Final = 5
LAST_CALLS: Final = 20
LEAST_CALLS: Final = 10
"""The rate of failures means something from so many calls on."""

FAILURE_RATE: Final = 0.5
WINDOW_S: Final = 30.0
PROBE_EVERY_S: Final = 10.0
"""While it is down one call in so many seconds, of all processes together, asks again."""


LONGEST_WAIT_S: Final = 60.0
"""A job that waits for a provider looks again after so long, should nobody wake it before."""


class Verdict(StrEnum):
    """What a call says about whether its provider works."""

    WORKS = "works"
    FAILS = "fails"
    SAYS_NOTHING = "says_nothing"


class BreakerChange(StrEnum):
    """What a verdict changed; only the one who changed it is told."""

    NONE = "none"
    OPENED = "opened"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """Whether a call may be made now.

    ``blocked`` says why not, "" when it may. ``refused``: the provider has shut us out, so that
    waiting for it mends nothing. ``probe``: this call is the one that asks whether it is back.
    ``open_for_s`` is how long it has been down; ``at_s`` when this was asked, on the process's
    clock.
    """

    blocked: str = ""
    refused: bool = False
    probe: bool = False
    wait_s: float = 0.0
    open_for_s: float = 0.0
    at_s: float = 0.0


def find_outage_wait_s(open_for_s: float, *, may_probe: bool, jitter: float) -> float:
    """How long a job waits before it looks again; the longer the outage, the longer.

    One that ``may_probe`` (its own call just failed, or no other model will do for it) is back for
    the next probe, so that somebody always is. ``jitter`` is from 0 to 1.
    """
    if may_probe:
        return PROBE_EVERY_S + jitter
    return min(LONGEST_WAIT_S, PROBE_EVERY_S + open_for_s / 2) * (1 + jitter) / 2


@dataclass(slots=True)
class FailureWindow:
    """The last calls of one process: time and whether each failed."""

    _calls: deque[tuple[float, bool]] = field(default_factory=lambda: deque(maxlen=LAST_CALLS))
    _in_a_row: int = 0

    def add(self, now_s: float, *, failed: bool) -> bool:
        """Note a call; whether the provider is to be taken for down now."""
        self._in_a_row = self._in_a_row + 1 if failed else 0
        self._calls.append((now_s, failed))
        recent = [bad for at_s, bad in self._calls if now_s - at_s <= WINDOW_S]
        too_often = len(recent) >= LEAST_CALLS and sum(recent) > FAILURE_RATE * len(recent)
        return failed and (self._in_a_row >= FAILURES_IN_A_ROW or too_often)

    def clear(self) -> None:
        """Begin anew."""
        self._calls.clear()
        self._in_a_row = 0


class Breaker(Protocol):
    """Whether one model of a provider is taken to work, as all processes know it."""

    def admit(self) -> Passage:
        """Whether a call may be made now; one that is a probe must be recorded or released."""
        ...

    def record(self, verdict: Verdict, passage: Passage) -> BreakerChange:
        """Note how the call ended that ``passage`` let through; what that changed."""
        ...

    def find_outage_s(self) -> float | None:
        """For how long the model has been taken for down; None when it is not."""
        ...

    def release(self) -> None:
        """A probe was not made after all: the next caller may make it."""
        ...

    def refuse(self, reason: str, *, seconds: float, everywhere: bool) -> bool:
        """The provider shuts us out for so long; False when that was known.

        ``everywhere``: not only from this model, but with this key.
        """
        ...
