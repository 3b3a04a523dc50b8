"""Idempotency keys: what was answered to a request, so that its repetition gets the same."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import Base, Json, MadeAt, SellerKey

KEPT_DAYS = 7


class IdempotencyKeyRow(Base):
    """One key of one seller on one route."""

    __tablename__ = "idempotency_key"
    seller_id: Mapped[SellerKey]
    route: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    body_hash: Mapped[str]
    status: Mapped[int]
    response: Mapped[Json]
    location: Mapped[str]
    created_at: Mapped[MadeAt]


def lock_key(session: Session, seller_id: uuid.UUID, route: str, key: str) -> None:
    """Let parallel requests with one key pass one after the other (until the transaction ends)."""
    session.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"),
        {"name": f"{seller_id}:{route}:{key}"},
    )


def find_key(
    session: Session, seller_id: uuid.UUID, route: str, key: str
) -> IdempotencyKeyRow | None:
    """What was answered to this key."""
    return session.get(IdempotencyKeyRow, (seller_id, route, key))


def insert_key(
    session: Session,
    *,
    seller_id: uuid.UUID,
    route: str,
    key: str,
    body_hash: str,
    response: Mapping[str, Any],
) -> None:
    """Remember what is answered."""
    session.add(
        IdempotencyKeyRow(
            seller_id=seller_id,
            route=route,
            key=key,
            body_hash=body_hash,
            status=202,
            response=dict(response),
            location=f"/api/v1/{route}/{response['id']}",
        )
    )


def delete_old_keys(session: Session) -> None:
    """Forget keys that are past their time."""
    session.execute(
        text(
            "DELETE FROM app.idempotency_key"
            " WHERE created_at < clock_timestamp() - make_interval(days => :days)"
        ),
        {"days": KEPT_DAYS},
    )
