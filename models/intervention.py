"""What people do to jobs: revive the dead, stop the living; each time an event is written."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable, Sequence

from sqlalchemy import select, text
from sqlalchemy.orm import Mapped, Session

from core.ids import new_id
from models.base import Base, Key, MadeAt, SellerKey
from models.job import JobRow


class JobEventRow(Base):
    """One intervention, and what the job was before it; written once, never changed."""

    __tablename__ = "job_event"
    seller_id: Mapped[SellerKey]
    id: Mapped[Key]
    job_id: Mapped[uuid.UUID]
    action: Mapped[str]
    actor: Mapped[str]
    state: Mapped[str]
    failures: Mapped[int]
    crash_count: Mapped[int]
    error_code: Mapped[str | None]
    error_detail: Mapped[str | None]
    created_at: Mapped[MadeAt]


def insert_events(session: Session, jobs: Iterable[JobRow], *, action: str, actor: str) -> None:
    """Keep what the jobs are just now, with who does what to them."""
    session.add_all(
        JobEventRow(
            seller_id=job.seller_id,
            id=new_id(),
            job_id=job.id,
            action=action,
            actor=actor,
            state=job.state,
            failures=job.failures,
            crash_count=job.crash_count,
            error_code=job.error_code,
            error_detail=job.error_detail,
        )
        for job in jobs
    )
    session.flush()


def list_events(session: Session, job_ids: Sequence[uuid.UUID]) -> list[JobEventRow]:
    """What was done to these jobs, oldest first."""
    found = select(JobEventRow).where(JobEventRow.job_id.in_(job_ids))
    return list(session.scalars(found.order_by(JobEventRow.created_at)))


_DEAD = (
    " pool = :pool AND state = 'discarded' AND (CAST(:reason AS text) IS NULL"
    " OR coalesce(error_code, '') = :reason)"
)


def count_dead(session: Session, pool: str) -> Counter[str]:
    """Dead letters by reason."""
    found = session.execute(
        text(
            "SELECT coalesce(error_code, ''), count(*) FROM app.job"
            " WHERE pool = :pool AND state = 'discarded' GROUP BY 1"
        ),
        {"pool": pool},
    )
    return Counter({row[0]: row[1] for row in found})


def list_dead(session: Session, pool: str, *, reason: str | None, limit: int) -> list[JobRow]:
    """Dead letters, newest first; of one reason, or of all."""
    found = text(f"SELECT * FROM app.job WHERE{_DEAD} ORDER BY finalized_at DESC, id LIMIT :limit")
    keys = {"pool": pool, "reason": reason, "limit": limit}
    return list(session.scalars(select(JobRow).from_statement(found), keys))


# A cancelled import's jobs stay dead; of several jobs of one work only the newest comes back, and
# none where another job does that work already.
_REVIVABLE = """
SELECT * FROM app.job WHERE id IN (
  SELECT id FROM (
    SELECT id, seller_id, work_hash, row_number() OVER (
             PARTITION BY seller_id, work_hash ORDER BY finalized_at DESC, id) AS place
    FROM app.job j WHERE {which} AND state = 'discarded' AND NOT EXISTS (
      SELECT FROM app.import_file i WHERE i.seller_id = j.seller_id AND i.state = 'cancelled'
        AND (i.batch_id = j.batch_id OR i.id = j.subject_id))
  ) newest
  WHERE place = 1 AND NOT EXISTS (
    SELECT FROM app.job t WHERE t.seller_id = newest.seller_id AND t.work_hash = newest.work_hash
      AND t.state IN ('available', 'running', 'retryable'))
  LIMIT :limit)
AND state = 'discarded' ORDER BY id FOR UPDATE SKIP LOCKED
"""


def lock_revivable(session: Session, pool: str, *, reason: str | None, limit: int) -> list[JobRow]:
    """Dead letters that can come back, locked; of one reason, or of all."""
    found = text(_REVIVABLE.format(which=_DEAD))
    keys = {"pool": pool, "reason": reason, "limit": limit}
    return list(session.scalars(select(JobRow).from_statement(found), keys))


def lock_revivable_job(session: Session, job_id: uuid.UUID) -> JobRow | None:
    """That dead letter, locked; None when it cannot come back."""
    found = text(_REVIVABLE.format(which="id = :id"))
    return session.scalars(select(JobRow).from_statement(found), {"id": job_id, "limit": 1}).first()


def revive_jobs(session: Session, job_ids: Sequence[uuid.UUID], *, pool: str) -> None:
    """Make dead letters available, with all attempts before them.

    ``crash_count`` stays: what killed three processes gets one more try, alone.
    """
    session.execute(
        text(
            "UPDATE app.job SET state = 'available', failures = 0, finalized_at = NULL,"
            " attempted_at = NULL, dispatched_at = NULL, error_code = NULL, error_detail = NULL,"
            " pool = :pool, scheduled_at = clock_timestamp()"
            " WHERE id = ANY(:ids) AND state = 'discarded'"
        ),
        {"ids": list(job_ids), "pool": pool},
    )


def reopen_batch(session: Session, seller_id: uuid.UUID, batch_id: uuid.UUID) -> None:
    """Let the jobs of a batch run again, and its import with it."""
    keys = {"seller": seller_id, "batch": batch_id}
    session.execute(
        text(
            "UPDATE app.batch SET completed_at = NULL, halted_at = NULL, halt_reason = ''"
            " WHERE seller_id = :seller AND id = :batch"
        ),
        keys,
    )
    session.execute(
        text(
            "UPDATE app.import_file SET state = 'running', updated_at = clock_timestamp()"
            " WHERE seller_id = :seller AND batch_id = :batch AND state = 'done'"
        ),
        keys,
    )


def reopen_import(session: Session, seller_id: uuid.UUID, import_id: uuid.UUID) -> None:
    """A failed import goes on where its job will: at reading, or at submitting."""
    session.execute(
        text(
            "UPDATE app.import_file SET error = NULL, updated_at = clock_timestamp(),"
            " state = CASE WHEN batch_id IS NULL THEN 'received' ELSE 'confirmed' END"
            " WHERE seller_id = :seller AND id = :id AND state = 'failed'"
        ),
        {"seller": seller_id, "id": import_id},
    )


def lock_unfinished(session: Session, seller_id: uuid.UUID, *, limit: int) -> list[JobRow]:
    """Jobs of a seller that are not final and not asked to end, locked, some at a time."""
    found = text(
        "SELECT * FROM app.job WHERE seller_id = :seller AND cancel_requested_at IS NULL"
        " AND state IN ('available', 'running', 'retryable')"
        " ORDER BY id LIMIT :limit FOR UPDATE"
    )
    keys = {"seller": seller_id, "limit": limit}
    return list(session.scalars(select(JobRow).from_statement(found), keys))


def lock_job(session: Session, seller_id: uuid.UUID, job_id: uuid.UUID) -> JobRow | None:
    """The seller's job, locked."""
    found = select(JobRow).where(JobRow.id == job_id, JobRow.seller_id == seller_id)
    return session.scalars(found.with_for_update()).first()


def find_owner(session: Session, job_id: uuid.UUID) -> uuid.UUID | None:
    """Whose job that is."""
    return session.scalars(select(JobRow.seller_id).where(JobRow.id == job_id)).first()


def list_open_imports(session: Session, seller_id: uuid.UUID) -> list[uuid.UUID]:
    """Imports of a seller with work under way."""
    found = session.execute(
        text(
            "SELECT id FROM app.import_file WHERE seller_id = :seller"
            " AND state IN ('received', 'parsing', 'confirmed', 'running')"
        ),
        {"seller": seller_id},
    )
    return list(found.scalars())


def find_import_owner(session: Session, import_id: uuid.UUID) -> uuid.UUID | None:
    """Whose import that is."""
    found = text("SELECT seller_id FROM app.import_file WHERE id = :id")
    owner: uuid.UUID | None = session.execute(found, {"id": import_id}).scalar()
    return owner
