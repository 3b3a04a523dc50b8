"""When each store is looked at again, and what was known of its channel's rules the last time."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import Base, Json, MadeAt, SellerKey, Time
from models.listing import ListingRow, StoreRow


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


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreLook:
    """A store with its schedule, as far as there is one; ``order`` is where the next page begins.

    ``known_rules`` is by id what each rule demanded at the last complete look, ``looked_on`` its
    day, ``paused`` whether the seller is.
    """

    seller_id: uuid.UUID
    store_id: uuid.UUID
    channel: str
    cadence: str | None
    age_days: int | None
    known_rules: Mapping[str, str] | None
    looked_on: dt.date | None
    paused: bool
    order: tuple[dt.datetime, uuid.UUID, uuid.UUID]


# A store that is only the source of another's listings has none of its own, and no schedule.
_STORES = """
SELECT st.seller_id, st.id, st.channel, sc.cadence, sc.age_days, sc.known_rules, sc.looked_on,
       se.paused_at IS NOT NULL AS paused, coalesce(sc.looked_at, CAST(:long_ago AS timestamptz))
FROM app.store st
JOIN app.seller se ON se.id = st.seller_id
LEFT JOIN app.schedule sc ON sc.seller_id = st.seller_id AND sc.store_id = st.id
WHERE coalesce(sc.looked_at, CAST(:long_ago AS timestamptz)) < :before
  AND (coalesce(sc.looked_at, CAST(:long_ago AS timestamptz)), st.seller_id, st.id)
      > (CAST(:after_at AS timestamptz), CAST(:after_seller AS uuid), CAST(:after_store AS uuid))
  AND EXISTS (SELECT FROM app.listing l WHERE l.seller_id = st.seller_id AND l.store_id = st.id)
ORDER BY 9, st.seller_id, st.id LIMIT :limit
"""
LONG_AGO: Final = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
FIRST: Final = (LONG_AGO, uuid.UUID(int=0), uuid.UUID(int=0))


def list_stores(
    session: Session,
    *,
    before: dt.datetime,
    after: tuple[dt.datetime, uuid.UUID, uuid.UUID] = FIRST,
    limit: int,
) -> list[StoreLook]:
    """Stores that have listings and were not looked at since ``before``, longest ago first."""
    found = session.execute(
        text(_STORES),
        {
            "long_ago": LONG_AGO,
            "before": before,
            "after_at": after[0],
            "after_seller": after[1],
            "after_store": after[2],
            "limit": limit,
        },
    )
    return [
        StoreLook(
            seller_id=row[0],
            store_id=row[1],
            channel=row[2],
            cadence=row[3],
            age_days=row[4],
            known_rules=row[5],
            looked_on=row[6],
            paused=row[7],
            order=(row[8], row[0], row[1]),
        )
        for row in found
    ]


def find_schedule(
    session: Session, seller_id: uuid.UUID, store_id: uuid.UUID
) -> ScheduleRow | None:
    """The schedule of a store."""
    return session.get(ScheduleRow, (seller_id, store_id), populate_existing=True)


def put_schedule(
    session: Session,
    seller_id: uuid.UUID,
    store_id: uuid.UUID,
    *,
    cadence: str,
    age_days: int | None,
    known_rules: Mapping[str, str],
) -> None:
    """Set a store's schedule; ``known_rules`` count where nothing was known of its rules before."""
    new = insert(ScheduleRow).values(
        seller_id=seller_id,
        store_id=store_id,
        cadence=cadence,
        age_days=age_days,
        known_rules=dict(known_rules),
    )
    session.execute(
        new.on_conflict_do_update(
            index_elements=["seller_id", "store_id"],
            set_={
                "cadence": new.excluded.cadence,
                "age_days": new.excluded.age_days,
                "known_rules": func.coalesce(ScheduleRow.known_rules, new.excluded.known_rules),
                "updated_at": text("clock_timestamp()"),
            },
        )
    )


def note_look(
    session: Session,
    seller_id: uuid.UUID,
    store_id: uuid.UUID,
    *,
    day: dt.date,
    known_rules: Mapping[str, str] | None,
) -> None:
    """Remember a look; a complete one with what the rules demand, None for one that was cut."""
    complete = known_rules is not None
    session.execute(
        text(
            "INSERT INTO app.schedule AS s (seller_id, store_id, looked_at, looked_on, known_rules)"
            " VALUES (:seller, :store, clock_timestamp(), CASE WHEN :complete THEN"
            "  CAST(:day AS date) END, CAST(:rules AS jsonb))"
            " ON CONFLICT (seller_id, store_id) DO UPDATE SET looked_at = excluded.looked_at,"
            " looked_on = coalesce(excluded.looked_on, s.looked_on),"
            " known_rules = coalesce(excluded.known_rules, s.known_rules)"
        ),
        {
            "seller": seller_id,
            "store": store_id,
            "complete": complete,
            "day": day,
            "rules": json.dumps(dict(known_rules)) if known_rules is not None else None,
        },
    )


def list_schedules(
    session: Session, seller_id: uuid.UUID
) -> list[tuple[uuid.UUID, str, ScheduleRow | None]]:
    """(store id, channel, schedule) of the seller's stores that have listings."""
    found = session.execute(
        select(StoreRow.id, StoreRow.channel, ScheduleRow)
        .outerjoin(
            ScheduleRow,
            (ScheduleRow.seller_id == StoreRow.seller_id) & (ScheduleRow.store_id == StoreRow.id),
        )
        .where(
            StoreRow.seller_id == seller_id,
            select(ListingRow.id)
            .where(ListingRow.seller_id == seller_id, ListingRow.store_id == StoreRow.id)
            .exists(),
        )
        .order_by(StoreRow.channel)
    )
    return [(row[0], row[1], row[2]) for row in found]
