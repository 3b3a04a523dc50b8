"""When each store is looked at again, and what was known of its channel's rules the last time."""

from __future__ import annotations

import datetime as dt
import uuid

from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Json, MadeAt, SellerKey, Time


class ScheduleRow(Base):
    """A store's schedule; ``cadence`` None: its seller never said anything."""

    __tablename__ = "schedule"
    seller_id: Mapped[SellerKey]
    store_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    cadence: Mapped[str | None]
    age_days: Mapped[int | None]
    known_rules: Mapped[Json | None]
    looked_on: Mapped[dt.date | None]
    looked_at: Mapped[Time | None]
    updated_at: Mapped[MadeAt]
