"""What the operator had to hear of, each once for its window, with how often it came again."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence

from sqlalchemy import select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from domain.alarms import WINDOWS_S, Alarm
from models.base import Base, Json, MadeAt


class OperatorEventRow(Base):
    """One alarm; ``repeats`` counts its equals within the window of its kind."""

    __tablename__ = "operator_event"
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    key: Mapped[str]
    level: Mapped[str]
    message: Mapped[str]
    details: Mapped[Json]
    repeats: Mapped[int]
    created_at: Mapped[MadeAt]
    last_at: Mapped[MadeAt]


def insert_event(session: Session, alarm: Alarm) -> bool:
    """Keep an alarm; False when its equal stands there already and only its count rose.

    An advisory lock on kind and key holds until the transaction ends: two processes that notice the
    same thing at once tell it once.
    """
    values = {"kind": alarm.kind.value, "key": alarm.key, "window_s": WINDOWS_S[alarm.kind]}
    session.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended('alarm:' || :kind || ':' || :key, 0))"),
        values,
    )
    again = session.execute(
        text(
            "UPDATE app.operator_event SET repeats = repeats + 1, last_at = clock_timestamp()"
            " WHERE id = (SELECT id FROM app.operator_event WHERE kind = :kind AND key = :key"
            "  AND created_at > clock_timestamp() - make_interval(secs => :window_s)"
            "  ORDER BY id DESC LIMIT 1) RETURNING id"
        ),
        values,
    )
    if again.first() is not None:
        return False
    session.execute(
        text(
            "INSERT INTO app.operator_event (kind, key, level, message, details)"
            " VALUES (:kind, :key, :level, :message, CAST(:details AS jsonb))"
        ),
        {
            **values,
            "level": alarm.level.value,
            "message": alarm.message,
            "details": json.dumps(dict(alarm.details), default=str),
        },
    )
    return True


def list_events(
    session: Session, *, limit: int, kind: str = "", since: dt.datetime | None = None
) -> Sequence[OperatorEventRow]:
    """The newest alarms first."""
    chosen = select(OperatorEventRow).order_by(OperatorEventRow.id.desc()).limit(limit)
    if kind:
        chosen = chosen.where(OperatorEventRow.kind == kind)
    if since is not None:
        chosen = chosen.where(OperatorEventRow.last_at >= since)
    return session.scalars(chosen).all()


def delete_old_events(session: Session, *, older_than_s: float) -> None:
    """Forget alarms that nobody needs any more."""
    session.execute(
        text(
            "DELETE FROM app.operator_event"
            " WHERE last_at < clock_timestamp() - make_interval(secs => :age)"
        ),
        {"age": older_than_s},
    )
