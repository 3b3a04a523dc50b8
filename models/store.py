"""A seller's stores: what holds for all listings of one channel."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, func, select, text
from sqlalchemy.orm import Session

from models.listing import ListingRow, ProductRow, RevisionRow, StoreRow


def find_store(session: Session, seller_id: uuid.UUID, channel: str) -> StoreRow | None:
    """The seller's store on a channel (there is one site so far)."""
    found = select(StoreRow).where(StoreRow.seller_id == seller_id, StoreRow.channel == channel)
    return session.scalars(found.execution_options(populate_existing=True)).first()


def share_store(session: Session, seller_id: uuid.UUID, store_id: uuid.UUID) -> StoreRow:
    """The seller's store, which nobody changes until the transaction ends."""
    return session.get_one(
        StoreRow, (seller_id, store_id), with_for_update={"read": True}, populate_existing=True
    )


def lock_store(session: Session, seller_id: uuid.UUID, store_id: uuid.UUID) -> StoreRow:
    """The seller's store, locked until the transaction ends."""
    return session.get_one(
        StoreRow, (seller_id, store_id), with_for_update=True, populate_existing=True
    )


def list_stores(session: Session, seller_id: uuid.UUID) -> list[StoreRow]:
    """All stores of a seller."""
    found = select(StoreRow).where(StoreRow.seller_id == seller_id).order_by(StoreRow.channel)
    return list(session.scalars(found))


def set_mutes(row: StoreRow, mutes: Sequence[Mapping[str, Any]]) -> None:
    """Replace the muted rules of a locked store."""
    row.mutes = list(mutes)


def set_wishes(row: StoreRow, wishes: Mapping[str, Any]) -> None:
    """Replace what is wished for in a locked store alone."""
    row.wishes = dict(wishes)


def lock_page(
    session: Session,
    seller_id: uuid.UUID,
    store_id: uuid.UUID,
    *,
    after: uuid.UUID | None,
    before: uuid.UUID,
    limit: int,
) -> list[tuple[ListingRow, ProductRow, RevisionRow]]:
    """Listings of a store with their present texts, by id between the two, locked.

    Those that somebody else is changing are passed over, so that nobody ever waits for us while we
    wait for them.
    """
    found = (
        select(ListingRow, ProductRow, RevisionRow)
        .join(
            ProductRow,
            (ProductRow.seller_id == ListingRow.seller_id)
            & (ProductRow.id == ListingRow.product_id),
        )
        .join(
            RevisionRow,
            (RevisionRow.seller_id == ListingRow.seller_id)
            & (RevisionRow.id == ListingRow.current_revision_id),
        )
        .where(*_measurable(seller_id, store_id, before))
        .order_by(ListingRow.id)
        .limit(limit)
        .with_for_update(of=ListingRow, skip_locked=True)
        .execution_options(populate_existing=True)
    )
    if after is not None:
        found = found.where(ListingRow.id > after)
    return [(row, product, revision) for row, product, revision in session.execute(found)]


def count_measurable(
    session: Session, seller_id: uuid.UUID, store_id: uuid.UUID, *, before: uuid.UUID
) -> int:
    """How many listings of a store with an id below ``before`` have a text."""
    found = select(func.count()).where(*_measurable(seller_id, store_id, before))
    return session.scalars(found).one()


def _measurable(
    seller_id: uuid.UUID, store_id: uuid.UUID, before: uuid.UUID
) -> tuple[ColumnElement[bool], ...]:
    return (
        ListingRow.seller_id == seller_id,
        ListingRow.store_id == store_id,
        ListingRow.current_revision_id.is_not(None),
        ListingRow.id < before,
    )


def update_measures(session: Session, values: Sequence[Mapping[str, Any]]) -> None:
    """Set hard, advice, score and state of listings whose text stays as it is."""
    session.execute(
        text(
            "UPDATE app.listing SET hard = :hard, advice = :advice, score = :score, state = :state"
            " WHERE seller_id = :seller_id AND id = :listing_id"
        ),
        list(values),
    )
