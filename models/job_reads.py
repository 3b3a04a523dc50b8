"""What is asked about jobs; nothing here changes one."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from domain.job import PENDING, JobKind, JobState, Lane, Outcome
from models.job import JobRow


def find_job(session: Session, seller_id: uuid.UUID, job_id: uuid.UUID) -> JobRow | None:
    """The seller's job."""
    found = select(JobRow).where(JobRow.id == job_id, JobRow.seller_id == seller_id)
    return session.scalars(found).first()


def find_unfinished(session: Session, seller_id: uuid.UUID, work_hash: str) -> JobRow | None:
    """The job that does this very work and is not final yet."""
    found = select(JobRow).where(
        JobRow.seller_id == seller_id,
        JobRow.work_hash == work_hash,
        JobRow.state.in_((*PENDING, JobState.RUNNING)),
    )
    return session.scalars(found).first()


def count_by_state(session: Session, seller_id: uuid.UUID, batch_id: uuid.UUID) -> dict[str, int]:
    """How many jobs of a batch are in each state."""
    found = (
        select(JobRow.state, func.count())
        .where(JobRow.seller_id == seller_id, JobRow.batch_id == batch_id)
        .group_by(JobRow.state)
    )
    return {row[0]: row[1] for row in session.execute(found)}


def list_batch_failures(
    session: Session, seller_id: uuid.UUID, batch_id: uuid.UUID, *, limit: int
) -> list[tuple[str, str, str | None, str | None]]:
    """(product's key, state, error code, reason) of jobs that ended without a result."""
    found = session.execute(
        text(
            "SELECT p.source_key, j.state, j.error_code, j.error_detail FROM app.job j"
            " JOIN app.listing l ON l.seller_id = j.seller_id AND l.id = j.subject_id"
            " JOIN app.product p ON p.seller_id = l.seller_id AND p.id = l.product_id"
            " WHERE j.seller_id = :seller AND j.batch_id = :batch"
            " AND j.state IN ('discarded', 'cancelled') ORDER BY j.id LIMIT :limit"
        ),
        {"seller": seller_id, "batch": batch_id, "limit": limit},
    )
    return [(row[0], row[1], row[2], row[3]) for row in found]


def list_seller_jobs(session: Session, seller_id: uuid.UUID, *, limit: int) -> list[JobRow]:
    """The seller's newest jobs."""
    found = (
        select(JobRow)
        .where(JobRow.seller_id == seller_id)
        .order_by(JobRow.created_at.desc())
        .limit(limit)
    )
    return list(session.scalars(found))


def count_unfinished(session: Session, seller_id: uuid.UUID, lane: Lane) -> int:
    """How many of the seller's jobs in a lane are not final."""
    found = select(func.count()).where(
        JobRow.seller_id == seller_id,
        JobRow.lane == lane.value,
        JobRow.state.in_((*PENDING, JobState.RUNNING)),
    )
    return session.scalars(found).one()


def count_backlog(session: Session, seller_id: uuid.UUID, *, most: int) -> int:
    """How many of the seller's jobs are not final, counted up to ``most``."""
    few = (
        select(JobRow.seller_id)
        .where(JobRow.seller_id == seller_id, JobRow.state.in_((*PENDING, JobState.RUNNING)))
        .limit(most)
    )
    return session.scalars(select(func.count()).select_from(few.subquery())).one()


def count_foreign_twins(
    session: Session, seller_id: uuid.UUID, batch_id: uuid.UUID | None, work_hashes: Sequence[str]
) -> int:
    """How many of these works are under way outside the batch."""
    found = select(func.count()).where(
        JobRow.seller_id == seller_id,
        JobRow.work_hash.in_(work_hashes),
        JobRow.state.in_((*PENDING, JobState.RUNNING)),
        JobRow.batch_id.is_distinct_from(batch_id),
    )
    return session.scalars(found).one()


def list_subjects(
    session: Session,
    seller_id: uuid.UUID,
    batch_id: uuid.UUID | None,
    subject_ids: Sequence[uuid.UUID],
) -> set[uuid.UUID]:
    """Which of these listings have their job in the batch already."""
    found = select(JobRow.subject_id).where(
        JobRow.seller_id == seller_id,
        JobRow.subject_id.in_(subject_ids),
        JobRow.batch_id == batch_id,
    )
    return {subject_id for subject_id in session.scalars(found) if subject_id is not None}


def list_done_work(session: Session, seller_id: uuid.UUID, work_hashes: Sequence[str]) -> set[str]:
    """Which of these works were done before."""
    found = select(JobRow.work_hash).where(
        JobRow.seller_id == seller_id,
        JobRow.work_hash.in_(work_hashes),
        JobRow.state == JobState.COMPLETED,
    )
    return set(session.scalars(found))


def has_work(session: Session, seller_id: uuid.UUID, work_hash: str) -> bool:
    """Whether this very work was done or is under way."""
    found = select(JobRow.id).where(JobRow.seller_id == seller_id, JobRow.work_hash == work_hash)
    return session.scalars(found.limit(1)).first() is not None


def find_fallback_reason(session: Session, seller_id: uuid.UUID, batch_id: uuid.UUID) -> str:
    """The first reason for which the rules engine wrote in the language model's place."""
    found = select(JobRow.error_detail).where(
        JobRow.seller_id == seller_id,
        JobRow.batch_id == batch_id,
        JobRow.outcome == Outcome.RULES_FALLBACK,
        JobRow.error_detail.is_not(None),
    )
    return session.scalars(found.order_by(JobRow.id).limit(1)).first() or ""


def find_latest_about(
    session: Session, seller_id: uuid.UUID, subject_id: uuid.UUID, kind: JobKind
) -> JobRow | None:
    """The newest job of a kind about a listing, an import or a store."""
    found = (
        select(JobRow)
        .where(JobRow.seller_id == seller_id, JobRow.subject_id == subject_id, JobRow.kind == kind)
        .order_by(JobRow.id.desc())
        .limit(1)
    )
    return session.scalars(found).first()
