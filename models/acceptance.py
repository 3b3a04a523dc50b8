"""Open suggestions accepted many at a time: one statement each to lock, to read, and to write."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from models.base import dump_rows


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingField:
    """One field of a suggestion, in JSON values; ``after`` None: refused."""

    field: str
    before: Any
    after: Any
    action: str | None
    final: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """An open suggestion with the text it was made for and all that the row says.

    ``measured`` are hard, advice and score of its text with every offered field accepted, and
    ``keywords`` the search terms they were measured with; None where the row says something else
    by now, or where nobody noted them.
    """

    suggestion_id: uuid.UUID
    listing_id: uuid.UUID
    base_revision_id: uuid.UUID
    rules_digest: str
    channel: str
    key: str
    facts: Mapping[str, str]
    texts: Mapping[str, Any]
    html_fields: Sequence[str]
    measured: tuple[int, int, float] | None
    keywords: tuple[str, ...] | None
    fields: tuple[WaitingField, ...]


def lock_waiting(
    session: Session, import_id: uuid.UUID, *, after: int, last: int
) -> list[tuple[uuid.UUID, uuid.UUID]]:
    """(listing, its revision in the file) of an import's products with an open suggestion.

    ``after`` and ``last`` bound their ordinals. The listings stay locked until the transaction
    ends. They are locked in the order in which an import locks them, so that neither waits for the
    other in a circle.
    """
    found = session.execute(_LOCK, {"import": import_id, "after": after, "last": last})
    return [(listing_id, revision_id) for listing_id, revision_id in found]


_LOCK: Final = text(
    "SELECT l.id, i.revision_id FROM app.import_item i JOIN app.listing l"
    " ON l.seller_id = i.seller_id AND l.id = i.listing_id"
    " WHERE i.import_id = :import AND i.ordinal > :after AND i.ordinal <= :last"
    " AND l.open_suggestion_id IS NOT NULL"
    ' ORDER BY i.source_key COLLATE "C" FOR UPDATE OF l'
)


def list_waiting(
    session: Session, seller_id: uuid.UUID, texts: Sequence[tuple[uuid.UUID, uuid.UUID]]
) -> list[Waiting]:
    """The open suggestions that were made for these texts (listing, revision) of locked listings.

    To be read after the locks: what somebody decided while we waited for them is seen here.
    """
    values = {
        "seller": seller_id,
        "listings": [listing_id for listing_id, _ in texts],
        "revisions": [revision_id for _, revision_id in texts],
    }
    return [_read_waiting(row) for row in session.execute(_LIST, values)]


_LIST: Final = text(
    "SELECT s.id, s.listing_id, s.base_revision_id, s.rules_digest, st.channel, p.source_key,"
    " p.facts, r.fields, r.html_fields, s.hard_after, s.advice_after, s.score_after,"
    " (SELECT b.body->'keywords' FROM app.brief b WHERE b.seller_id = s.seller_id"
    "   AND b.hash = s.brief_hash AND b.body->'listing' = jsonb_build_object('key', p.source_key,"
    "   'fields', r.fields, 'attributes', p.facts, 'html_fields', r.html_fields)),"
    " (SELECT jsonb_agg(jsonb_build_array(f.field, f.before, f.after, f.action, f.final))"
    "   FROM app.suggestion_field f WHERE f.seller_id = s.seller_id AND f.suggestion_id = s.id)"
    " FROM unnest(CAST(:listings AS uuid[]), CAST(:revisions AS uuid[])) AS w(listing_id,"
    "  revision_id)"
    " JOIN app.listing l ON l.seller_id = :seller AND l.id = w.listing_id"
    " JOIN app.suggestion s ON s.seller_id = :seller AND s.id = l.open_suggestion_id"
    "  AND s.status = 'open' AND s.base_revision_id = w.revision_id"
    " JOIN app.revision r ON r.seller_id = :seller AND r.id = s.base_revision_id"
    " JOIN app.product p ON p.seller_id = :seller AND p.id = l.product_id"
    " JOIN app.store st ON st.seller_id = :seller AND st.id = l.store_id"
)


def _read_waiting(row: Sequence[Any]) -> Waiting:
    *plain, hard, advice, score, keywords, fields = row
    names = ("field", "before", "after", "action", "final")
    columns = ("suggestion_id", "listing_id", "base_revision_id", "rules_digest", "channel", "key")
    return Waiting(
        **dict(zip((*columns, "facts", "texts", "html_fields"), plain, strict=True)),
        measured=None if keywords is None or advice is None else (hard, advice, score),
        keywords=None if keywords is None else tuple(keywords),
        fields=tuple(WaitingField(**dict(zip(names, one, strict=True))) for one in fields or ()),
    )


def insert_accepts(
    session: Session,
    seller_id: uuid.UUID,
    values: Sequence[Mapping[str, Any]],
    *,
    actor: str,
    bulk_id: uuid.UUID,
) -> None:
    """Accept undecided fields as they are offered, unseen, with a decision about each.

    ``values``: ``id`` of the decision, ``suggestion_id`` and ``field``.
    """
    told = {"seller": seller_id, "rows": dump_rows(values), "actor": actor, "bulk": bulk_id}
    session.execute(_ACCEPT_FIELDS, told)


_ACCEPT_FIELDS: Final = text(
    "WITH given AS (SELECT * FROM jsonb_to_recordset(CAST(:rows AS jsonb))"
    "  AS g(id uuid, suggestion_id uuid, field text)),"
    " accepted AS (UPDATE app.suggestion_field f SET action = 'accept', final = f.after"
    "  FROM given g WHERE f.seller_id = :seller AND f.suggestion_id = g.suggestion_id"
    "  AND f.field = g.field AND f.action IS NULL AND f.after IS NOT NULL"
    "  RETURNING g.id, f.suggestion_id, f.field, f.before, f.after)"
    " INSERT INTO app.decision (seller_id, id, suggestion_id, field, action, before, after,"
    "  viewed, bulk_id, actor) SELECT :seller, id, suggestion_id, field, 'accept', before, after,"
    "  false, :bulk, :actor FROM accepted"
)


def settle_accepted(
    session: Session, seller_id: uuid.UUID, values: Sequence[Mapping[str, Any]]
) -> None:
    """Close suggestions and give their locked listings the approved texts.

    ``values``: ``suggestion_id``, its ``status``, ``listing_id``, and the listing's
    ``current_revision_id``, ``title``, ``hard``, ``advice``, ``score`` and ``state``.
    """
    session.execute(_SETTLE, {"seller": seller_id, "rows": dump_rows(values)})


_SETTLE: Final = text(
    "WITH given AS (SELECT * FROM jsonb_to_recordset(CAST(:rows AS jsonb))"
    "  AS g(suggestion_id uuid, status text, listing_id uuid, current_revision_id uuid,"
    "  title text, hard integer, advice integer, score real, state text)),"
    " closed AS (UPDATE app.suggestion s SET status = g.status, decided_at = clock_timestamp()"
    "  FROM given g WHERE s.seller_id = :seller AND s.id = g.suggestion_id)"
    " UPDATE app.listing l SET current_revision_id = g.current_revision_id, title = g.title,"
    " hard = g.hard, advice = g.advice, score = g.score, state = g.state,"
    " open_suggestion_id = NULL, updated_at = clock_timestamp()"
    " FROM given g WHERE l.seller_id = :seller AND l.id = g.listing_id"
)
