"""A command that waits says why, and ends in time where it would wait until another day."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from core.clock import monotonic_s
from services.deps import Deps
from services.run_waits import RunWait, find_wait, halt_run

LOOK_EVERY_S: Final = 1.0
PATIENCE_S: Final = 20.0
"""So long a run stands still before a long wait ends it: a cap may be raised meanwhile."""


@dataclass(slots=True)
class WaitWatch:
    """Looks once a second at what a run waits for."""

    deps: Deps
    seller_id: uuid.UUID
    _looked_s: float = -1e9
    _long_since_s: float | None = None
    _shown: str = ""

    def look(self, shown: Mapping[str, Any]) -> str:
        """Why the import of ``shown`` waits, "" while it goes on; ends a run that waits too long.

        What is done then is written as ever, and the same command goes on from there.
        """
        progress, batch_id = shown["progress"], shown["batch_id"]
        if batch_id is None or progress["finished"] >= progress["total"] > 0:
            return ""
        now_s = monotonic_s()
        if now_s - self._looked_s < LOOK_EVERY_S:
            return self._shown
        self._looked_s = now_s
        wait = find_wait(self.deps, self.seller_id, batch_id)
        self._shown = str(wait) if wait else ""
        self._end_long(batch_id, wait, now_s)
        return self._shown

    def _end_long(self, batch_id: uuid.UUID, wait: RunWait | None, now_s: float) -> None:
        if wait is None or not wait.is_long:
            self._long_since_s = None
            return
        self._long_since_s = self._long_since_s or now_s
        if now_s - self._long_since_s > PATIENCE_S:
            reason = (
                f"{wait}. The same command goes on from here then: what is done and paid for is"
                " reused."
            )
            halt_run(self.deps, self.seller_id, batch_id, reason)
