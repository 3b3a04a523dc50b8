"""What the scaler decided and why."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import Base, Json, MadeAt


class ScalerDecisionRow(Base):
    """One change, or one refusal to change; ticks that change nothing are not kept."""

    __tablename__ = "scaler_decision"
    id: Mapped[int] = mapped_column(primary_key=True)
    adapter: Mapped[str]
    replicas: Mapped[int]
    wanted: Mapped[int]
    applied: Mapped[bool]
    reason: Mapped[str]
    inputs: Mapped[Json]
    created_at: Mapped[MadeAt]


def insert_decision(
    session: Session,
    *,
    adapter: str,
    replicas: int,
    wanted: int,
    applied: bool,
    reason: str,
    inputs: Mapping[str, Any],
) -> None:
    """Keep a decision."""
    session.execute(
        text(
            "INSERT INTO app.scaler_decision (adapter, replicas, wanted, applied, reason, inputs)"
            " VALUES (:adapter, :replicas, :wanted, :applied, :reason, CAST(:inputs AS jsonb))"
        ),
        {
            "adapter": adapter,
            "replicas": replicas,
            "wanted": wanted,
            "applied": applied,
            "reason": reason,
            "inputs": json.dumps(inputs),
        },
    )


def list_decisions(session: Session, *, limit: int) -> list[ScalerDecisionRow]:
    """The newest decisions."""
    found = select(ScalerDecisionRow).order_by(ScalerDecisionRow.id.desc()).limit(limit)
    return list(session.scalars(found))
