"""Rings: keeps an alarm, logs it, and has it posted; for those who have no deps yet."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.exc import SQLAlchemyError

from core.errors import UnavailableError
from core.log import get_logger
from domain.alarms import Alarm, AlarmLevel
from domain.ports import AlarmHook
from models import operator_event as events
from models.session import Database

log = get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmBell:
    """The one way of every alarm; ``hook`` is None where the operator named no address."""

    database: Database
    hook: AlarmHook | None = None

    def ring(self, alarm: Alarm) -> bool:
        """Tell the operator, once within the window of the alarm's kind; whether it was news.

        Opens its own transaction, so do not call it within one. Never fails and never holds up the
        work that noticed something: where the database is away there is only the log line.
        """
        try:
            with self.database.transaction(system="alarm") as session:
                is_new = events.insert_event(session, alarm)
        except (UnavailableError, SQLAlchemyError) as fault:
            _log(alarm)
            log.warning("alarm_not_kept", kind=alarm.kind, reason=type(fault).__name__)
            return False
        if is_new:
            _log(alarm)
            if self.hook is not None:
                self.hook.post(alarm)
        return is_new


def _log(alarm: Alarm) -> None:
    fields = {"kind": alarm.kind.value, "about": alarm.key, "message": alarm.message}
    if alarm.level is AlarmLevel.ERROR:
        log.error("alarm_raised", **fields)
    elif alarm.level is AlarmLevel.WARNING:
        log.warning("alarm_raised", **fields)
    else:
        log.info("alarm_raised", **fields)
