"""Replicas of the embedded mode: the wish stands in a file, the supervisor makes it true."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from domain.ports import ReplicaCount

FILE_NAME: Final = "replicas.json"
SERVICE: Final = "worker"


class LocalReplicas:
    """Implements domain.ports.ReplicaTarget by the file that the supervisor reads each second."""

    name = "local"
    read_every_s = 0.0

    def __init__(self, state_dir: Path) -> None:
        self._path = state_dir / FILE_NAME

    def check(self) -> None:
        """A file of our own cannot be somebody else's."""

    def read(self) -> ReplicaCount:
        """The number last written; not known before the first."""
        try:
            stored = json.loads(self._path.read_text(encoding="utf-8"))
            return ReplicaCount(asked=int(stored[SERVICE]))
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return ReplicaCount(asked=None)

    def write(self, replicas: int) -> None:
        """Ask for that many; the file is replaced whole, never half written."""
        draft = self._path.with_suffix(".tmp")
        draft.write_text(json.dumps({SERVICE: replicas}), encoding="utf-8")
        draft.replace(self._path)
