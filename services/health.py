"""Whether this process can serve: each thing it depends on, named."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from core.clock import monotonic_s
from core.errors import AppError
from models import schema
from services.deps import Deps

CACHE_S: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """The state of each dependency: "ok" or why not."""

    checks: dict[str, str]

    @property
    def ready(self) -> bool:
        """Whether requests can be served. Without Redis they can: jobs wait in Postgres."""
        return self.checks["postgres"] == "ok" and self.checks["schema"] == "ok"


@dataclass(slots=True)
class ReadinessProbe:
    """Checks at most once a second, however often it is asked."""

    deps: Deps
    _seen: Readiness | None = None
    _seen_s: float = 0.0

    def check(self) -> Readiness:
        """The state of all dependencies."""
        now_s = monotonic_s()
        if self._seen is None or now_s - self._seen_s > CACHE_S:
            self._seen, self._seen_s = check_readiness(self.deps), now_s
        return self._seen


def check_readiness(deps: Deps) -> Readiness:
    """Ask every dependency."""
    checks = {"postgres": "ok", "schema": "unknown", "redis": "ok"}
    try:
        with deps.database.transaction(system="readiness") as session:
            found = schema.find_revision(session)
        checks["schema"] = "ok" if schema.is_usable(found) else f"is {found or 'missing'}"
    except AppError as fault:
        checks["postgres"] = fault.message
    try:
        deps.queue.ping()
    except AppError as fault:
        checks["redis"] = fault.message
    return Readiness(checks=checks)
