"""Suggestions field by field, and the decisions people take on them."""

from __future__ import annotations

import json
import uuid
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from typing import Any, Final

from psycopg.types.json import Jsonb
from sqlalchemy import TextClause, case, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import Base, Json, Key, MadeAt, SellerKey, Time
from models.job import JobRow
from models.session import Moves

_PLAIN_TYPES: Final = {
    "seller_id": "uuid",
    "suggestion_id": "uuid",
    "field": "text",
    "engine": "text",
}
"""Columns of a suggestion's fields; the others are jsonb."""


class SuggestionRow(Base):
    """Proposed fields for one revision of one listing."""

    __tablename__ = "suggestion"
    seller_id: Mapped[SellerKey]
    id: Mapped[Key]
    listing_id: Mapped[uuid.UUID]
    job_id: Mapped[uuid.UUID]
    base_revision_id: Mapped[uuid.UUID]
    brief_hash: Mapped[str]
    wanted_engine: Mapped[str]
    used_engine: Mapped[str]
    llm: Mapped[str]
    simulated: Mapped[bool]
    hops: Mapped[Json | None]
    partial: Mapped[bool] = mapped_column(server_default="false")
    prompt_version: Mapped[str]
    rules_digest: Mapped[str]
    change_kinds: Mapped[Json]
    risk: Mapped[str]
    status: Mapped[str]
    score_before: Mapped[float]
    score_after: Mapped[float]
    hard_before: Mapped[int]
    hard_after: Mapped[int]
    advice_after: Mapped[int | None]
    created_at: Mapped[MadeAt]
    decided_at: Mapped[Time | None]


class SuggestionFieldRow(Base):
    """One field of a suggestion: before, proposed, offered (None: refused), final."""

    __tablename__ = "suggestion_field"
    seller_id: Mapped[SellerKey]
    suggestion_id: Mapped[Key]
    field: Mapped[str] = mapped_column(primary_key=True)
    engine: Mapped[str]
    before: Mapped[Json]
    proposed: Mapped[Json | None]
    after: Mapped[Json | None]
    refusals: Mapped[Json]
    findings: Mapped[Json]
    evidence: Mapped[Json]
    action: Mapped[str | None]
    final: Mapped[Json | None]


class DecisionRow(Base):
    """What somebody decided about one field; append-only."""

    __tablename__ = "decision"
    seller_id: Mapped[SellerKey]
    id: Mapped[Key]
    suggestion_id: Mapped[uuid.UUID]
    field: Mapped[str]
    action: Mapped[str]
    before: Mapped[Json | None]
    after: Mapped[Json | None]
    reason: Mapped[str]
    viewed: Mapped[bool]
    bulk_id: Mapped[uuid.UUID | None]
    actor: Mapped[str]
    created_at: Mapped[MadeAt]


def insert_suggestion(
    moves: Moves, values: Mapping[str, Any], fields: Sequence[Mapping[str, Any]]
) -> None:
    """Add a suggestion with its fields, which all have the same columns.

    An open one takes the place of the listing's open one; the caller holds the listing's lock.
    """
    columns = tuple(fields[0]) if fields else ("field",)
    told = {name: Jsonb(one) if isinstance(one, list) else one for name, one in values.items()}
    moves.execute(_write_insert(tuple(values), columns), {**told, "fields": json.dumps(fields)})


@cache
def _write_insert(names: tuple[str, ...], columns: tuple[str, ...]) -> TextClause:
    """One statement; the count makes the older one close before the new one is there."""
    typed = ", ".join(f"{name} {_PLAIN_TYPES.get(name, 'jsonb')}" for name in columns)
    return text(
        "WITH closed AS (UPDATE app.suggestion SET status = 'superseded',"
        " decided_at = clock_timestamp() WHERE seller_id = :seller_id"
        " AND listing_id = :listing_id AND status = 'open' AND :status = 'open' RETURNING id),"
        f" added AS (INSERT INTO app.suggestion ({', '.join(names)})"
        f" SELECT {', '.join(f':{name}' for name in names)}"
        " WHERE (SELECT count(*) FROM closed) >= 0),"
        f" detailed AS (INSERT INTO app.suggestion_field ({', '.join(columns)})"
        f" SELECT {', '.join(columns)} FROM jsonb_to_recordset(CAST(:fields AS jsonb))"
        f" AS f({typed}))"
        " UPDATE app.listing SET open_suggestion_id = :id, updated_at = clock_timestamp()"
        " WHERE seller_id = :seller_id AND id = :listing_id AND :status = 'open'"
    )


def supersede_open(session: Session, seller_id: uuid.UUID, listing_id: uuid.UUID) -> None:
    """Close the listing's open suggestion: a newer one takes its place."""
    session.execute(
        update(SuggestionRow)
        .where(
            SuggestionRow.seller_id == seller_id,
            SuggestionRow.listing_id == listing_id,
            SuggestionRow.status == "open",
        )
        .values(status="superseded", decided_at=text("clock_timestamp()"))
    )


def set_open_suggestion(
    session: Session,
    *,
    seller_id: uuid.UUID,
    listing_id: uuid.UUID,
    suggestion_id: uuid.UUID | None,
) -> None:
    """Say which suggestion of the listing waits for a decision (None: none)."""
    session.execute(
        text(
            "UPDATE app.listing SET open_suggestion_id = :suggestion,"
            " updated_at = clock_timestamp() WHERE seller_id = :seller AND id = :listing"
        ),
        {"suggestion": suggestion_id, "seller": seller_id, "listing": listing_id},
    )


def find_suggestion(
    session: Session, seller_id: uuid.UUID, suggestion_id: uuid.UUID
) -> SuggestionRow | None:
    """The seller's suggestion."""
    return session.get(SuggestionRow, (seller_id, suggestion_id))


def lock_suggestion(
    session: Session, seller_id: uuid.UUID, suggestion_id: uuid.UUID
) -> SuggestionRow:
    """A suggestion that is known to exist, locked until the transaction ends."""
    return session.get_one(
        SuggestionRow, (seller_id, suggestion_id), with_for_update=True, populate_existing=True
    )


def find_latest(
    session: Session, seller_id: uuid.UUID, listing_id: uuid.UUID
) -> SuggestionRow | None:
    """The newest suggestion of a listing, whatever became of it."""
    found = (
        select(SuggestionRow)
        .where(SuggestionRow.seller_id == seller_id, SuggestionRow.listing_id == listing_id)
        .order_by(SuggestionRow.id.desc())
        .limit(1)
    )
    return session.scalars(found).first()


def list_fields(
    session: Session, seller_id: uuid.UUID, suggestion_id: uuid.UUID
) -> list[SuggestionFieldRow]:
    """The fields of a suggestion."""
    found = select(SuggestionFieldRow).where(
        SuggestionFieldRow.seller_id == seller_id,
        SuggestionFieldRow.suggestion_id == suggestion_id,
    )
    return list(session.scalars(found))


def set_field_decision(
    session: Session, row: SuggestionFieldRow, *, action: str | None, final: object
) -> None:
    """Record where a field's decision stands now (None: undecided again)."""
    row.action = action
    row.final = final
    session.flush()


def insert_decisions(session: Session, values: Sequence[dict[str, Any]]) -> None:
    """Append decisions."""
    session.execute(insert(DecisionRow).values(list(values)))


def list_approved_fields(
    session: Session,
    seller_id: uuid.UUID,
    revisions: Collection[tuple[uuid.UUID, uuid.UUID]],
    *,
    batch_id: uuid.UUID | None = None,
) -> list[tuple[uuid.UUID, str, Any, str]]:
    """(listing id, field, approved content, engine) of all approved fields.

    The engine is "" where the seller wrote the text: an edit that changed what was proposed.

    ``revisions`` are (listing id, base revision id); where a revision had several suggestions, the
    newest one decided upon speaks for a field (rows come oldest first). With ``batch_id`` only
    suggestions for the very work that this batch asked for count.
    """
    asked = (
        select(JobRow.id)
        .where(
            JobRow.seller_id == seller_id,
            JobRow.batch_id == batch_id,
            JobRow.subject_id == SuggestionRow.listing_id,
            JobRow.brief_hash == SuggestionRow.brief_hash,
        )
        .exists()
    )
    found = (
        select(
            SuggestionRow.listing_id,
            SuggestionFieldRow.field,
            SuggestionFieldRow.final,
            case(
                (SuggestionFieldRow.final.is_distinct_from(SuggestionFieldRow.after), ""),
                else_=SuggestionFieldRow.engine,
            ),
        )
        .join(
            SuggestionFieldRow,
            (SuggestionFieldRow.seller_id == SuggestionRow.seller_id)
            & (SuggestionFieldRow.suggestion_id == SuggestionRow.id),
        )
        .where(
            SuggestionRow.seller_id == seller_id,
            tuple_(SuggestionRow.listing_id, SuggestionRow.base_revision_id).in_(revisions),
            SuggestionFieldRow.action.in_(("accept", "edit")),
            *([] if batch_id is None else [asked]),
        )
        .order_by(SuggestionRow.id)
    )
    return [(a, b, c, d) for a, b, c, d in session.execute(found)]


def mark_stale(
    session: Session, seller_id: uuid.UUID, texts: Sequence[tuple[uuid.UUID, uuid.UUID]]
) -> None:
    """Close open suggestions of listings whose text is another one now.

    ``texts`` are (listing id, the revision it has from now on).
    """
    session.execute(
        text(
            "WITH now AS (SELECT * FROM unnest(CAST(:listings AS uuid[]),"
            " CAST(:revisions AS uuid[])) AS n(listing_id, revision_id)), closed AS ("
            " UPDATE app.suggestion s SET status = 'stale', decided_at = clock_timestamp()"
            " FROM now WHERE s.seller_id = :seller AND s.listing_id = now.listing_id"
            " AND s.status = 'open' AND s.base_revision_id <> now.revision_id"
            " RETURNING s.listing_id)"
            " UPDATE app.listing l SET open_suggestion_id = NULL FROM closed"
            " WHERE l.seller_id = :seller AND l.id = closed.listing_id"
        ),
        {
            "seller": seller_id,
            "listings": [listing_id for listing_id, _ in texts],
            "revisions": [revision_id for _, revision_id in texts],
        },
    )


def set_status(session: Session, row: SuggestionRow, status: str) -> None:
    """Move a suggestion to another status; ``open`` clears the time of its decision."""
    session.execute(
        update(SuggestionRow)
        .where(SuggestionRow.seller_id == row.seller_id, SuggestionRow.id == row.id)
        .values(
            status=status,
            decided_at=None if status == "open" else text("clock_timestamp()"),
        )
    )
    session.refresh(row)
