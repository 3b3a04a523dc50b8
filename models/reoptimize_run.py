"""Runs of re-optimization: the one that is open holds the lease, the others tell what they did."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import Base, Json, MadeAt, Time


class ReoptimizeRunRow(Base):
    """One run; ``ended_at`` None while it is under way."""

    __tablename__ = "reoptimize_run"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    day: Mapped[dt.date]
    started_at: Mapped[MadeAt]
    beat_at: Mapped[MadeAt]
    ended_at: Mapped[Time | None]
    outcome: Mapped[str | None]
    summary: Mapped[Json]


def insert_run(session: Session, run_id: uuid.UUID, *, day: dt.date, stale_s: float) -> bool:
    """Begin a run; False while another is under way. One that beats no more has been lost."""
    session.execute(
        text(
            "UPDATE app.reoptimize_run SET ended_at = clock_timestamp(), outcome = 'lost'"
            " WHERE ended_at IS NULL"
            " AND beat_at < clock_timestamp() - make_interval(secs => :stale_s)"
        ),
        {"stale_s": stale_s},
    )
    made = session.execute(
        text(
            "INSERT INTO app.reoptimize_run (id, day) VALUES (:id, :day)"
            " ON CONFLICT DO NOTHING RETURNING 1"
        ),
        {"id": run_id, "day": day},
    )
    return made.first() is not None


def beat_run(session: Session, run_id: uuid.UUID) -> bool:
    """Say that the run is alive; False when another has taken its place."""
    beaten = session.execute(
        text(
            "UPDATE app.reoptimize_run SET beat_at = clock_timestamp()"
            " WHERE id = :id AND ended_at IS NULL RETURNING 1"
        ),
        {"id": run_id},
    )
    return beaten.first() is not None


def end_run(
    session: Session, run_id: uuid.UUID, *, outcome: str, summary: Mapping[str, Any]
) -> None:
    """Write down how the run ended, and let the next one begin."""
    session.execute(
        text(
            "UPDATE app.reoptimize_run SET ended_at = clock_timestamp(), outcome = :outcome,"
            " summary = CAST(:summary AS jsonb) WHERE id = :id AND ended_at IS NULL"
        ),
        {"id": run_id, "outcome": outcome, "summary": json.dumps(summary)},
    )


def list_runs(session: Session, *, limit: int) -> list[ReoptimizeRunRow]:
    """The newest runs."""
    found = select(ReoptimizeRunRow).order_by(ReoptimizeRunRow.started_at.desc()).limit(limit)
    return list(session.scalars(found))
