"""Stores, products, listings and their revisions: the seller's catalogue."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, func, select, text, tuple_
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import Base, Json, Key, MadeAt, SellerKey, dump_rows, write_source
from models.seller import SellerRow
from models.session import Moves


class StoreRow(Base):
    """One shop of a seller on one channel and site."""

    __tablename__ = "store"
    seller_id: Mapped[SellerKey]
    id: Mapped[Key]
    channel: Mapped[str]
    site: Mapped[str]
    locale: Mapped[str]
    currency: Mapped[str]
    mode: Mapped[str]
    style_version: Mapped[int]
    mutes: Mapped[Json]
    wishes: Mapped[Json]
    created_at: Mapped[MadeAt]


class ProductRow(Base):
    """What the source row says, apart from its texts."""

    __tablename__ = "product"
    seller_id: Mapped[SellerKey]
    id: Mapped[Key]
    source_store_id: Mapped[uuid.UUID]
    source_key: Mapped[str]
    facts: Mapped[Json]
    facts_hash: Mapped[str]
    image_url: Mapped[str]
    price_minor: Mapped[int | None] = mapped_column(BigInteger)
    stock: Mapped[int | None] = mapped_column(BigInteger)
    updated_at: Mapped[MadeAt]


class ListingRow(Base):
    """One product on one channel; its texts are in revisions."""

    __tablename__ = "listing"
    seller_id: Mapped[SellerKey]
    id: Mapped[Key]
    product_id: Mapped[uuid.UUID]
    store_id: Mapped[uuid.UUID]
    variant_key: Mapped[str] = mapped_column(server_default="")
    title: Mapped[str]
    state: Mapped[str]
    current_revision_id: Mapped[uuid.UUID | None]
    live_revision_id: Mapped[uuid.UUID | None]
    hard: Mapped[int | None]
    advice: Mapped[int | None]
    score: Mapped[float | None]
    gain: Mapped[float | None]
    risk: Mapped[str] = mapped_column(server_default="")
    value_minor: Mapped[int | None] = mapped_column(BigInteger)
    open_suggestion_id: Mapped[uuid.UUID | None]
    created_at: Mapped[MadeAt]
    updated_at: Mapped[MadeAt]


class RevisionRow(Base):
    """One frozen version of a listing's texts."""

    __tablename__ = "revision"
    seller_id: Mapped[SellerKey]
    id: Mapped[Key]
    listing_id: Mapped[uuid.UUID]
    parent_id: Mapped[uuid.UUID | None]
    origin: Mapped[str]
    fields: Mapped[Json]
    html_fields: Mapped[Json]
    hash: Mapped[str]
    created_at: Mapped[MadeAt]


def insert_store(
    session: Session, *, seller_id: uuid.UUID, new_id: uuid.UUID, channel: str, site: str = "US"
) -> uuid.UUID:
    """The seller's store on this channel and site, added if it is new."""
    session.execute(
        text(
            "INSERT INTO app.store (seller_id, id, channel, site) VALUES (:seller, :id, :channel,"
            " :site) ON CONFLICT DO NOTHING"
        ),
        {"seller": seller_id, "id": new_id, "channel": channel, "site": site},
    )
    found = select(StoreRow.id).where(
        StoreRow.seller_id == seller_id, StoreRow.channel == channel, StoreRow.site == site
    )
    return session.scalars(found).one()


def insert_products(
    session: Session, seller_id: uuid.UUID, values: Sequence[dict[str, Any]]
) -> dict[str, uuid.UUID]:
    """Add or refresh products of one source store; their ids by source key."""
    given = [{**one, "seller_id": seller_id} for one in values]
    found = session.execute(_ADD_PRODUCTS, {"rows": dump_rows(given)})
    return {row[0]: row[1] for row in found}


_PRODUCT = ("facts", "facts_hash", "image_url", "price_minor", "stock")
_ADD_PRODUCTS = text(
    "INSERT INTO app.product "
    + write_source(ProductRow, ["seller_id", "id", "source_store_id", "source_key", *_PRODUCT])
    + " ON CONFLICT (seller_id, source_store_id, source_key) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in _PRODUCT)
    + ", updated_at = clock_timestamp() RETURNING source_key, id"
)


def insert_listings(
    session: Session, seller_id: uuid.UUID, values: Sequence[dict[str, Any]]
) -> dict[uuid.UUID, uuid.UUID]:
    """Add listings or find those there are; listing ids by product id."""
    empty = {"state": "new", "title": "", "variant_key": "", "seller_id": seller_id}
    found = session.execute(_ADD_LISTINGS, {"rows": dump_rows([{**empty, **v} for v in values])})
    return {row[0]: row[1] for row in found}


_LISTING = ("seller_id", "id", "product_id", "store_id", "variant_key", "state", "title")
_ADD_LISTINGS = text(
    f"INSERT INTO app.listing {write_source(ListingRow, _LISTING)}"
    " ON CONFLICT (seller_id, product_id, store_id, variant_key)"
    " DO UPDATE SET updated_at = clock_timestamp() RETURNING product_id, id"
)


def insert_revisions(
    session: Session, seller_id: uuid.UUID, values: Sequence[dict[str, Any]]
) -> dict[tuple[uuid.UUID, str], uuid.UUID]:
    """Add revisions or find equal ones; ids by listing id and hash."""
    given = [{"html_fields": [], "parent_id": None, **v, "seller_id": seller_id} for v in values]
    session.execute(_ADD_REVISIONS, {"rows": dump_rows(given)})
    wanted = {
        "seller": seller_id,
        "listings": [v["listing_id"] for v in values],
        "hashes": [v["hash"] for v in values],
    }
    found = session.execute(_FIND_REVISIONS, wanted)
    return {(listing_id, digest): revision_id for listing_id, digest, revision_id in found}


_REVISION = (
    *("seller_id", "id", "listing_id", "parent_id"),
    *("origin", "fields", "html_fields", "hash"),
)
_ADD_REVISIONS = text(
    f"INSERT INTO app.revision {write_source(RevisionRow, _REVISION)} ON CONFLICT DO NOTHING"
)
_FIND_REVISIONS = text(
    "SELECT r.listing_id, r.hash, r.id FROM unnest(CAST(:listings AS uuid[]),"
    " CAST(:hashes AS text[])) AS w(listing_id, hash) JOIN app.revision r"
    " ON r.seller_id = :seller AND r.listing_id = w.listing_id AND r.hash = w.hash"
)


def set_current_revision(
    session: Session,
    *,
    seller_id: uuid.UUID,
    listing_id: uuid.UUID,
    revision_id: uuid.UUID,
    title: str,
) -> None:
    """Say which text the listing has now; clears the measures, which belonged to the old text."""
    session.execute(
        text(
            "UPDATE app.listing SET current_revision_id = :revision, title = :title,"
            " updated_at = clock_timestamp()"
            " WHERE seller_id = :seller AND id = :listing"
        ),
        {"seller": seller_id, "listing": listing_id, "revision": revision_id, "title": title},
    )


def set_measures(session: Session, values: Sequence[dict[str, Any]]) -> None:
    """Store hard, advice, score, value_minor and current revision of many listings at once."""
    session.execute(
        text(
            "UPDATE app.listing SET current_revision_id = :current_revision_id, title = :title,"
            " hard = :hard, advice = :advice, score = :score, value_minor = :value_minor,"
            " state = :state, updated_at = clock_timestamp()"
            " WHERE seller_id = :seller_id AND id = :listing_id"
        ),
        list(values),
    )


def find_listing(
    session: Session, seller_id: uuid.UUID, listing_id: uuid.UUID
) -> ListingRow | None:
    """The seller's listing."""
    return session.get(ListingRow, (seller_id, listing_id))


def lock_listing(session: Session, seller_id: uuid.UUID, listing_id: uuid.UUID) -> ListingRow:
    """The seller's listing, locked until the transaction ends."""
    return session.get_one(
        ListingRow, (seller_id, listing_id), with_for_update=True, populate_existing=True
    )


def lock_revision(moves: Moves, seller_id: uuid.UUID, listing_id: uuid.UUID) -> uuid.UUID | None:
    """Which text a listing has now; the listing is locked until the transaction ends."""
    found: uuid.UUID | None = moves.execute(
        _LOCK_REVISION, {"seller": seller_id, "listing": listing_id}
    ).scalar()
    return found


_LOCK_REVISION = text(
    "SELECT current_revision_id FROM app.listing"
    " WHERE seller_id = :seller AND id = :listing FOR UPDATE"
)


def get_product(session: Session, seller_id: uuid.UUID, product_id: uuid.UUID) -> ProductRow:
    """The product of a listing."""
    return session.get_one(ProductRow, (seller_id, product_id))


def get_store(session: Session, seller_id: uuid.UUID, store_id: uuid.UUID) -> StoreRow:
    """The store of a listing."""
    return session.get_one(StoreRow, (seller_id, store_id))


def get_revision(session: Session, seller_id: uuid.UUID, revision_id: uuid.UUID) -> RevisionRow:
    """One version of a text."""
    return session.get_one(RevisionRow, (seller_id, revision_id))


def list_revisions(
    session: Session, seller_id: uuid.UUID, listing_id: uuid.UUID
) -> list[RevisionRow]:
    """All versions of a listing's text, oldest first."""
    found = (
        select(RevisionRow)
        .where(RevisionRow.seller_id == seller_id, RevisionRow.listing_id == listing_id)
        .order_by(RevisionRow.id)
    )
    return list(session.scalars(found))


def list_listings(
    session: Session,
    seller_id: uuid.UUID,
    *,
    limit: int,
    after: uuid.UUID | None = None,
    channel: str = "",
    state: str = "",
) -> list[tuple[ListingRow, str]]:
    """One page of listings with their channel, newest first; ``after`` is the last id seen."""
    found = (
        select(ListingRow, StoreRow.channel)
        .join(
            StoreRow,
            (StoreRow.seller_id == ListingRow.seller_id) & (StoreRow.id == ListingRow.store_id),
        )
        .where(ListingRow.seller_id == seller_id)
        .order_by(ListingRow.id.desc())
        .limit(limit)
    )
    if after is not None:
        found = found.where(ListingRow.id < after)
    if channel:
        found = found.where(StoreRow.channel == channel)
    if state == "suggested":
        found = found.where(ListingRow.open_suggestion_id.is_not(None))
    elif state == "hard":
        found = found.where(ListingRow.hard > 0)
    return [(row, name) for row, name in session.execute(found)]


def count_listings(session: Session, seller_id: uuid.UUID) -> dict[str, dict[str, int]]:
    """By channel: ``listings``, those with an open suggestion, those with hard findings."""
    found = session.execute(
        select(
            StoreRow.channel,
            func.count(),
            func.count(ListingRow.open_suggestion_id),
            func.count().filter(ListingRow.hard > 0),
        )
        .join(
            StoreRow,
            (StoreRow.seller_id == ListingRow.seller_id) & (StoreRow.id == ListingRow.store_id),
        )
        .where(ListingRow.seller_id == seller_id)
        .group_by(StoreRow.channel)
        .order_by(StoreRow.channel)
    )
    return {
        channel: {"listings": total, "suggested": suggested, "hard": hard}
        for channel, total, suggested, hard in found
    }


def list_due(
    session: Session, *, after: tuple[uuid.UUID, uuid.UUID] | None, limit: int
) -> list[ListingRow]:
    """Listings of sellers who are not paused, without an open suggestion, by (seller, id)."""
    found = (
        select(ListingRow)
        .join(SellerRow, SellerRow.id == ListingRow.seller_id)
        .where(
            SellerRow.paused_at.is_(None),
            ListingRow.open_suggestion_id.is_(None),
            ListingRow.current_revision_id.is_not(None),
        )
        .order_by(ListingRow.seller_id, ListingRow.id)
        .limit(limit)
    )
    if after is not None:
        found = found.where(tuple_(ListingRow.seller_id, ListingRow.id) > after)
    return list(session.scalars(found))
