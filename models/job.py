"""Jobs: the row, and every move it can make, each one statement on the database's own clock."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from psycopg.types.json import Jsonb
from sqlalchemy import TextClause, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from domain.job import MAX_CRASHES, PENDING, JobState
from models.base import Base, Json, MadeAt, Time, dump_rows, write_source
from models.session import Moves


class JobRow(Base):
    """One durable unit of work."""

    __tablename__ = "job"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    seller_id: Mapped[uuid.UUID]
    kind: Mapped[str]
    lane: Mapped[str]
    pool: Mapped[str]
    priority: Mapped[int] = mapped_column(server_default="0")
    state: Mapped[str] = mapped_column(server_default="available")
    outcome: Mapped[str | None]
    batch_id: Mapped[uuid.UUID | None]
    subject_id: Mapped[uuid.UUID | None]
    revision_id: Mapped[uuid.UUID | None]
    suggestion_id: Mapped[uuid.UUID | None]
    brief_hash: Mapped[str | None]
    work_hash: Mapped[str]
    as_of: Mapped[dt.date | None]
    est_tokens: Mapped[int] = mapped_column(server_default="0")
    claim_no: Mapped[int] = mapped_column(server_default="0")
    failures: Mapped[int] = mapped_column(server_default="0")
    crash_count: Mapped[int] = mapped_column(server_default="0")
    dispatch_no: Mapped[int] = mapped_column(server_default="0")
    dispatched_at: Mapped[Time | None]
    lease_owner: Mapped[uuid.UUID | None]
    deadline_at: Mapped[Time | None]
    cancel_requested_at: Mapped[Time | None]
    reused: Mapped[bool] = mapped_column(server_default="false")
    engine: Mapped[str | None]
    cost_pico: Mapped[int] = mapped_column(server_default="0")
    error_code: Mapped[str | None]
    error_detail: Mapped[str | None]
    hops: Mapped[Json | None]
    cursor: Mapped[Json | None]
    created_at: Mapped[MadeAt]
    scheduled_at: Mapped[MadeAt]
    attempted_at: Mapped[Time | None]
    finalized_at: Mapped[Time | None]
    waits_for: Mapped[str | None]


def insert_jobs(session: Session, values: Sequence[dict[str, Any]]) -> set[uuid.UUID]:
    """Add jobs, all with the same columns; the ids of those that are new.

    A job whose work (seller and ``work_hash``) has an unfinished job already is not added. A value
    of the first row that is SQL (the database's clock) holds for all.
    """
    shared = {name: one.text for name, one in values[0].items() if isinstance(one, TextClause)}
    plain = [name for name in values[0] if name not in shared]
    rows = [{name: row[name] for name in plain} for row in values]
    statement = _write_insert(tuple(plain), tuple(shared.items()))
    return {row[0] for row in session.execute(statement, {"rows": dump_rows(rows)})}


@cache
def _write_insert(names: tuple[str, ...], shared: tuple[tuple[str, str], ...]) -> TextClause:
    source = write_source(JobRow, names, shared=shared)
    return text(f"INSERT INTO app.job {source} ON CONFLICT DO NOTHING RETURNING id")


# Commit without waiting for the disk (docs/decisions/0016). Should Postgres lose its last moments,
# a claim lost is a job still waiting, an end lost is a job taken back whose paid answer is found:
# that answer, its bill and the plan of the call are committed the patient way.
_UNHURRIED = " AND set_config('synchronous_commit', 'off', true) = 'off'"


@dataclass(frozen=True, slots=True)
class Claim:
    """A job just taken, and the body of its brief where it has one."""

    job: JobRow
    brief: Mapping[str, Any] | None


def claim_job(
    session: Session | Moves,
    job_id: uuid.UUID,
    *,
    pool: str,
    owner: uuid.UUID,
    max_run_s: float,
    alone: bool = False,
) -> Claim | None:
    """Take a due job and raise its fence; None: not due, not ours, cancelled, held or taken.

    Running rows are never taken: only the sweeper moves them. A job under suspicion is taken by
    ``alone`` owners only, which run nothing beside it.
    """
    got = session.execute(
        _CLAIM,
        {
            "id": job_id,
            "pool": pool,
            "owner": owner,
            "max_run_s": max_run_s,
            "suspect": MAX_CRASHES,
            "alone": alone,
        },
    ).first()
    if got is None:
        return None
    *values, brief = got
    return Claim(JobRow(**dict(zip(_COLUMNS, values, strict=True))), brief)


_COLUMNS = tuple(column.name for column in JobRow.__table__.columns)
_CLAIM = text(
    "WITH claimed AS (UPDATE app.job SET state = 'running', claim_no = claim_no + 1,"
    " lease_owner = :owner, dispatched_at = NULL, waits_for = NULL,"
    " attempted_at = clock_timestamp(),"
    " deadline_at = clock_timestamp() + make_interval(secs => :max_run_s)"
    " WHERE id = :id AND pool = :pool AND state IN ('available', 'retryable')"
    " AND scheduled_at <= clock_timestamp() AND cancel_requested_at IS NULL"
    " AND (crash_count < :suspect OR :alone)"
    " AND NOT EXISTS (SELECT FROM app.batch b WHERE b.seller_id = job.seller_id"
    "   AND b.id = job.batch_id AND b.halted_at IS NOT NULL)"
    " AND NOT EXISTS (SELECT FROM app.seller s WHERE s.id = job.seller_id"
    f"   AND s.paused_at IS NOT NULL){_UNHURRIED} RETURNING job.*)"
    f" SELECT {', '.join(f'c.{name}' for name in _COLUMNS)}, b.body FROM claimed c"
    " LEFT JOIN app.brief b ON b.seller_id = c.seller_id AND b.hash = c.brief_hash"
)


_FENCE = " WHERE id = :id AND state = 'running' AND claim_no = :claim_no"


@dataclass(frozen=True, slots=True)
class Finished:
    """How a job ended: its final state, whether equal work was done before, and its cost."""

    state: JobState
    reused: bool
    cost_pico: int


def finish_job(
    session: Session | Moves, job: JobRow, *, state: JobState, values: Mapping[str, Any]
) -> Finished | None:
    """Make a claimed job final; None when another claim has overtaken this one.

    A job whose cancellation was asked for meanwhile becomes ``cancelled``. ``values`` are further
    columns to set where it does not.
    """
    told = {name: Jsonb(one) if isinstance(one, list) else one for name, one in values.items()}
    got = session.execute(
        _write_finish(tuple(values)),
        {"id": job.id, "claim_no": job.claim_no, "state": state.value, **told},
    ).first()
    return None if got is None else Finished(JobState(got[0]), got[1], int(got[2]))


@cache
def _write_finish(names: tuple[str, ...]) -> TextClause:
    extra = "".join(
        f", {name} = CASE WHEN cancel_requested_at IS NULL THEN :{name} ELSE {name} END"
        for name in names
    )
    return text(
        "UPDATE app.job SET state = CASE WHEN cancel_requested_at IS NULL THEN :state"
        " ELSE 'cancelled' END, lease_owner = NULL, deadline_at = NULL, dispatched_at = NULL,"
        " finalized_at = clock_timestamp(),"
        " cost_pico = (SELECT coalesce(sum(c.cost_pico), 0) FROM app.llm_call c"
        "  WHERE c.job_id = app.job.id),"
        " reused = EXISTS (SELECT FROM app.job t WHERE t.seller_id = app.job.seller_id"
        "  AND t.work_hash = app.job.work_hash AND t.state = 'completed'"
        f"  AND t.id <> app.job.id){extra}{_FENCE}{_UNHURRIED}"
        " RETURNING state, reused, cost_pico"
    )


def release_job(
    session: Session,
    job: JobRow,
    *,
    wait_s: float,
    cursor: str | None = None,
    waits_for: str | None = None,
) -> JobState | None:
    """Put a claimed job back without counting a failure; the state it got, None when overtaken.

    ``cursor`` (JSON text) is how far it got, None leaves it as it was. ``waits_for`` names what
    makes it due before its time.
    """
    return _give_back(
        session,
        job,
        JobState.AVAILABLE,
        change="cursor = coalesce(CAST(:cursor AS jsonb), cursor), waits_for = :waits_for",
        values={"wait_s": wait_s, "cursor": cursor, "waits_for": waits_for},
    )


def save_cursor(session: Session, job: JobRow, cursor: str) -> bool:
    """Note how far a claimed job is (JSON text); False when it is another's or to be cancelled."""
    got = session.execute(
        text(
            f"UPDATE app.job SET cursor = CAST(:cursor AS jsonb){_FENCE}"
            " AND cancel_requested_at IS NULL RETURNING id"
        ),
        {"id": job.id, "claim_no": job.claim_no, "cursor": cursor},
    )
    return got.first() is not None


def retry_job(
    session: Session, job: JobRow, *, wait_s: float, error_code: str, error_detail: str
) -> JobState | None:
    """Put a claimed job back after a failure; the state it got, None when overtaken."""
    return _give_back(
        session,
        job,
        JobState.RETRYABLE,
        change="failures = failures + 1, error_code = :code, error_detail = :detail",
        values={"wait_s": wait_s, "code": error_code, "detail": error_detail},
    )


def _give_back(
    session: Session, job: JobRow, state: JobState, *, change: str, values: dict[str, Any]
) -> JobState | None:
    """A job whose cancellation was asked for ends here: no claim would ever take it again."""
    got = session.execute(
        text(
            f"UPDATE app.job SET {change}, lease_owner = NULL, deadline_at = NULL,"
            " dispatched_at = NULL, attempted_at = NULL,"
            " state = CASE WHEN cancel_requested_at IS NULL THEN :state ELSE 'cancelled' END,"
            " finalized_at = CASE WHEN cancel_requested_at IS NULL THEN NULL"
            "                ELSE clock_timestamp() END,"
            " scheduled_at = clock_timestamp() + make_interval(secs => :wait_s)"
            f"{_FENCE} RETURNING state"
        ),
        {"id": job.id, "claim_no": job.claim_no, "state": state, **values},
    ).scalar()
    return None if got is None else JobState(got)


def list_running_of(session: Session, owner: uuid.UUID) -> list[JobRow]:
    """What a process has claimed and not yet ended."""
    running = select(JobRow).where(JobRow.lease_owner == owner, JobRow.state == JobState.RUNNING)
    return list(session.scalars(running))


def rescue_jobs(
    session: Session, *, pool: str, stale_s: float, max_crashes: int, limit: int
) -> list[JobRow]:
    """Take back running jobs whose process is gone or whose deadline has passed.

    The death of a process that was draining is no crash. A job that has been in ``max_crashes``
    crashes already is discarded; any other is due as it was, so it goes before what came later.
    Nothing is rescued while Postgres itself is younger than a lease: the beats it missed were not
    the workers' fault.
    """
    return list(
        session.scalars(
            select(JobRow).from_statement(text(_RESCUE)).execution_options(populate_existing=True),
            {"pool": pool, "stale_s": stale_s, "max_crashes": max_crashes, "limit": limit},
        )
    )


LOST = """j.state = 'running' AND j.pool = :pool
    AND clock_timestamp() - pg_postmaster_start_time() > make_interval(secs => :stale_s)
    AND (p.id IS NULL OR p.beat_at < clock_timestamp() - make_interval(secs => :stale_s)
         OR j.deadline_at < clock_timestamp())"""
"""Said of a job ``j`` and its process ``p``: it runs no more, or for too long."""

_RESCUE = f"""
WITH lost AS (
  SELECT j.id, (p.draining_at IS NULL)::int AS crash
  FROM app.job j LEFT JOIN app.worker_process p ON p.id = j.lease_owner
  WHERE {LOST}
  ORDER BY j.id LIMIT :limit
  FOR UPDATE OF j SKIP LOCKED
)
UPDATE app.job SET
  crash_count = crash_count + lost.crash,
  state = CASE WHEN cancel_requested_at IS NOT NULL THEN 'cancelled'
               WHEN crash_count + lost.crash > :max_crashes THEN 'discarded'
               ELSE 'available' END,
  finalized_at = CASE WHEN cancel_requested_at IS NOT NULL
                        OR crash_count + lost.crash > :max_crashes
                      THEN clock_timestamp() END,
  error_code = CASE WHEN lost.crash = 1 THEN 'worker_lost' ELSE error_code END,
  error_detail = CASE WHEN lost.crash = 1 THEN 'the process that ran it ended'
                      ELSE error_detail END,
  lease_owner = NULL, deadline_at = NULL, dispatched_at = NULL
FROM lost WHERE app.job.id = lost.id
RETURNING app.job.*
"""


def request_cancel(
    session: Session,
    seller_id: uuid.UUID,
    *,
    batch_id: uuid.UUID | None = None,
    job_id: uuid.UUID | None = None,
) -> int:
    """Cancel a job or a batch: what waits is final at once, what runs is asked to stop.

    Returns how many were waiting.
    """
    which = "batch_id = :batch" if job_id is None else "id = :job"
    keys = {"seller": seller_id, "batch": batch_id, "job": job_id}
    session.execute(
        text(
            f"UPDATE app.job SET cancel_requested_at = clock_timestamp()"
            f" WHERE seller_id = :seller AND {which} AND state = 'running'"
        ),
        keys,
    )
    stopped = session.execute(
        text(
            "UPDATE app.job SET state = 'cancelled', finalized_at = clock_timestamp(),"
            " cancel_requested_at = clock_timestamp(), dispatched_at = NULL"
            f" WHERE seller_id = :seller AND {which} AND state IN ('available', 'retryable')"
            " RETURNING id"
        ),
        keys,
    )
    return len(stopped.all())


def cancel_halted(session: Session, *, pool: str, limit: int) -> list[JobRow]:
    """Make waiting jobs of halted batches final, some at a time."""
    return list(
        session.scalars(
            select(JobRow)
            .from_statement(
                text(
                    "UPDATE app.job SET state = 'cancelled', finalized_at = clock_timestamp(),"
                    " dispatched_at = NULL, error_code = 'batch_halted',"
                    " error_detail = h.halt_reason FROM (SELECT j.id, b.halt_reason"
                    "  FROM app.batch b JOIN app.job j"
                    "  ON j.batch_id = b.id AND j.state IN ('available', 'retryable')"
                    "  WHERE b.halted_at IS NOT NULL AND b.completed_at IS NULL"
                    "  AND j.pool = :pool LIMIT :limit FOR UPDATE OF j SKIP LOCKED) h"
                    " WHERE app.job.id = h.id RETURNING app.job.*"
                )
            )
            .execution_options(populate_existing=True),
            {"pool": pool, "limit": limit},
        )
    )


def move_pool(session: Session, seller_id: uuid.UUID, job_ids: list[uuid.UUID], pool: str) -> None:
    """Hand waiting jobs of a pool that is gone to another pool."""
    session.execute(
        text(
            "UPDATE app.job SET pool = :pool, dispatched_at = NULL WHERE seller_id = :seller"
            " AND id = ANY(:ids) AND state IN ('available', 'retryable')"
        ),
        {"pool": pool, "seller": seller_id, "ids": job_ids},
    )


def cancel_subject(session: Session, seller_id: uuid.UUID, subject_id: uuid.UUID) -> None:
    """Cancel the unfinished jobs that are about a listing or an import."""
    found = select(JobRow.id).where(
        JobRow.seller_id == seller_id,
        JobRow.subject_id == subject_id,
        JobRow.state.in_((*PENDING, JobState.RUNNING)),
    )
    for job_id in session.scalars(found).all():
        request_cancel(session, seller_id, job_id=job_id)
