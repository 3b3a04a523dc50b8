"""Jobs that wait for the batch lane, and the lines of its files."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from domain.batch_lane import WaitsFor
from models.base import Base
from models.brief import BriefRow
from models.job import JobRow


class ProviderBatchItemRow(Base):
    """One line of a file: the first call of one job."""

    __tablename__ = "provider_batch_item"
    custom_id: Mapped[str] = mapped_column(primary_key=True)
    provider_batch_id: Mapped[uuid.UUID]
    seller_id: Mapped[uuid.UUID]
    job_id: Mapped[uuid.UUID]
    claim_no: Mapped[int]
    request_hash: Mapped[str]
    variant: Mapped[int]
    est_pico: Mapped[int] = mapped_column(server_default="0")
    state: Mapped[str] = mapped_column(server_default="sent")


_CAN_GO = (
    " j.state = 'available' AND j.waits_for = 'batch' AND j.cancel_requested_at IS NULL"
    " AND j.scheduled_at > clock_timestamp()"
)


@dataclass(frozen=True, slots=True)
class WaitingJob:
    """A job to be put into a file, with the body of its brief."""

    job: JobRow
    brief: Mapping[str, Any]


def list_waiting(
    session: Session, pool: str, *, after: uuid.UUID | None, limit: int
) -> list[WaitingJob]:
    """Jobs to be put into a file, the oldest first; held ones wait on."""
    found = (
        select(JobRow, BriefRow.body)
        .join(
            BriefRow,
            and_(BriefRow.seller_id == JobRow.seller_id, BriefRow.hash == JobRow.brief_hash),
        )
        .where(
            JobRow.pool == pool,
            JobRow.id > (after or uuid.UUID(int=0)),
            text(_CAN_GO.replace(" j.", " job.")),
            text(_NOT_HELD),
        )
        .order_by(JobRow.id)
        .limit(limit)
    )
    return [WaitingJob(job, body) for job, body in session.execute(found)]


_NOT_HELD = (
    "NOT EXISTS (SELECT FROM app.batch b WHERE b.seller_id = job.seller_id"
    " AND b.id = job.batch_id AND b.halted_at IS NOT NULL)"
    " AND NOT EXISTS (SELECT FROM app.seller s WHERE s.id = job.seller_id"
    " AND s.paused_at IS NOT NULL)"
)


def measure_waiting(session: Session, pool: str) -> tuple[int, float]:
    """(jobs that wait for a file, seconds since the oldest of them came)."""
    found = session.execute(
        text(
            "SELECT count(*), coalesce(max(extract(epoch FROM clock_timestamp() - created_at)), 0)"
            f"::float8 FROM app.job j WHERE j.pool = :pool AND{_CAN_GO}"
        ),
        {"pool": pool},
    ).one()
    return int(found[0]), float(found[1])


def take_waiting(session: Session, job_ids: Sequence[uuid.UUID], *, until_s: float) -> set[Any]:
    """Have jobs wait for the provider's answer; the ids of those that still could go.

    ``until_s`` from now they become due by themselves, whatever becomes of the file.
    """
    found = session.execute(
        text(
            "UPDATE app.job j SET waits_for = 'answer', scheduled_at = greatest(scheduled_at,"
            "  clock_timestamp() + make_interval(secs => :until_s))"
            f" WHERE j.id = ANY(:ids) AND{_CAN_GO} RETURNING j.id"
        ),
        {"ids": list(job_ids), "until_s": until_s},
    )
    return set(found.scalars())


def list_sent_hashes(session: Session, hashes: Sequence[str]) -> set[tuple[uuid.UUID, str, int]]:
    """Which of these requests lie with the provider already: (seller, hash, variant)."""
    found = session.execute(
        text(
            "SELECT seller_id, request_hash, variant FROM app.provider_batch_item"
            " WHERE state = 'sent' AND request_hash = ANY(:hashes)"
        ),
        {"hashes": list(hashes)},
    )
    return {(seller, digest, variant) for seller, digest, variant in found}


def sum_outstanding(session: Session, seller_id: uuid.UUID | None) -> int:
    """The most that lines without an end can cost, of one seller or (None) of all."""
    found = session.execute(
        text(
            "SELECT coalesce(sum(est_pico), 0)::bigint FROM app.provider_batch_item"
            " WHERE state = 'sent' AND (CAST(:seller AS uuid) IS NULL OR seller_id = :seller)"
        ),
        {"seller": seller_id},
    )
    return int(found.scalar_one())


def settle_items(
    session: Session, batch_id: uuid.UUID, custom_ids: Sequence[str], *, state: str
) -> list[ProviderBatchItemRow]:
    """End lines of a file; those that had not ended before. Done twice, it finds none."""
    found = text(
        "UPDATE app.provider_batch_item SET state = :state WHERE provider_batch_id = :batch"
        " AND custom_id = ANY(:ids) AND state = 'sent' RETURNING *"
    )
    keys = {"state": state, "batch": batch_id, "ids": list(custom_ids)}
    ended = select(ProviderBatchItemRow).from_statement(found)
    return list(session.scalars(ended.execution_options(populate_existing=True), keys))


def settle_rest(session: Session, batch_id: uuid.UUID) -> list[uuid.UUID]:
    """End every line that got no answer; the ids of their jobs."""
    found = session.execute(
        text(
            "UPDATE app.provider_batch_item SET state = 'unanswered'"
            " WHERE provider_batch_id = :batch AND state = 'sent' RETURNING job_id"
        ),
        {"batch": batch_id},
    )
    return list(found.scalars())


def release_waiting(session: Session, job_ids: Sequence[uuid.UUID]) -> int:
    """Make waiting jobs due now; how many still waited."""
    found = session.execute(
        text(
            "UPDATE app.job SET waits_for = NULL, scheduled_at = clock_timestamp()"
            " WHERE id = ANY(:ids) AND waits_for IS NOT NULL AND state = 'available' RETURNING 1"
        ),
        {"ids": list(job_ids)},
    )
    return len(found.all())


def release_all(session: Session, pool: str, *, limit: int) -> int:
    """Make jobs that wait for a file due now, some at a time; how many that were."""
    found = session.execute(
        text(
            "UPDATE app.job SET waits_for = NULL, scheduled_at = clock_timestamp()"
            " WHERE id IN (SELECT j.id FROM app.job j WHERE j.pool = :pool"
            f" AND{_CAN_GO} LIMIT :limit FOR UPDATE SKIP LOCKED) RETURNING 1"
        ),
        {"pool": pool, "limit": limit},
    )
    return len(found.all())


def hurry_work(session: Session, seller_id: uuid.UUID, work_hashes: Sequence[str]) -> int:
    """Somebody wants this work now: what is not in a file yet becomes due; how many that were."""
    found = session.execute(
        text(
            "UPDATE app.job SET waits_for = NULL, scheduled_at = clock_timestamp()"
            " WHERE seller_id = :seller AND work_hash = ANY(:hashes) AND waits_for = 'batch'"
            " AND state = 'available' RETURNING 1"
        ),
        {"seller": seller_id, "hashes": list(work_hashes)},
    )
    return len(found.all())


def count_waiting_work(session: Session, seller_id: uuid.UUID, work_hashes: Sequence[str]) -> int:
    """How much of this work waits for the batch lane."""
    found = session.execute(
        text(
            "SELECT count(*) FROM app.job WHERE seller_id = :seller AND work_hash = ANY(:hashes)"
            " AND waits_for IS NOT NULL AND state = 'available'"
        ),
        {"seller": seller_id, "hashes": list(work_hashes)},
    )
    return int(found.scalar_one())


def has_takers(session: Session, batch_id: uuid.UUID) -> bool:
    """Whether anybody still waits for an answer of this file."""
    found = session.execute(
        text(
            "SELECT EXISTS (SELECT FROM app.provider_batch_item i JOIN app.job j ON j.id = i.job_id"
            " WHERE i.provider_batch_id = :batch AND i.state = 'sent'"
            " AND j.state NOT IN ('completed', 'discarded', 'cancelled'))"
        ),
        {"batch": batch_id},
    )
    return bool(found.scalar_one())


def count_waiting(session: Session, seller_id: uuid.UUID, batch_id: uuid.UUID) -> int:
    """Jobs of an import that wait for the batch lane."""
    found = session.execute(
        text(
            "SELECT count(*) FROM app.job WHERE seller_id = :seller AND batch_id = :batch"
            " AND state = 'available' AND waits_for = ANY(:waits)"
            " AND scheduled_at > clock_timestamp()"
        ),
        {"seller": seller_id, "batch": batch_id, "waits": [one.value for one in WaitsFor]},
    )
    return int(found.scalar_one())


def list_ended(session: Session, job_ids: Sequence[uuid.UUID]) -> list[uuid.UUID]:
    """Which of these jobs are final, in a fixed order."""
    found = session.execute(
        text(
            "SELECT id FROM app.job WHERE id = ANY(:ids)"
            " AND state IN ('completed', 'discarded', 'cancelled') ORDER BY id"
        ),
        {"ids": list(job_ids)},
    )
    return list(found.scalars())


def add_late_cost(session: Session, job_id: uuid.UUID, cost_pico: int) -> JobRow | None:
    """Add a bill to a job that was final before it came; None when it is not final."""
    return session.scalars(
        select(JobRow)
        .from_statement(
            text(
                "UPDATE app.job SET cost_pico = cost_pico + :cost WHERE id = :id"
                " AND state IN ('completed', 'discarded', 'cancelled') RETURNING *"
            )
        )
        .execution_options(populate_existing=True),
        {"id": job_id, "cost": cost_pico},
    ).first()
