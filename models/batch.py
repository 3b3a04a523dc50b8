"""Batches: jobs that belong together, and sharded tallies of how they ended."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Mapping
from functools import lru_cache

from sqlalchemy import TextClause, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import Base, Json, Key, MadeAt, SellerKey, Time
from models.session import Moves

SHARDS = 16


class BatchRow(Base):
    """Jobs that belong together; halted, none of them starts any more."""

    __tablename__ = "batch"
    seller_id: Mapped[SellerKey]
    id: Mapped[Key]
    kind: Mapped[str]
    total: Mapped[int]
    halted_at: Mapped[Time | None]
    halt_reason: Mapped[str] = mapped_column(server_default="")
    completed_at: Mapped[Time | None]
    created_at: Mapped[MadeAt]


class BatchTallyRow(Base):
    """One shard of a batch's counts: no job waits for another to count itself."""

    __tablename__ = "batch_tally"
    batch_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    shard: Mapped[int] = mapped_column(primary_key=True)
    seller_id: Mapped[uuid.UUID]
    counts: Mapped[Json]


def insert_batch(
    session: Session, *, seller_id: uuid.UUID, batch_id: uuid.UUID, kind: str, total: int
) -> None:
    """Add a batch of ``total`` jobs."""
    session.add(BatchRow(seller_id=seller_id, id=batch_id, kind=kind, total=total))
    session.flush()


def get_batch(session: Session, seller_id: uuid.UUID, batch_id: uuid.UUID) -> BatchRow:
    """The seller's batch."""
    return session.get_one(BatchRow, (seller_id, batch_id), populate_existing=True)


def set_total(session: Session, seller_id: uuid.UUID, batch_id: uuid.UUID, total: int) -> None:
    """Say how many jobs it has."""
    session.execute(
        text("UPDATE app.batch SET total = :total WHERE seller_id = :seller AND id = :batch"),
        {"total": total, "seller": seller_id, "batch": batch_id},
    )


def open_batch(session: Session, *, seller_id: uuid.UUID, batch_id: uuid.UUID, kind: str) -> None:
    """Add a batch that is not sealed yet, or open the one with this id for further jobs."""
    session.execute(
        text(
            "INSERT INTO app.batch (seller_id, id, kind) VALUES (:seller, :batch, :kind)"
            " ON CONFLICT (seller_id, id) DO UPDATE SET total = 0, completed_at = NULL,"
            " halted_at = NULL, halt_reason = ''"
        ),
        {"seller": seller_id, "batch": batch_id, "kind": kind},
    )


def seal_batches(session: Session, *, kind: str) -> None:
    """Say of batches of a kind that no more jobs come, whoever opened them."""
    session.execute(
        text(
            "UPDATE app.batch b SET total = n.total FROM (SELECT o.id, (SELECT count(*)"
            "   FROM app.job j WHERE j.batch_id = o.id)::int AS total"
            "  FROM app.batch o WHERE o.kind = :kind AND o.total = 0) n"
            " WHERE b.id = n.id AND b.kind = :kind AND b.total = 0 AND n.total > 0"
        ),
        {"kind": kind},
    )


def add_tally(
    session: Session | Moves,
    *,
    seller_id: uuid.UUID,
    batch_id: uuid.UUID,
    shard: int,
    counts: Mapping[str, float],
) -> None:
    """Add to one shard's counts; whole numbers stay exact."""
    session.execute(
        _write_tally(tuple(counts)),
        {
            "batch_id": batch_id,
            "shard": shard % SHARDS,
            "seller_id": seller_id,
            "first": _to_json(counts),
            **counts,
        },
    )


@lru_cache(maxsize=256)
def _write_tally(names: tuple[str, ...]) -> TextClause:
    """Names go into SQL as they are, so only plain words may."""
    if not all(name.isidentifier() for name in names):
        message = f"bad count names: {names}"
        raise ValueError(message)
    pairs = ", ".join(
        f"'{name}', coalesce((t.counts->>'{name}')::numeric, 0) + CAST(:{name} AS numeric)"
        for name in names
    )
    return text(
        "INSERT INTO app.batch_tally AS t (batch_id, shard, seller_id, counts)"
        " VALUES (:batch_id, :shard, :seller_id, CAST(:first AS jsonb))"
        " ON CONFLICT (batch_id, shard) DO UPDATE"
        f" SET counts = t.counts || jsonb_build_object({pairs})"
    )


def sum_tallies(session: Session, seller_id: uuid.UUID, batch_id: uuid.UUID) -> Counter[str]:
    """The counts of the whole batch; a name never counted is 0."""
    found = select(BatchTallyRow.counts).where(
        BatchTallyRow.seller_id == seller_id, BatchTallyRow.batch_id == batch_id
    )
    total: Counter[str] = Counter()
    for counts in session.scalars(found):
        total.update(counts)
    return total


def halt_batch(session: Session, seller_id: uuid.UUID, batch_id: uuid.UUID, reason: str) -> None:
    """No job of the batch starts any more; the first reason is kept."""
    session.execute(
        text(
            "UPDATE app.batch SET halted_at = clock_timestamp(), halt_reason = :reason"
            " WHERE seller_id = :seller AND id = :batch AND halted_at IS NULL"
        ),
        {"reason": reason, "seller": seller_id, "batch": batch_id},
    )


def _to_json(counts: Mapping[str, float]) -> str:
    return "{" + ", ".join(f'"{name}": {value}' for name, value in counts.items()) + "}"


def complete_batches(session: Session) -> list[tuple[uuid.UUID, uuid.UUID]]:
    """Close batches that are sealed (their total is set) and have no unfinished job.

    Returns (seller id, batch id) of each.
    """
    found = session.execute(
        text(
            "UPDATE app.batch SET completed_at = clock_timestamp()"
            " WHERE completed_at IS NULL AND total > 0 AND NOT EXISTS ("
            "  SELECT FROM app.job j WHERE j.batch_id = batch.id"
            "  AND j.state IN ('available', 'running', 'retryable'))"
            " RETURNING seller_id, id"
        )
    )
    return [(seller_id, batch_id) for seller_id, batch_id in found]
