"""Frozen inputs of jobs, stored once per seller and content."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import Base, Json, MadeAt, SellerKey, dump_rows, write_source


class BriefRow(Base):
    """One brief."""

    __tablename__ = "brief"
    seller_id: Mapped[SellerKey]
    hash: Mapped[str] = mapped_column(primary_key=True)
    body: Mapped[Json]
    created_at: Mapped[MadeAt]


def insert_briefs(
    session: Session, seller_id: uuid.UUID, bodies: Mapping[str, Mapping[str, Any]]
) -> None:
    """Add briefs by their hash; equal ones are stored already."""
    rows = [
        {"seller_id": seller_id, "hash": digest, "body": body} for digest, body in bodies.items()
    ]
    session.execute(_ADD, {"rows": dump_rows(rows)})


_ADD = text(
    f"INSERT INTO app.brief {write_source(BriefRow, ['seller_id', 'hash', 'body'])}"
    " ON CONFLICT DO NOTHING"
)


def get_brief(session: Session, seller_id: uuid.UUID, digest: str) -> Mapping[str, Any]:
    """The body of a brief."""
    found: Mapping[str, Any] = session.get_one(BriefRow, (seller_id, digest)).body
    return found
