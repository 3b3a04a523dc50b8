"""Decisions on suggestions: accept, edit, reject field by field, many at once, and undo."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from sqlalchemy.orm import Session

from core.errors import ConflictError, InvalidFieldError, NotFoundError
from core.ids import new_id
from domain.findings import Level
from domain.listing import LIST_FIELDS, Listing, TextValue, fields_from_json
from domain.marketplaces.checker import check_field
from models import listing as listings
from models import suggestion as suggestions
from services.catalogue import build_listing, suggestion_to_json
from services.catalogue_store import hash_revision, revision_values
from services.deps import Deps
from services.measures import get_rules, measure_listing
from services.mutes import list_muted
from services.voice import load_voice

APPROVING: Final = frozenset({"accept", "edit"})
"""The decisions that make a field's final content the listing's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What to do with one field; ``text`` for an edit, ``reason`` for a rejection."""

    action: Literal["accept", "edit", "reject"]
    text: TextValue = ""
    reason: str = ""


def decide(
    deps: Deps,
    seller_id: uuid.UUID,
    suggestion_id: uuid.UUID,
    decisions: Mapping[str, Decision],
    *,
    actor: str,
) -> dict[str, Any]:
    """Take decisions on some fields of an open suggestion; the suggestion as it stands then.

    All or none are taken. Raises NotFoundError, ConflictError (not open any more),
    InvalidFieldError (unknown field, nothing offered, or an edit that breaks a hard rule).
    """
    with deps.database.transaction(seller=seller_id) as session:
        review = lock_review(session, seller_id, suggestion_id)
        _require_open(review.suggestion)
        review.take(decisions, actor=actor)
        review.settle()
        return suggestion_to_json(review.suggestion, review.fields)


def get_suggestion(deps: Deps, seller_id: uuid.UUID, suggestion_id: uuid.UUID) -> dict[str, Any]:
    """One suggestion with its fields; raises NotFoundError."""
    with deps.database.transaction(seller=seller_id) as session:
        row = suggestions.find_suggestion(session, seller_id, suggestion_id)
        if row is None:
            raise NotFoundError("there is no such suggestion.", field="id")
        return suggestion_to_json(row, suggestions.list_fields(session, seller_id, row.id))


def undo(
    deps: Deps, seller_id: uuid.UUID, suggestion_id: uuid.UUID, *, actor: str
) -> dict[str, Any]:
    """Take back all decisions on a suggestion: the listing has its former text again.

    Raises NotFoundError, and ConflictError when the listing has been changed since.
    """
    with deps.database.transaction(seller=seller_id) as session:
        review = lock_review(session, seller_id, suggestion_id)
        review.undo(actor=actor)
        return suggestion_to_json(review.suggestion, review.fields)


def lock_review(session: Session, seller_id: uuid.UUID, suggestion_id: uuid.UUID) -> Review:
    """Lock the listing first, as the end of a job does, so that the two cannot lock each other out.

    Raises NotFoundError.
    """
    found = suggestions.find_suggestion(session, seller_id, suggestion_id)
    if found is None:
        raise NotFoundError("there is no such suggestion.", field="id")
    row = listings.lock_listing(session, seller_id, found.listing_id)
    suggestion = suggestions.lock_suggestion(session, seller_id, suggestion_id)
    return Review(session, suggestion, row)


def _require_open(suggestion: suggestions.SuggestionRow) -> None:
    if suggestion.status != "open":
        raise ConflictError(
            f"the suggestion is {suggestion.status}, not open.",
            remedy="Look at the listing again; undo brings a decided suggestion back.",
        )


class Review:
    """One suggestion under decision, inside one transaction."""

    def __init__(
        self,
        session: Session,
        suggestion: suggestions.SuggestionRow,
        row: listings.ListingRow,
    ) -> None:
        seller_id = suggestion.seller_id
        self._session, self._seller_id = session, seller_id
        self.suggestion, self._row = suggestion, row
        self.fields = suggestions.list_fields(session, seller_id, suggestion.id)
        self._by_name = {one.field: one for one in self.fields}
        product = listings.get_product(session, seller_id, self._row.product_id)
        base = listings.get_revision(session, seller_id, suggestion.base_revision_id)
        self._base: Listing = build_listing(product, base)
        store = listings.get_store(session, seller_id, self._row.store_id)
        muted = list_muted(session, seller_id, store.channel)
        self._rules = get_rules(store.channel, self._base, muted)
        self._keywords = load_voice(session, seller_id, store.channel).keywords

    def take(self, decisions: Mapping[str, Decision], *, actor: str) -> None:
        """Check and record decisions."""
        if not decisions:
            raise InvalidFieldError(
                "no decision was sent.", field="decisions", remedy="Decide on at least one field."
            )
        finals = {name: self._resolve(name, one) for name, one in decisions.items()}
        for name, one in decisions.items():
            row = self._by_name[name]
            final = _plain(finals[name])
            self._record(row, one.action, after=final, reason=one.reason, actor=actor)
            suggestions.set_field_decision(self._session, row, action=one.action, final=final)

    def _resolve(self, name: str, decision: Decision) -> TextValue | None:
        row = self._by_name.get(name)
        if row is None:
            raise InvalidFieldError(
                "the suggestion has no such field.",
                field=f"decisions.{name}",
                remedy=f"Decide on some of: {', '.join(self._by_name)}.",
            )
        if decision.action == "reject":
            return None
        if decision.action == "accept":
            return self._resolve_accept(name, row)
        return self._resolve_edit(name, decision.text)

    def _resolve_accept(self, name: str, row: suggestions.SuggestionFieldRow) -> TextValue:
        if row.after is None:
            raise InvalidFieldError(
                "nothing is offered for this field: what was proposed was refused.",
                field=f"decisions.{name}",
                remedy="Edit the field yourself, or leave it.",
            )
        return fields_from_json({name: row.after})[name]

    def _resolve_edit(self, name: str, text: TextValue) -> TextValue:
        if name in LIST_FIELDS and isinstance(text, str):
            text = tuple(line.strip() for line in text.splitlines() if line.strip())
        if name not in LIST_FIELDS and not isinstance(text, str):
            raise InvalidFieldError("one text is expected.", field=f"decisions.{name}.edit")
        for finding in check_field(name, text, self._base, self._rules):
            if finding.level is Level.HARD:
                raise InvalidFieldError(
                    f"{finding.message} ({finding.rule})",
                    field=f"decisions.{name}.edit",
                    remedy=finding.remedy,
                )
        return text

    def _record(
        self,
        row: suggestions.SuggestionFieldRow,
        action: str,
        *,
        after: Any,  # noqa: ANN401 - whatever JSON the field holds
        reason: str,
        actor: str,
    ) -> None:
        suggestions.insert_decisions(
            self._session,
            [
                {
                    "seller_id": self._seller_id,
                    "id": new_id(),
                    "suggestion_id": self.suggestion.id,
                    "field": row.field,
                    "action": action,
                    "before": row.final if row.action else row.before,
                    "after": after,
                    "reason": reason[:2000],
                    "viewed": True,
                    "actor": actor,
                }
            ],
        )

    def settle(self) -> None:
        """Make the approved texts the listing's own; close the suggestion when all is decided."""
        approved = {
            one.field: fields_from_json({one.field: one.final})[one.field]
            for one in self.fields
            if one.action in APPROVING and one.final is not None
        }
        self._set_text(self._base.with_fields(approved))
        if all(one.action is not None or one.after is None for one in self.fields):
            status = choose_status([one.action for one in self.fields])
            suggestions.set_status(self._session, self.suggestion, status)
            self._set_open(None)

    def undo(self, *, actor: str) -> None:
        """Record the compensation and put the former text back."""
        decided = [one for one in self.fields if one.action is not None]
        if not decided:
            raise ConflictError("nothing was decided on this suggestion yet.")
        current = self._row.current_revision_id
        revision = listings.get_revision(self._session, self._seller_id, current)  # type: ignore[arg-type]
        if self.suggestion.base_revision_id not in (revision.id, revision.parent_id):
            raise ConflictError(
                "the listing was changed since.", remedy="Undo the later change first."
            )
        for row in decided:
            self._record(row, "undo", after=row.before, reason="", actor=actor)
            suggestions.set_field_decision(self._session, row, action=None, final=None)
        suggestions.supersede_open(self._session, self._seller_id, self._row.id)
        suggestions.set_status(self._session, self.suggestion, "open")
        self._set_text(self._base)
        self._set_open(self.suggestion.id)

    def _set_text(self, listing: Listing) -> None:
        digest = hash_revision(listing)
        values = revision_values(listing, self._row.id, digest, origin="accepted")
        values["parent_id"] = self.suggestion.base_revision_id
        found = listings.insert_revisions(self._session, self._seller_id, [values])
        measures = measure_listing(listing, self._rules, keywords=self._keywords)
        listings.set_measures(
            self._session,
            [
                {
                    "seller_id": self._seller_id,
                    "listing_id": self._row.id,
                    "current_revision_id": found[self._row.id, digest],
                    "title": listing.text("title")[:500],
                    "hard": measures.hard,
                    "advice": measures.advice,
                    "score": measures.score,
                    "state": "hard" if measures.hard else "good",
                    "value_minor": self._row.value_minor,
                }
            ],
        )

    def _set_open(self, suggestion_id: uuid.UUID | None) -> None:
        suggestions.set_open_suggestion(
            self._session,
            seller_id=self._seller_id,
            listing_id=self._row.id,
            suggestion_id=suggestion_id,
        )


def choose_status(actions: Collection[str | None]) -> str:
    """The status of a suggestion when all is decided, by the decisions on its fields."""
    taken = {action for action in actions if action is not None}
    if taken == {"reject"}:
        return "rejected"
    return "partly_accepted" if "reject" in taken else "accepted"


def _plain(value: TextValue | None) -> str | list[str] | None:
    return list(value) if isinstance(value, tuple) else value
