"""The provider's budget within one process: for tests, and while Redis is away."""

from __future__ import annotations

import threading
from collections.abc import Callable

from core.clock import monotonic_s
from core.errors import LlmRequestError
from core.ids import new_id
from domain.ports import Reservation

LOCAL_PREFIX = "local-"


class LocalBudget:
    """Implements ``domain.ports.ProviderBudget`` for the callers of one process.

    ``share`` is the part of the limits that this process may use, for when several share them
    without seeing each other; a single request may still be as large as the whole limit.
    """

    def __init__(
        self,
        *,
        requests_per_minute: int,
        tokens_per_minute: int,
        share: float = 1.0,
        clock: Callable[[], float] = monotonic_s,
    ) -> None:
        self._requests_per_minute = requests_per_minute
        self._tokens_per_minute = tokens_per_minute
        self._share = share
        self._clock = clock
        self._lock = threading.Lock()
        self._requests = requests_per_minute * share
        self._tokens = tokens_per_minute * share
        self._at_s = clock()
        self._paused_until_s = 0.0
        self._open: dict[str, int] = {}

    def reserve(self, *, tokens: int) -> Reservation | float:
        """Book one request of ``tokens``, or say how many seconds to wait.

        Raises LlmRequestError for more tokens than a whole minute has.
        """
        require_fit(tokens, tokens_per_minute=self._tokens_per_minute)
        with self._lock:
            now_s = self._refill()
            wait_s = max(
                self._paused_until_s - now_s,
                (1 - self._requests) * 60 / (self._requests_per_minute * self._share),
                (tokens - self._tokens) * 60 / (self._tokens_per_minute * self._share),
            )
            if wait_s > 0:
                return wait_s
            self._requests -= 1
            self._tokens -= tokens
            booked = Reservation(LOCAL_PREFIX + new_id().hex, tokens)
            self._open[booked.id] = tokens
            return booked

    def settle(self, reservation: Reservation, *, used_tokens: int) -> None:
        """Give back what was not used, once; ``used_tokens`` 0 gives the request back too."""
        with self._lock:
            self._refill()
            booked = self._open.pop(reservation.id, None)
            if booked is None:
                return
            self._tokens = min(self._tokens_per_minute, self._tokens + booked - used_tokens)
            if used_tokens == 0:
                self._requests = min(self._requests_per_minute, self._requests + 1)

    def pause(self, seconds: float) -> None:
        """Grant nothing for so long; the bucket starts empty, since the provider said so."""
        with self._lock:
            self._paused_until_s = max(self._paused_until_s, self._refill() + seconds)
            self._tokens = min(self._tokens, 0)

    def _refill(self) -> float:
        """Let flow back what the passed time allows; the time now."""
        now_s = self._clock()
        minutes = (now_s - self._at_s) / 60 * self._share
        self._requests = min(
            self._requests_per_minute, self._requests + minutes * self._requests_per_minute
        )
        self._tokens = min(
            self._tokens_per_minute, self._tokens + minutes * self._tokens_per_minute
        )
        self._at_s = now_s
        return now_s


def require_fit(tokens: int, *, tokens_per_minute: int) -> None:
    """Raises LlmRequestError for a request that no waiting makes possible."""
    if tokens > tokens_per_minute:
        message = (
            f"The listing needs {tokens:,} tokens and the plan allows {tokens_per_minute:,} a "
            "minute."
        )
        raise LlmRequestError(
            message, remedy="Shorten the listing, name fewer fields, or use a larger plan."
        )
