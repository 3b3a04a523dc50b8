"""The one place for every alarm of the product: a row, a log line, and the operator's webhook."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from core.errors import UnavailableError
from core.log import get_logger
from domain.alarms import Alarm, AlarmLevel
from models import operator_event as events
from services.deps import Deps

log = get_logger(__name__)


def raise_alarm(deps: Deps, alarm: Alarm) -> bool:
    """Tell the operator, once within the window of the alarm's kind; whether it was news.

    Opens its own transaction, so do not call it within one. Never fails and never holds up the work
    that noticed something: where the database is away there is only the log line.
    """
    try:
        with deps.database.transaction(system="alarm") as session:
            is_new = events.insert_event(session, alarm)
    except (UnavailableError, SQLAlchemyError) as fault:
        _log(alarm)
        log.warning("alarm_not_kept", kind=alarm.kind, reason=type(fault).__name__)
        return False
    if is_new:
        _log(alarm)
        if deps.alarm_hook is not None:
            deps.alarm_hook.post(alarm)
    return is_new


def _log(alarm: Alarm) -> None:
    fields = {"kind": alarm.kind.value, "about": alarm.key, "message": alarm.message}
    if alarm.level is AlarmLevel.ERROR:
        log.error("alarm_raised", **fields)
    elif alarm.level is AlarmLevel.WARNING:
        log.warning("alarm_raised", **fields)
    else:
        log.info("alarm_raised", **fields)


def list_events(
    deps: Deps, *, limit: int = 50, kind: str = "", since: dt.datetime | None = None
) -> list[dict[str, Any]]:
    """The newest alarms first, as plain values; ``since`` looks at when each came last."""
    with deps.database.transaction(system="list alarms") as session:
        return [
            {
                "id": row.id,
                "kind": row.kind,
                "key": row.key,
                "level": row.level,
                "message": row.message,
                "details": row.details,
                "repeats": row.repeats,
                "created_at": row.created_at,
                "last_at": row.last_at,
            }
            for row in events.list_events(session, limit=limit, kind=kind, since=since)
        ]
