"""Which models are out of use, as a process knows it: read again every half minute."""

from __future__ import annotations

import threading
from typing import Final

from core.clock import monotonic_s
from models import disabled_llm as disabled
from models.session import Database

READ_EVERY_S: Final = 30.0


class DisabledLlms:
    """The models that somebody, or a check of the provider's list, took out of use."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._reasons: dict[str, str] = {}
        self._read_again_s = 0.0

    def find_reason(self, model: str) -> str:
        """Why a model is out of use, "" when it is not."""
        with self._lock:
            if monotonic_s() >= self._read_again_s:
                self._read_again_s = monotonic_s() + READ_EVERY_S
                with self._database.statements(system="list disabled models") as session:
                    self._reasons = disabled.list_disabled(session)
            return self._reasons.get(model, "")

    def forget(self) -> None:
        """Read anew at the next question."""
        self._read_again_s = 0.0
