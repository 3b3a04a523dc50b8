"""What is done when a model's door opens, closes or is shut on us: alarms, and waking jobs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from core.errors import UnavailableError
from core.log import get_logger
from domain.alarms import Alarm, AlarmKind, AlarmLevel
from domain.ports import JobQueue
from models.provider_wait import wake_released
from models.session import Database
from services.alarm_bell import AlarmBell

log = get_logger(__name__)

WOKEN_AT_ONCE: Final = 5000


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorWatch:
    """What the doors of a process tell, and to whom."""

    database: Database
    queue: JobQueue
    pool: str
    alarms: AlarmBell

    def note_opened(self, model: str, reason: str) -> None:
        """The breaker of a model has opened."""
        self.alarms.ring(
            Alarm(
                kind=AlarmKind.BREAKER_OPENED,
                key=model,
                message=f"{model} fails; no call is made but one in ten seconds. Last: {reason}",
            )
        )

    def note_closed(self, model: str, open_for_s: float) -> None:
        """The breaker of a model has closed: what waits need wait no longer."""
        self.wake_waiting()
        self.alarms.ring(
            Alarm(
                kind=AlarmKind.BREAKER_CLOSED,
                key=model,
                message=f"{model} answers again after {open_for_s:.0f} s.",
                level=AlarmLevel.INFO,
            )
        )

    def note_refused(self, model: str, reason: str, *, gone: bool) -> None:
        """The provider shuts us out, or (``gone``) has this model no more."""
        remedy = " `flask groq check` compares the whole list." if gone else ""
        self.alarms.ring(
            Alarm(
                kind=AlarmKind.MODEL_RETIRED if gone else AlarmKind.PROVIDER_REFUSED,
                key=model if gone else "groq",
                message=f"{reason}{remedy}",
                level=AlarmLevel.ERROR,
                details={"model": model},
            )
        )

    def wake_waiting(self) -> None:
        """Make the jobs due that were given back to wait."""
        woken = WOKEN_AT_ONCE
        try:
            while woken == WOKEN_AT_ONCE:
                with self.database.transaction(system="wake waiting jobs") as session:
                    woken = wake_released(session, self.pool, limit=WOKEN_AT_ONCE)
        except UnavailableError as fault:
            log.warning("jobs_not_woken", reason=fault.message)
        self.queue.wake_dispatcher()
