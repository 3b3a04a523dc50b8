"""Stores listings with their texts and measures."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from core.ids import hash_text, new_id
from domain.brief import canonical_json
from domain.listing import Listing, fields_to_json
from domain.money import find_value, parse_minor, parse_stock
from models import listing as rows
from models import store as stores
from models import suggestion as suggestions
from services.measures import Measures, get_rules, measure_listing
from services.voice import load_voice


@dataclass(frozen=True, slots=True)
class Stored:
    """Where a listing was stored, and what its text measures."""

    listing_id: uuid.UUID
    revision_id: uuid.UUID
    measures: Measures


@dataclass(frozen=True, slots=True, kw_only=True)
class Shops:
    """The store the rows came from and the store they are optimized for (often the same).

    ``mutes`` and ``keywords`` are what the target's listings are measured with.
    """

    source_id: uuid.UUID
    target_id: uuid.UUID
    mutes: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()


def get_shops(session: Session, seller_id: uuid.UUID, *, source: str, target: str) -> Shops:
    """The seller's stores for these channels; ``source`` "" means a file of no platform.

    What is muted in the target stays so until the transaction ends: whoever changes it then
    measures what was stored by now.
    """
    target_id = rows.insert_store(session, seller_id=seller_id, new_id=new_id(), channel=target)
    source_id = target_id
    if source != target:
        source_id = rows.insert_store(
            session, seller_id=seller_id, new_id=new_id(), channel=source or "file"
        )
    mutes = tuple(one["rule"] for one in stores.share_store(session, seller_id, target_id).mutes)
    keywords = load_voice(session, seller_id, target).keywords
    return Shops(source_id=source_id, target_id=target_id, mutes=mutes, keywords=keywords)


def store_listings(
    session: Session,
    seller_id: uuid.UUID,
    shops: Shops,
    listings: Sequence[Listing],
    *,
    channel: str,
    origin: str,
) -> list[Stored]:
    """Store listings (keys distinct) as they stand now, in order; equal texts stay one revision.

    A listing whose text is not what it was makes its open suggestion stale.
    """
    measures = [
        measure_listing(one, get_rules(channel, one, shops.mutes), keywords=shops.keywords)
        for one in listings
    ]
    # In the order of their keys, so that two imports of one seller cannot lock each other out.
    by_key = sorted(listings, key=lambda one: one.key)
    products = rows.insert_products(
        session, seller_id, [_product_values(one, shops.source_id) for one in by_key]
    )
    ids = rows.insert_listings(
        session,
        seller_id,
        [
            {"id": new_id(), "product_id": products[one.key], "store_id": shops.target_id}
            for one in by_key
        ],
    )
    listing_ids = [ids[products[one.key]] for one in listings]
    revision_ids = _store_revisions(session, seller_id, listings, listing_ids, origin=origin)
    stored = [
        Stored(listing_id, revision_id, measure)
        for listing_id, revision_id, measure in zip(
            listing_ids, revision_ids, measures, strict=True
        )
    ]
    suggestions.mark_stale(
        session, seller_id, [(one.listing_id, one.revision_id) for one in stored]
    )
    rows.set_measures(
        session,
        [_measure_values(seller_id, one, to) for one, to in zip(listings, stored, strict=True)],
    )
    return stored


def _store_revisions(
    session: Session,
    seller_id: uuid.UUID,
    listings: Sequence[Listing],
    listing_ids: Sequence[uuid.UUID],
    *,
    origin: str,
) -> list[uuid.UUID]:
    hashes = [hash_revision(one) for one in listings]
    found = rows.insert_revisions(
        session,
        seller_id,
        [
            revision_values(one, listing_id, digest, origin=origin)
            for one, listing_id, digest in zip(listings, listing_ids, hashes, strict=True)
        ],
    )
    return [found[key] for key in zip(listing_ids, hashes, strict=True)]


def revision_values(
    listing: Listing, listing_id: uuid.UUID, digest: str, *, origin: str
) -> dict[str, Any]:
    """The columns of a new revision."""
    return {
        "id": new_id(),
        "listing_id": listing_id,
        "origin": origin,
        "fields": fields_to_json(listing.fields),
        "html_fields": sorted(listing.html_fields),
        "hash": digest,
    }


def hash_revision(listing: Listing) -> str:
    """Equal texts, equal hash."""
    return hash_text(canonical_json(fields_to_json(listing.fields)))


def _product_values(listing: Listing, source_store_id: uuid.UUID) -> dict[str, Any]:
    facts = dict(listing.attributes)
    return {
        "id": new_id(),
        "source_store_id": source_store_id,
        "source_key": listing.key,
        "facts": facts,
        "facts_hash": hash_text(canonical_json(facts)),
        "image_url": facts.get("image_url", "")[:2000],
        "price_minor": parse_minor(facts.get("price", "")),
        "stock": parse_stock(facts.get("quantity", "")),
    }


def _measure_values(seller_id: uuid.UUID, listing: Listing, stored: Stored) -> dict[str, Any]:
    facts = listing.attributes
    return {
        "seller_id": seller_id,
        "listing_id": stored.listing_id,
        "current_revision_id": stored.revision_id,
        "title": listing.text("title")[:500],
        "hard": stored.measures.hard,
        "advice": stored.measures.advice,
        "score": stored.measures.score,
        "state": "hard" if stored.measures.hard else "good",
        "value_minor": find_value(facts.get("price", ""), facts.get("quantity", "")),
    }
