"""The provider's budget within one process: for tests, and while Redis is away."""

from __future__ import annotations

import threading
from collections.abc import Callable

from core.clock import epoch_s
from core.ids import new_id
from domain.budget.model import BudgetModel
from domain.budget.values import (
    Booking,
    BudgetLimits,
    Cost,
    Reservation,
    Room,
    Seen,
    SpendAlert,
    Wait,
)

LOCAL_PREFIX = "local-"


class LocalBudget:
    """Implements ``domain.ports.ProviderBudget`` for the callers of one process.

    ``share`` is the part of the limits that this process may use, for when several share them
    without seeing each other; a single request may still be as large as the whole limit. With a
    share the provider's own count says nothing, since it counts the others too. ``clock`` gives
    seconds since 1970.
    """

    def __init__(
        self,
        *,
        limits: BudgetLimits,
        share: float = 1.0,
        clock: Callable[[], float] = epoch_s,
    ) -> None:
        self._clock = clock
        self._is_alone = share >= 1.0
        self._lock = threading.Lock()
        self._model = BudgetModel(
            buckets=limits.list_buckets(share=share), whole=limits.list_buckets(), at_s=clock()
        )

    def reserve(self, booking: Booking) -> Reservation | Wait:
        """As the port says."""
        with self._lock:
            key = LOCAL_PREFIX + new_id().hex
            return self._model.reserve(booking, key=key, now_s=self._clock())

    def leave(self, ticket: str) -> None:
        """As the port says."""
        with self._lock:
            self._model.leave(ticket)

    def settle(self, reservation: Reservation, *, used: Cost, seen: Seen) -> list[SpendAlert]:
        """As the port says."""
        believed = seen if self._is_alone else {}
        with self._lock:
            return self._model.settle(reservation, used=used, seen=believed, now_s=self._clock())

    def pause(self, seconds: float, *, seen: Seen) -> None:
        """As the port says."""
        believed = seen if self._is_alone else {}
        with self._lock:
            self._model.pause(seconds, seen=believed, now_s=self._clock())

    def measure_room(self) -> Room:
        """As the port says."""
        with self._lock:
            return self._model.measure_room(self._clock())
