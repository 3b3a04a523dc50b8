"""The one place for every alarm of the product: a row, a log line, and the operator's webhook."""

from __future__ import annotations

import datetime as dt
from typing import Any

from domain.alarms import Alarm
from models import operator_event as events
from services.deps import Deps


def raise_alarm(deps: Deps, alarm: Alarm) -> bool:
    """Tell the operator, once within the window of the alarm's kind; whether it was news.

    Opens its own transaction, so do not call it within one. Never fails and never holds up the work
    that noticed something: where the database is away there is only the log line.
    """
    return deps.alarms.ring(alarm)


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
