"""The seller's catalogue as the API and the pages read it."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from core.errors import NotFoundError
from domain.brief import Brief
from domain.findings import Finding
from domain.listing import Listing, fields_from_json, fields_to_json
from domain.marketplaces.checker import check_listing, check_muted
from domain.marketplaces.mutes import Mute
from domain.marketplaces.rulebook import RuleSet
from domain.touchable import find_untouched
from models import listing as rows
from models import suggestion as suggestions
from services.deps import Deps
from services.measures import get_rules
from services.mutes import load_mutes
from services.voice import load_voice


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
        mutes = load_mutes(session, seller_id, channel)
        locks = load_voice(session, seller_id, channel).locks
    rules = get_rules(channel, listing, [one.rule for one in mutes])
    findings = check_listing(listing, rules)
    return {
        **summarize(row, channel),
        "key": listing.key,
        "fields": fields_to_json(listing.fields),
        "html_fields": sorted(listing.html_fields),
        "attributes": dict(listing.attributes),
        "current_revision_id": row.current_revision_id,
        "findings": mark_left_alone(findings, listing, rules, locks=locks),
        "muted": _mark_muted(check_muted(listing, rules), mutes),
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


def mark_left_alone(
    findings: Sequence[Finding],
    listing: Listing,
    rules: RuleSet,
    *,
    locks: tuple[str, ...] = (),
    touch: tuple[str, ...] = (),
) -> list[dict[str, Any]]:
    """Findings with the reason why no proposal will mend them, "" where one may."""
    brief = Brief(
        listing=listing,
        channel=rules.channel,
        as_of=rules.as_of,
        rules_digest=rules.digest,
        prompt_version="",
        locks=locks,
        touch=touch,
    )
    return [
        {**finding_to_json(one), "left_alone": find_untouched(one.field, brief) or ""}
        for one in findings
    ]


def _mark_muted(findings: Sequence[Finding], mutes: Sequence[Mute]) -> list[dict[str, Any]]:
    by_rule = {one.rule: one for one in mutes}
    return [{**finding_to_json(one), **by_rule[one.rule].to_json()} for one in findings]


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
        "hops": row.hops or [],
        "partial": row.partial,
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
