"""What each seller wants of every text."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import Base, Json, MadeAt


class SellerVoiceRow(Base):
    """A seller's voice as it is now; what a job worked from stands in its brief."""

    __tablename__ = "seller_voice"
    seller_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    body: Mapped[Json]
    updated_at: Mapped[MadeAt]


def find_voice(session: Session, seller_id: uuid.UUID) -> SellerVoiceRow | None:
    """The seller's voice, None before they said anything."""
    return session.get(SellerVoiceRow, seller_id, populate_existing=True)


def put_voice(session: Session, seller_id: uuid.UUID, body: Mapping[str, Any]) -> None:
    """Replace the voice; the version rises only where something changes."""
    new = insert(SellerVoiceRow).values(seller_id=seller_id, version=1, body=body)
    session.execute(
        new.on_conflict_do_update(
            index_elements=["seller_id"],
            set_={
                "body": new.excluded.body,
                "version": SellerVoiceRow.version + 1,
                "updated_at": text("clock_timestamp()"),
            },
            where=SellerVoiceRow.body.is_distinct_from(new.excluded.body),
        )
    )
