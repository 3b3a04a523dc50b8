"""What a run of re-optimization reads of listings, page by page, and the measures it refreshes."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from models.listing import ListingRow, ProductRow, RevisionRow


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingSigns:
    """A listing without its texts: its last measures, its last proposal, its last job.

    ``origin`` is that of the text it has now, whose parent is ``parent_id``. ``asked_revision`` is
    the text that the newest job worked on. ``age_days`` counts from the newer of text and proposal.
    """

    id: uuid.UUID
    product_id: uuid.UUID
    revision_id: uuid.UUID
    hard: int | None
    advice: int | None
    score: float | None
    value_minor: int | None
    has_open: bool
    origin: str
    parent_id: uuid.UUID | None
    status: str | None
    base_revision_id: uuid.UUID | None
    prompt_version: str | None
    suggested_days: float | None
    asked_revision: uuid.UUID | None
    is_busy: bool
    age_days: int


_SIGNS = """
SELECT l.id, l.product_id, l.current_revision_id AS revision_id, l.hard, l.advice, l.score,
  l.value_minor, l.open_suggestion_id IS NOT NULL AS has_open, r.origin, r.parent_id,
  s.status, s.base_revision_id, s.prompt_version,
  extract(epoch FROM clock_timestamp() - s.created_at)::float8 / 86400 AS suggested_days,
  j.revision_id AS asked_revision, coalesce(j.is_busy, false) AS is_busy,
  greatest(0, extract(epoch FROM clock_timestamp()
    - greatest(r.created_at, s.created_at)) / 86400)::int AS age_days
FROM app.listing l
JOIN app.revision r ON r.seller_id = l.seller_id AND r.id = l.current_revision_id
LEFT JOIN LATERAL (SELECT status, base_revision_id, prompt_version, created_at
  FROM app.suggestion s WHERE s.seller_id = l.seller_id AND s.listing_id = l.id
  ORDER BY s.id DESC LIMIT 1) s ON true
LEFT JOIN LATERAL (SELECT (array_agg(j.revision_id ORDER BY j.id DESC))[1] AS revision_id,
    bool_or(j.state IN ('available', 'running', 'retryable')) AS is_busy
  FROM app.job j WHERE j.seller_id = l.seller_id AND j.subject_id = l.id) j ON true
WHERE l.seller_id = :seller AND l.store_id = :store AND l.id > :after
ORDER BY l.id LIMIT :limit
"""


def list_signs(
    session: Session,
    seller_id: uuid.UUID,
    store_id: uuid.UUID,
    *,
    after: uuid.UUID,
    limit: int,
) -> list[ListingSigns]:
    """One page of a store's listings in the order of their ids."""
    found = session.execute(
        text(_SIGNS), {"seller": seller_id, "store": store_id, "after": after, "limit": limit}
    )
    return [ListingSigns(**row) for row in found.mappings()]


def load_texts(
    session: Session, seller_id: uuid.UUID, listing_ids: Sequence[uuid.UUID]
) -> dict[uuid.UUID, tuple[ListingRow, ProductRow, RevisionRow]]:
    """Listings with product and present text, by listing id."""
    found = session.execute(
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
        .where(ListingRow.seller_id == seller_id, ListingRow.id.in_(listing_ids))
    )
    return {row[0].id: (row[0], row[1], row[2]) for row in found}


def list_busy(
    session: Session, seller_id: uuid.UUID, listing_ids: Sequence[uuid.UUID]
) -> set[uuid.UUID]:
    """Those of these listings that have a job under way, whatever it is to do."""
    found = session.execute(
        text(
            "SELECT subject_id FROM app.job WHERE seller_id = :seller"
            " AND subject_id = ANY(:listings) AND state IN ('available', 'running', 'retryable')"
        ),
        {"seller": seller_id, "listings": list(listing_ids)},
    )
    return set(found.scalars())


def list_known_work(
    session: Session, seller_id: uuid.UUID, work: Sequence[tuple[uuid.UUID, str]]
) -> set[str]:
    """Of these works (listing and hash), those that were done, are under way or cannot succeed."""
    found = session.execute(
        text(
            "SELECT DISTINCT work_hash FROM app.job WHERE seller_id = :seller"
            " AND subject_id = ANY(:listings) AND work_hash = ANY(:hashes)"
            " AND state <> 'cancelled'"
        ),
        {
            "seller": seller_id,
            "listings": [listing_id for listing_id, _ in work],
            "hashes": [work_hash for _, work_hash in work],
        },
    )
    return set(found.scalars())


def count_revisions(
    session: Session, seller_id: uuid.UUID, listing_ids: Sequence[uuid.UUID], *, day: dt.date
) -> dict[uuid.UUID, int]:
    """How often each of these listings was changed on a day (UTC)."""
    found = session.execute(
        text(
            "SELECT listing_id, count(*) FROM app.revision WHERE seller_id = :seller"
            " AND listing_id = ANY(:listings)"
            " AND created_at >= CAST(:day AS timestamp) AT TIME ZONE 'UTC' GROUP BY 1"
        ),
        {"seller": seller_id, "listings": list(listing_ids), "day": day},
    )
    return {row[0]: row[1] for row in found}


def refresh_measures(session: Session, values: Sequence[dict[str, Any]]) -> None:
    """Store what texts measure under today's rules, where nobody has changed them meanwhile."""
    session.execute(
        text(
            "UPDATE app.listing SET hard = :hard, advice = :advice, score = :score, state = :state"
            " WHERE seller_id = :seller AND id = :listing AND current_revision_id = :revision"
        ),
        list(values),
    )
