"""A road that a test sees: what was sent on it, and what was lost."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from core.errors import UnavailableError
from domain.job import Lane
from domain.ports import Dispatch


class Road:
    """A road that counts what it is given, and may be closed."""

    def __init__(self) -> None:
        self.sent: list[Dispatch] = []
        self.closed = False
        self.epoch = "first"
        self.lost: set[tuple[uuid.UUID, int]] = set()

    def push(self, dispatches: Sequence[Dispatch]) -> None:
        self._require_open()
        self.sent += dispatches

    def find_missing(self, dispatches: Sequence[Dispatch]) -> list[Dispatch]:
        self._require_open()
        there = {(one.job_id, one.dispatch_no) for one in self.sent} - self.lost
        return [one for one in dispatches if (one.job_id, one.dispatch_no) not in there]

    def read_epoch(self) -> str:
        self._require_open()
        return self.epoch

    def is_crowded(self) -> bool:
        return False

    def count_messages(self) -> dict[Lane, int]:
        return dict.fromkeys(Lane, 0)

    def wake_dispatcher(self) -> None:
        """Nobody sleeps in these tests."""

    def wait_for_wake(self) -> bool:
        return False

    def ping(self) -> None:
        self._require_open()

    def delete_all(self) -> None:
        self.sent.clear()

    def _require_open(self) -> None:
        if self.closed:
            raise UnavailableError("closed")
