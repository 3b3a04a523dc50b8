"""Accepts a page of open suggestions at once: the same result as accepting each by itself."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from core.ids import new_id
from domain.listing import Listing, fields_from_json
from domain.marketplaces.rulebook import RuleSet
from models import acceptance
from models import listing as listings
from models.acceptance import Waiting
from services.catalogue_store import hash_revision, revision_values
from services.measures import Measures, get_rules, measure_listing
from services.mutes import list_muted
from services.review import APPROVING, choose_status
from services.voice import load_voice


@dataclass(frozen=True, slots=True, kw_only=True)
class _Measuring:
    """What texts of a channel are measured with, read after the listings were locked."""

    muted: tuple[str, ...]
    keywords: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Approved:
    """A suggestion, and its listing as it will be."""

    waiting: Waiting
    listing: Listing
    digest: str
    measures: Measures


def accept_waiting(
    session: Session,
    seller_id: uuid.UUID,
    texts: Sequence[tuple[uuid.UUID, uuid.UUID]],
    *,
    actor: str,
    bulk_id: uuid.UUID,
) -> int:
    """Accept whatever is offered and undecided for these texts (listing, revision); how many.

    The caller holds the listings' locks. A suggestion for another text of a listing stays as it is.
    """
    found = [one for one in acceptance.list_waiting(session, seller_id, texts) if _offers(one)]
    if not found:
        return 0
    measuring = {
        channel: _load_measuring(session, seller_id, channel)
        for channel in {one.channel for one in found}
    }
    approved = [_approve(one, measuring[one.channel]) for one in found]
    revisions = listings.insert_revisions(
        session, seller_id, [_build_revision(one) for one in approved]
    )
    accepts = [values for one in found for values in _build_accepts(one)]
    acceptance.insert_accepts(session, seller_id, accepts, actor=actor, bulk_id=bulk_id)
    settled = [
        _build_settled(one, revisions[one.waiting.listing_id, one.digest]) for one in approved
    ]
    acceptance.settle_accepted(session, seller_id, settled)
    return len(found)


def _offers(waiting: Waiting) -> bool:
    return any(one.after is not None and one.action is None for one in waiting.fields)


def _load_measuring(session: Session, seller_id: uuid.UUID, channel: str) -> _Measuring:
    return _Measuring(
        muted=list_muted(session, seller_id, channel),
        keywords=load_voice(session, seller_id, channel).keywords,
    )


def _approve(waiting: Waiting, measuring: _Measuring) -> _Approved:
    base = Listing(
        key=waiting.key,
        fields=fields_from_json(waiting.texts),
        attributes=waiting.facts,
        html_fields=frozenset(waiting.html_fields),
    )
    listing = base.with_fields(fields_from_json(_list_finals(waiting)))
    rules = get_rules(waiting.channel, base, measuring.muted)
    return _Approved(
        waiting=waiting,
        listing=listing,
        digest=hash_revision(listing),
        measures=_find_measures(waiting, rules, measuring)
        or measure_listing(listing, rules, keywords=measuring.keywords),
    )


def _list_finals(waiting: Waiting) -> dict[str, Any]:
    """The approved content of each field once all that is offered and undecided is accepted."""
    accepted = {one.field: one.after for one in waiting.fields if one.action is None}
    decided = {one.field: one.final for one in waiting.fields if one.action in APPROVING}
    return {name: one for name, one in {**accepted, **decided}.items() if one is not None}


def _find_measures(waiting: Waiting, rules: RuleSet, measuring: _Measuring) -> Measures | None:
    """What the end of the job measured, where it was this very text by these very standards."""
    offered = {one.field: one.after for one in waiting.fields if one.after is not None}
    if (
        waiting.measured is None
        or waiting.keywords != measuring.keywords
        or waiting.rules_digest != rules.digest
        or _list_finals(waiting) != offered
    ):
        return None
    hard, advice, score = waiting.measured
    return Measures(hard=hard, advice=advice, score=score)


def _build_revision(approved: _Approved) -> dict[str, Any]:
    waiting = approved.waiting
    values = revision_values(
        approved.listing, waiting.listing_id, approved.digest, origin="accepted"
    )
    return {**values, "parent_id": waiting.base_revision_id}


def _build_accepts(waiting: Waiting) -> list[Mapping[str, Any]]:
    return [
        {"id": new_id(), "suggestion_id": waiting.suggestion_id, "field": one.field}
        for one in waiting.fields
        if one.after is not None and one.action is None
    ]


def _build_settled(approved: _Approved, revision_id: uuid.UUID) -> dict[str, Any]:
    waiting, measures = approved.waiting, approved.measures
    actions = [one.action for one in waiting.fields]
    return {
        "suggestion_id": waiting.suggestion_id,
        "status": choose_status(["accept", *actions]),
        "listing_id": waiting.listing_id,
        "current_revision_id": revision_id,
        "title": approved.listing.text("title")[:500],
        "hard": measures.hard,
        "advice": measures.advice,
        "score": measures.score,
        "state": "hard" if measures.hard else "good",
    }
