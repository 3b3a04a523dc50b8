"""The batch lane: who leads it, and every file of calls on its way through the provider."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import Base, Key, MadeAt, Time


class BatchLaneRow(Base):
    """The lane of one pool: its leader, and why the provider refuses batches (if it does)."""

    __tablename__ = "batch_lane"
    pool: Mapped[str] = mapped_column(primary_key=True)
    leader: Mapped[uuid.UUID | None]
    lease_until: Mapped[MadeAt]
    refused_at: Mapped[Time | None]
    refusal: Mapped[str] = mapped_column(server_default="")


class ProviderBatchRow(Base):
    """One file of calls. ``body`` is its compressed content until the provider has taken it in."""

    __tablename__ = "provider_batch"
    id: Mapped[Key]
    pool: Mapped[str]
    model: Mapped[str]
    state: Mapped[str] = mapped_column(server_default="planned")
    lines: Mapped[int]
    body: Mapped[bytes | None]
    window_s: Mapped[int]
    file_id: Mapped[str] = mapped_column(server_default="")
    provider_id: Mapped[str] = mapped_column(server_default="")
    provider_status: Mapped[str] = mapped_column(server_default="")
    output_file_id: Mapped[str] = mapped_column(server_default="")
    error_file_id: Mapped[str] = mapped_column(server_default="")
    error: Mapped[str] = mapped_column(server_default="")
    failures: Mapped[int] = mapped_column(server_default="0")
    planned_at: Mapped[MadeAt]
    created_at: Mapped[Time | None]
    recalled_at: Mapped[Time | None]
    next_step_at: Mapped[MadeAt]
    ingested_at: Mapped[Time | None]


def take_lane(session: Session, pool: str, *, leader: uuid.UUID, lease_s: float) -> bool:
    """Lead a pool's lane for ``lease_s`` from now on; False while another process does."""
    got = session.execute(
        text(
            "INSERT INTO app.batch_lane AS l (pool, leader, lease_until) VALUES (:pool, :leader,"
            "  clock_timestamp() + make_interval(secs => :lease_s))"
            " ON CONFLICT (pool) DO UPDATE SET leader = excluded.leader,"
            "  lease_until = excluded.lease_until"
            " WHERE l.leader = excluded.leader OR l.lease_until < clock_timestamp()"
            " RETURNING 1"
        ),
        {"pool": pool, "leader": leader, "lease_s": lease_s},
    )
    return got.first() is not None


def leave_lane(session: Session, pool: str, *, leader: uuid.UUID) -> None:
    """Let another process lead at once."""
    keys = {"pool": pool, "leader": leader}
    mine = " WHERE pool = :pool AND leader = :leader"
    session.execute(text(f"DELETE FROM app.batch_lane{mine} AND refused_at IS NULL"), keys)
    session.execute(
        text(f"UPDATE app.batch_lane SET leader = NULL, lease_until = '-infinity'{mine}"), keys
    )


def find_refusal(session: Session) -> str:
    """Why the provider takes no batches of this organisation, "" when it does (or may)."""
    found = session.execute(
        text("SELECT refusal FROM app.batch_lane WHERE refused_at IS NOT NULL LIMIT 1")
    )
    return str(found.scalar() or "")


def set_refusal(session: Session, pool: str, reason: str) -> None:
    """Remember that the provider refuses batches, until ``clear_refusals``."""
    session.execute(
        text(
            "INSERT INTO app.batch_lane (pool, refused_at, refusal)"
            " VALUES (:pool, clock_timestamp(), :reason) ON CONFLICT (pool)"
            " DO UPDATE SET refused_at = excluded.refused_at, refusal = excluded.refusal"
        ),
        {"pool": pool, "reason": reason},
    )


def clear_refusals(session: Session) -> bool:
    """Try batches again; whether they were refused."""
    gone = session.execute(
        text(
            "UPDATE app.batch_lane SET refused_at = NULL, refusal = ''"
            " WHERE refused_at IS NOT NULL RETURNING 1"
        )
    )
    return gone.first() is not None


def insert_batch(
    session: Session, values: dict[str, Any], items: list[dict[str, Any]]
) -> ProviderBatchRow:
    """Add a planned batch with its items."""
    row = ProviderBatchRow(**values)
    session.add(row)
    session.flush()
    session.execute(
        text(
            "INSERT INTO app.provider_batch_item (custom_id, provider_batch_id, seller_id, job_id,"
            " claim_no, request_hash, variant, est_pico) VALUES (:custom_id, :batch_id, :seller_id,"
            " :job_id, :claim_no, :request_hash, :variant, :est_pico)"
        ),
        [{**item, "batch_id": row.id} for item in items],
    )
    return row


def list_due_batches(session: Session, pool: str) -> list[ProviderBatchRow]:
    """Batches whose next step may be taken now, the oldest first."""
    found = (
        select(ProviderBatchRow)
        .where(
            ProviderBatchRow.pool == pool,
            ProviderBatchRow.state != "ingested",
            ProviderBatchRow.next_step_at <= text("clock_timestamp()"),
        )
        .order_by(ProviderBatchRow.planned_at)
    )
    return list(session.scalars(found))


def adopt_orphans(session: Session, pool: str) -> int:
    """Take over batches of pools that nobody leads any more; how many that were.

    A command that was stopped leaves its own behind: they are paid for, so somebody must see them.
    """
    found = session.execute(
        text(
            "UPDATE app.provider_batch b SET pool = :pool WHERE b.state <> 'ingested'"
            " AND b.pool <> :pool AND b.next_step_at < clock_timestamp() - interval '10 minutes'"
            " AND NOT EXISTS (SELECT FROM app.batch_lane l WHERE l.pool = b.pool"
            "  AND l.lease_until > clock_timestamp()) RETURNING 1"
        ),
        {"pool": pool},
    )
    return len(found.all())


def measure_age(session: Session, batch_id: uuid.UUID) -> float:
    """Seconds since the batch was planned, by the database's clock."""
    found = session.execute(
        text(
            "SELECT extract(epoch FROM clock_timestamp() - planned_at)::float8"
            " FROM app.provider_batch WHERE id = :id"
        ),
        {"id": batch_id},
    )
    return float(found.scalar_one())


_STEP = (
    "UPDATE app.provider_batch SET {change},"
    " next_step_at = clock_timestamp() + make_interval(secs => :wait_s)"
    " WHERE id = :id AND state = :since RETURNING 1"
)


def move_batch(
    session: Session, row: ProviderBatchRow, values: Mapping[str, object], *, wait_s: float = 0.0
) -> bool:
    """Write what a step came to; False when the batch is no longer in the state it was read in.

    The names of ``values`` are columns. ``wait_s`` is when the next step may be taken. A batch
    that becomes ``created`` has its clock set and its body dropped.
    """
    changes = [f"{name} = :{name}" for name in values]
    if values.get("state") == "created":
        changes += ["created_at = clock_timestamp()", "body = NULL"]
    if values.get("state") == "ingested":
        changes += ["ingested_at = clock_timestamp()", "body = NULL"]
    keys = {**values, "id": row.id, "since": row.state, "wait_s": wait_s}
    moved = session.execute(text(_STEP.format(change=", ".join(changes or ["id = id"]))), keys)
    return moved.first() is not None


def recall_batch(session: Session, row: ProviderBatchRow, *, wait_s: float) -> None:
    """Note that the provider was asked to stop and give out what it has."""
    session.execute(
        text(_STEP.format(change="recalled_at = clock_timestamp()")),
        {"id": row.id, "since": row.state, "wait_s": wait_s},
    )


def list_newest(session: Session, *, limit: int) -> list[dict[str, Any]]:
    """Batches as the operator sees them, the newest first."""
    found = session.execute(
        text(
            "SELECT b.id, b.pool, b.model, b.state, b.provider_id, b.provider_status, b.lines,"
            " b.error, b.planned_at, b.created_at, b.recalled_at, b.ingested_at,"
            " count(*) FILTER (WHERE i.state = 'answered') AS answered,"
            " count(*) FILTER (WHERE i.state IN ('failed', 'unanswered')) AS unanswered"
            " FROM app.provider_batch b"
            " LEFT JOIN app.provider_batch_item i ON i.provider_batch_id = b.id"
            " GROUP BY b.id ORDER BY b.planned_at DESC LIMIT :limit"
        ),
        {"limit": limit},
    ).mappings()
    return [dict(row) for row in found]


def delete_old(session: Session, *, before: dt.timedelta) -> None:
    """Forget batches that were ingested so long ago; the ledger keeps what they cost."""
    session.execute(
        text(
            "DELETE FROM app.provider_batch WHERE state = 'ingested'"
            " AND ingested_at < clock_timestamp() - CAST(:before AS interval)"
        ),
        {"before": before},
    )
