"""The scaler's lease, memory and the operator's wishes: one row for each thing that is scaled."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import case, false, func, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import Base, Json, MadeAt, Time

LAST: Final = "last"
"""In a row's state, beside what the policy remembers: what the last round came to."""


DRY: Final = ":dry-run"
"""Ends the name of a row of a scaler that only says what it would do."""


class ScalerRow(Base):
    """Whoever holds the lease decides for the target; nobody else writes its state."""

    __tablename__ = "scaler"
    target: Mapped[str] = mapped_column(primary_key=True)
    holder: Mapped[uuid.UUID | None]
    lease_expires_at: Mapped[Time | None]
    state: Mapped[Json]
    paused_at: Mapped[Time | None]
    override_replicas: Mapped[int | None]
    override_until: Mapped[Time | None]
    updated_at: Mapped[MadeAt]


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldScaler:
    """What the holder of a lease finds. ``at_s`` is the database's time, seconds since 1970."""

    at_s: float
    state: Mapping[str, Any]
    paused: bool
    override: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenScaler:
    """What anybody may read of a target, at ``at_s`` of the database's clock.

    ``seen_at`` is None where no scaler and no operator ever left anything.
    """

    at_s: float
    leads: bool
    state: Mapping[str, Any]
    paused: bool
    override: int | None
    override_until: dt.datetime | None
    seen_at: dt.datetime | None


def see_scaler(session: Session, target: str) -> SeenScaler:
    """Read a target's lease, memory and the operator's wishes; nothing is changed."""
    found = session.execute(
        text(
            "SELECT extract(epoch FROM now.at)::float8, coalesce(s.lease_expires_at > now.at,"
            "  false), coalesce(s.state, '{}'), s.paused_at IS NOT NULL,"
            "  CASE WHEN s.override_until > now.at THEN s.override_replicas END,"
            "  s.override_until, s.updated_at"
            " FROM (SELECT clock_timestamp() AS at) now LEFT JOIN app.scaler s"
            "  ON s.target = :target"
        ),
        {"target": target},
    ).one()
    at_s, leads, state, paused, override, until, seen_at = found
    return SeenScaler(
        at_s=at_s,
        leads=leads,
        state=state,
        paused=paused,
        override=override,
        override_until=until if override is not None else None,
        seen_at=seen_at,
    )


def take_lease(
    session: Session, target: str, *, holder: uuid.UUID, lease_s: float
) -> HeldScaler | None:
    """Take or renew the lease in one statement; None while somebody else holds it."""
    found = session.execute(
        text(
            "INSERT INTO app.scaler AS s (target, holder, lease_expires_at) VALUES (:target,"
            " :holder, clock_timestamp() + make_interval(secs => :lease_s))"
            " ON CONFLICT (target) DO UPDATE SET holder = excluded.holder,"
            " lease_expires_at = excluded.lease_expires_at, updated_at = clock_timestamp()"
            " WHERE s.holder IS NULL OR s.holder = excluded.holder"
            "  OR s.lease_expires_at < clock_timestamp()"
            " RETURNING extract(epoch FROM clock_timestamp())::float8, s.state,"
            "  s.paused_at IS NOT NULL,"
            "  CASE WHEN s.override_until > clock_timestamp() THEN s.override_replicas END"
        ),
        {"target": target, "holder": holder, "lease_s": lease_s},
    ).first()
    if found is None:
        return None
    return HeldScaler(at_s=found[0], state=found[1], paused=found[2], override=found[3])


def save_state(
    session: Session, target: str, *, holder: uuid.UUID, state: Mapping[str, Any]
) -> bool:
    """Keep what the policy remembers; False when the lease was lost."""
    found = session.execute(
        text(
            "UPDATE app.scaler SET state = CAST(:state AS jsonb), updated_at = clock_timestamp()"
            " WHERE target = :target AND holder = :holder"
            " AND lease_expires_at > clock_timestamp() RETURNING 1"
        ),
        {"target": target, "holder": holder, "state": json.dumps(state)},
    )
    return found.first() is not None


def release_lease(session: Session, target: str, *, holder: uuid.UUID) -> None:
    """Let the next scaler begin at once."""
    session.execute(
        text(
            "UPDATE app.scaler SET holder = NULL, lease_expires_at = NULL"
            " WHERE target = :target AND holder = :holder"
        ),
        {"target": target, "holder": holder},
    )


def set_paused(session: Session, target: str, *, paused: bool) -> None:
    """Let the scaler change nothing, or let it work again."""
    session.execute(
        text(
            "INSERT INTO app.scaler (target, paused_at)"
            " VALUES (:target, CASE WHEN :paused THEN clock_timestamp() END)"
            " ON CONFLICT (target) DO UPDATE SET paused_at = excluded.paused_at"
        ),
        {"target": target, "paused": paused},
    )


def set_override(
    session: Session, target: str, *, replicas: int | None, minutes: float
) -> dt.datetime:
    """Ask for a number of replicas for so long; None takes the wish back. Until when."""
    found = session.execute(
        text(
            "INSERT INTO app.scaler (target, override_replicas, override_until)"
            " VALUES (:target, :replicas, clock_timestamp() + make_interval(secs => :seconds))"
            " ON CONFLICT (target) DO UPDATE SET override_replicas = excluded.override_replicas,"
            " override_until = excluded.override_until RETURNING override_until"
        ),
        {"target": target, "replicas": replicas, "seconds": minutes * 60},
    )
    until: dt.datetime = found.scalar_one()
    return until


def list_scalers(session: Session) -> list[tuple[ScalerRow, bool, int | None]]:
    """Everything that is scaled: its row, whether a scaler leads now, the override in force."""
    found = session.execute(
        select(
            ScalerRow,
            func.coalesce(ScalerRow.lease_expires_at > func.clock_timestamp(), false()),
            case((ScalerRow.override_until > func.clock_timestamp(), ScalerRow.override_replicas)),
        ).order_by(ScalerRow.target)
    )
    return [(row[0], bool(row[1]), row[2]) for row in found]
