"""Whether a provider works, as one process knows it by its own calls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from core.clock import monotonic_s
from domain.breaker import PROBE_EVERY_S, FailureWindow


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a provider; ``open_for_s`` None: it is taken to work."""

    open_for_s: float | None = None
    probe_in_s: float = 0.0
    refusal: str = ""


class LocalBreaker:
    """One process's own view, and all there is while Redis is away. Not thread-safe."""

    def __init__(self, *, clock: Callable[[], float] = monotonic_s) -> None:
        self._clock = clock
        self._window = FailureWindow()
        self._opened_at_s: float | None = None
        self._probe_at_s = 0.0
        self._refusal, self._refused_until_s = "", 0.0

    def look(self) -> Known:
        """What this process knows."""
        now_s = self._clock()
        return Known(
            open_for_s=None if self._opened_at_s is None else now_s - self._opened_at_s,
            probe_in_s=max(0.0, self._probe_at_s - now_s),
            refusal=self._refusal if now_s < self._refused_until_s else "",
        )

    def take_probe(self) -> bool:
        """Whether the next probe is this caller's."""
        if self._clock() < self._probe_at_s:
            return False
        self._probe_at_s = self._clock() + PROBE_EVERY_S
        return True

    def release(self) -> None:
        """The probe was not made: the next caller may make it."""
        self._probe_at_s = self._clock()

    def add(self, *, failed: bool) -> bool:
        """Note a call; whether the provider is to be taken for down now."""
        return self._window.add(self._clock(), failed=failed)

    def open(self) -> bool:
        """Take the provider for down; False when it was already."""
        self._window.clear()
        if self._opened_at_s is not None:
            return False
        self._opened_at_s = self._clock()
        self._probe_at_s = self._clock() + PROBE_EVERY_S
        return True

    def close(self) -> bool:
        """Take the provider for back; False when it was."""
        if self._opened_at_s is None:
            return False
        self._opened_at_s = None
        self._window.clear()
        return True

    def refuse(self, reason: str, seconds: float) -> bool:
        """The provider shuts us out; False when that was known."""
        is_new = not self.look().refusal
        self._refusal, self._refused_until_s = reason, self._clock() + seconds
        return is_new
