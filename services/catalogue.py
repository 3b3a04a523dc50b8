"""The seller's catalogue: storing listings with their measures, reading them back."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from core.clock import today
from core.errors import NotFoundError
from core.ids import hash_text, new_id
from domain.brief import canonical_json
from domain.findings import Finding, Level
from domain.listing import Listing, fields_from_json, fields_to_json
from domain.marketplaces.checker import check_listing
from domain.marketplaces.rulebook import RuleSet, load_rulebook
from domain.money import find_value, parse_minor, parse_stock
from domain.scoring import score_listing
from models import listing as rows
from models import suggestion as suggestions
from services.deps import Deps

SITE = "US"


@dataclass(frozen=True, slots=True)
class Stored:
    """Where a listing was stored, and what its text measures."""

    listing_id: uuid.UUID
    revision_id: uuid.UUID
    measures: Measures


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """Findings counted by level, and the score from 0 to 100."""

    hard: int
    advice: int
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Shops:
    """The store the rows came from and the store they are optimized for (often the same)."""

    source_id: uuid.UUID
    target_id: uuid.UUID


def get_rules(channel: str, listing: Listing) -> RuleSet:
    """The rules in force today for a listing on a channel."""
    return load_rulebook().select(channel, as_of=today(), store=SITE, category=listing.category)


def measure_listing(listing: Listing, rules: RuleSet, *, keywords: Sequence[str] = ()) -> Measures:
    """Count findings and score, against the seller's search terms where there are any."""
    findings = check_listing(listing, rules)
    hard = count_hard(findings)
    total = score_listing(listing, rules, keywords=keywords, findings=findings).total
    return Measures(hard=hard, advice=len(findings) - hard, score=total)


def count_hard(findings: Sequence[Finding]) -> int:
    """How many findings are hard."""
    return sum(finding.level is Level.HARD for finding in findings)


def get_shops(session: Session, seller_id: uuid.UUID, *, source: str, target: str) -> Shops:
    """The seller's stores for these channels; ``source`` "" means a file of no platform."""
    target_id = rows.insert_store(session, seller_id=seller_id, new_id=new_id(), channel=target)
    source_id = target_id
    if source != target:
        source_id = rows.insert_store(
            session, seller_id=seller_id, new_id=new_id(), channel=source or "file"
        )
    return Shops(source_id=source_id, target_id=target_id)


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
    measures = [measure_listing(one, get_rules(channel, one)) for one in listings]
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


def build_listing(product: rows.ProductRow, revision: rows.RevisionRow) -> Listing:
    """The listing as a value again."""
    return Listing(
        key=product.source_key,
        fields=fields_from_json(revision.fields),
        attributes=product.facts,
        html_fields=frozenset(revision.html_fields),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingPage:
    """One page of listings; ``next_after`` is None on the last."""

    items: tuple[dict[str, Any], ...]
    next_after: uuid.UUID | None


def list_listings(
    deps: Deps,
    seller_id: uuid.UUID,
    *,
    limit: int = 50,
    after: uuid.UUID | None = None,
    channel: str = "",
    state: str = "",
) -> ListingPage:
    """The seller's listings, newest first. ``state``: "", "suggested" or "hard"."""
    with deps.database.transaction(seller=seller_id) as session:
        found = rows.list_listings(
            session, seller_id, limit=limit + 1, after=after, channel=channel, state=state
        )
    items = tuple(summarize(row, name) for row, name in found[:limit])
    return ListingPage(
        items=items, next_after=found[limit - 1][0].id if len(found) > limit else None
    )


def count_listings(deps: Deps, seller_id: uuid.UUID) -> dict[str, dict[str, int]]:
    """How many listings the seller has by channel: all, suggested, with hard findings."""
    with deps.database.transaction(seller=seller_id) as session:
        return rows.count_listings(session, seller_id)


def summarize(row: rows.ListingRow, channel: str) -> dict[str, Any]:
    """A listing as lists show it."""
    return {
        "id": row.id,
        "channel": channel,
        "title": row.title,
        "state": "suggested" if row.open_suggestion_id else row.state,
        "score": None if row.score is None else round(row.score, 1),
        "hard": row.hard,
        "advice": row.advice,
        "suggestion_id": row.open_suggestion_id,
        "updated_at": row.updated_at,
    }


def get_listing(deps: Deps, seller_id: uuid.UUID, listing_id: uuid.UUID) -> dict[str, Any]:
    """One listing whole: texts, facts, findings, revisions, its newest suggestion.

    Raises NotFoundError.
    """
    with deps.database.transaction(seller=seller_id) as session:
        row, listing, channel = load_listing(session, seller_id, listing_id)
        revisions = rows.list_revisions(session, seller_id, listing_id)
        latest = suggestions.find_latest(session, seller_id, listing_id)
        fields = (
            suggestions.list_fields(session, seller_id, latest.id) if latest is not None else []
        )
    findings = check_listing(listing, get_rules(channel, listing))
    return {
        **summarize(row, channel),
        "key": listing.key,
        "fields": fields_to_json(listing.fields),
        "html_fields": sorted(listing.html_fields),
        "attributes": dict(listing.attributes),
        "current_revision_id": row.current_revision_id,
        "findings": [finding_to_json(one) for one in findings],
        "revisions": [
            {
                "id": one.id,
                "origin": one.origin,
                "fields": one.fields,
                "created_at": one.created_at,
            }
            for one in revisions
        ],
        "suggestion": None if latest is None else suggestion_to_json(latest, fields),
    }


def load_listing(
    session: Session, seller_id: uuid.UUID, listing_id: uuid.UUID
) -> tuple[rows.ListingRow, Listing, str]:
    """The row, the listing as it stands now, and its channel; raises NotFoundError."""
    row = rows.find_listing(session, seller_id, listing_id)
    if row is None or row.current_revision_id is None:
        raise NotFoundError("there is no such listing.", field="listing_id")
    product = rows.get_product(session, seller_id, row.product_id)
    revision = rows.get_revision(session, seller_id, row.current_revision_id)
    store = rows.get_store(session, seller_id, row.store_id)
    return row, build_listing(product, revision), store.channel


def finding_to_json(finding: Finding) -> dict[str, Any]:
    """A finding as the API and the pages show it."""
    return {
        "rule": finding.rule,
        "field": finding.field,
        "level": finding.level.value,
        "message": finding.message,
        "remedy": finding.remedy,
        "source": finding.source,
        "item": finding.item,
        "excerpt": finding.excerpt,
    }


def suggestion_to_json(
    row: suggestions.SuggestionRow, fields: Sequence[suggestions.SuggestionFieldRow]
) -> dict[str, Any]:
    """A suggestion with its fields as the API and the pages show it."""
    return {
        "id": row.id,
        "listing_id": row.listing_id,
        "job_id": row.job_id,
        "base_revision_id": row.base_revision_id,
        "status": row.status,
        "engine": row.used_engine,
        "llm": row.llm,
        "simulated": row.simulated,
        "score_before": round(row.score_before, 1),
        "score_after": round(row.score_after, 1),
        "hard_before": row.hard_before,
        "hard_after": row.hard_after,
        "created_at": row.created_at,
        "fields": [
            {
                "field": one.field,
                "engine": one.engine,
                "before": one.before,
                "proposed": one.proposed,
                "after": one.after,
                "refusals": one.refusals,
                "findings": one.findings,
                "action": one.action,
                "final": one.final,
            }
            for one in fields
        ],
    }
