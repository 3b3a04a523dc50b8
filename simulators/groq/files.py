"""Files kept for batches, and the clock that batches live by."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

from core.clock import monotonic_s, utc_now
from simulators.groq.shape import ApiError

MAX_FILE_BYTES = 100_000_000


class ScaledClock:
    """Seconds since the start, ``scale`` of them in a real one, and further by ``advance``."""

    def __init__(self, *, scale: float = 1.0) -> None:
        self._scale = scale
        self._began_s = monotonic_s()
        self._began_unix_s = utc_now().timestamp()
        self._added_s = 0.0

    def advance(self, seconds: float) -> None:
        """Let so much time pass at once."""
        self._added_s += seconds

    @property
    def elapsed_s(self) -> float:
        """Since the start."""
        return (monotonic_s() - self._began_s) * self._scale + self._added_s

    def to_unix(self, elapsed_s: float) -> int:
        """What the API calls a moment."""
        return int(self._began_unix_s + elapsed_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """One file; ``purpose`` is what the API says of it."""

    id: str
    name: str
    purpose: str
    body: bytes
    created_at: int

    def describe(self) -> dict[str, Any]:
        """As the API shows it."""
        return {
            "id": self.id,
            "object": "file",
            "bytes": len(self.body),
            "created_at": self.created_at,
            "filename": self.name,
            "purpose": self.purpose,
        }


class FileStore:
    """All files of the organisation."""

    def __init__(self, clock: ScaledClock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._files: dict[str, StoredFile] = {}
        self._made = 0

    def reset(self) -> None:
        """Forget all."""
        with self._lock:
            self._files.clear()

    def add(self, name: str, body: bytes, *, purpose: str = "batch") -> StoredFile:
        """Keep a file; raises ApiError for one that the API would refuse."""
        if not name.endswith(".jsonl"):
            raise _refuse("only .jsonl files are taken for batches")
        if not body or len(body) > MAX_FILE_BYTES:
            raise _refuse("the file is empty or above 100 MB")
        with self._lock:
            self._made += 1
            stored = StoredFile(
                id=f"file_sim_{self._made:06d}",
                name=name,
                purpose=purpose,
                body=body,
                created_at=self._clock.to_unix(self._clock.elapsed_s),
            )
            self._files[stored.id] = stored
        return stored

    def get(self, file_id: str) -> StoredFile:
        """Raises ApiError when there is none."""
        with self._lock:
            stored = self._files.get(file_id)
        if stored is None:
            message = f"No such File object: {file_id}"
            raise ApiError(status=404, code="not_found", message=message)
        return stored

    def delete(self, file_id: str) -> dict[str, Any]:
        """Forget one; raises ApiError when there is none."""
        self.get(file_id)
        with self._lock:
            self._files.pop(file_id, None)
        return {"id": file_id, "object": "file", "deleted": True}

    def describe_all(self) -> list[dict[str, Any]]:
        """As the API lists them."""
        with self._lock:
            return [stored.describe() for stored in self._files.values()]


def _refuse(message: str) -> ApiError:
    return ApiError(status=400, code="invalid_request", message=message)
