"""The dispatcher's statements: the fair pick, the marks, the backlog, the worker processes."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.orm import Mapped, Session, mapped_column

from domain.job import MAX_CRASHES, Lane
from domain.ports import Dispatch
from models.base import Base, MadeAt, Time
from models.session import Moves


class WorkerProcessRow(Base):
    """A live worker process: one row to renew, instead of one per job it runs."""

    __tablename__ = "worker_process"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    pool: Mapped[str]
    queues: Mapped[str]
    threads: Mapped[int]
    started_at: Mapped[MadeAt]
    beat_at: Mapped[MadeAt]
    draining_at: Mapped[Time | None]


def take_leadership(session: Session | Moves, pool: str) -> bool:
    """Whether this transaction leads the pool: at most one does, until it ends.

    A transaction-level lock, because poolers in transaction mode break session-level ones.
    """
    return bool(session.execute(_LEAD, {"pool": pool}).scalar())


_LEAD = text("SELECT pg_try_advisory_xact_lock(hashtextextended('dispatcher:' || :pool, 0))")


def list_active(session: Session | Moves, *, pool: str, lane: Lane) -> list[uuid.UUID]:
    """The sellers with unsent jobs in a lane, each found by one look into the index."""
    found = session.execute(_LIST_ACTIVE, {"pool": pool, "lane": lane.value})
    return [seller_id for (seller_id,) in found if seller_id is not None]


UNSENT = (
    "j.pool = :pool AND j.lane = :lane AND j.state IN ('available', 'retryable')"
    " AND j.dispatched_at IS NULL"
)
_DUE = f"{UNSENT} AND j.scheduled_at <= clock_timestamp() AND j.crash_count < :suspect"

# One row is wanted, and the order is that of the index of unsent jobs: without it the planner
# reads any jobs until one fits, which behind 10,000 finished ones takes longer than the whole tick.
FIRST_OF_SELLER = "ORDER BY j.priority, j.scheduled_at, j.id LIMIT 1"
FIRST_OF_ALL = "ORDER BY j.seller_id, j.priority, j.scheduled_at, j.id LIMIT 1"

_LIST_ACTIVE = text(f"""
WITH RECURSIVE active AS (
  (SELECT j.seller_id FROM app.job j WHERE {UNSENT} {FIRST_OF_ALL})
  UNION ALL
  SELECT (SELECT j.seller_id FROM app.job j WHERE {UNSENT} AND j.seller_id > a.seller_id
          {FIRST_OF_ALL})
  FROM active a WHERE a.seller_id IS NOT NULL
)
SELECT seller_id FROM active
""")


UNLIMITED = 2**53


def pick_due(
    session: Session | Moves,
    *,
    pool: str,
    lane: Lane,
    room: int,
    sellers: Sequence[uuid.UUID],
    tokens: int = UNLIMITED,
) -> list[Dispatch]:
    """Choose up to ``room`` due jobs of these sellers in a lane fairly, mark them as sent.

    Start-time fair queueing: each seller has a virtual time that grows by the tokens of what was
    chosen, over its weight; a job's tag is its seller's time when its turn comes; the smallest tags
    win. A seller who comes back starts at the lane's clock, so nobody saves up credit. A seller's
    first tag is their own time, so of those with something due only the ``room`` earliest can win.
    Jobs that ask a language model are chosen until they have ``tokens``; others always may be.
    """
    keys = {
        "pool": pool,
        "lane": lane.value,
        "room": room,
        "suspect": MAX_CRASHES,
        "sellers": list(sellers),
        "tokens": tokens,
    }
    found = session.execute(_PICK, keys)
    return [Dispatch(job_id, dispatch_no, lane) for job_id, dispatch_no in found]


# The UPDATE says that a job still waits unsent in words that no partial index is made of: after a
# large import the statistics know nothing of it yet, and the planner would read such an index whole
# for each chosen job (145 ms a pick with 20,000 jobs, and growing).
_PICK = text(f"""
WITH awake AS MATERIALIZED (
  SELECT a.id AS seller_id, coalesce(ls.weight, 1) AS weight,
         greatest(coalesce(ls.vtime, 0), l.vclock) AS vstart,
         greatest(2, 2 * :room / count(*) OVER ()) AS share
  FROM unnest(CAST(:sellers AS uuid[])) AS a(id)
  JOIN app.seller s ON s.id = a.id AND s.paused_at IS NULL
  JOIN app.lane l ON l.name = :lane
  LEFT JOIN app.lane_seller ls ON ls.lane = :lane AND ls.seller_id = a.id
), near AS (
  SELECT w.* FROM (SELECT * FROM awake ORDER BY vstart, seller_id) w
  CROSS JOIN LATERAL (
    SELECT FROM app.job j WHERE j.seller_id = w.seller_id AND {_DUE} {FIRST_OF_SELLER}) d
  LIMIT :room
), tagged AS (
  SELECT d.id, d.dispatch_no, n.seller_id, n.vstart, n.weight, d.tokens,
         n.vstart + 1000 * coalesce(sum(d.tokens) OVER (
           PARTITION BY n.seller_id ORDER BY d.priority, d.scheduled_at, d.id
           ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) / n.weight AS tag
  FROM near n CROSS JOIN LATERAL (
    SELECT j.id, greatest(j.est_tokens, 1) AS tokens, j.priority, j.scheduled_at, j.dispatch_no
    FROM app.job j WHERE j.seller_id = n.seller_id AND {_DUE}
    ORDER BY j.priority, j.scheduled_at, j.id LIMIT n.share) d
), chosen AS (
  SELECT * FROM (SELECT *, sum(tokens) OVER (ORDER BY tag, id) - tokens AS before FROM tagged) t
  WHERE tokens = 1 OR before < :tokens ORDER BY tag, id LIMIT :room
), marked AS (
  UPDATE app.job SET dispatched_at = clock_timestamp(), dispatch_no = chosen.dispatch_no + 1
  FROM chosen WHERE app.job.id = chosen.id AND app.job.dispatch_no = chosen.dispatch_no
    AND app.job.state <> ALL ('{{running,completed,discarded,cancelled}}')
  RETURNING app.job.id, app.job.dispatch_no
), charged AS (
  INSERT INTO app.lane_seller (lane, seller_id, vtime)
  SELECT :lane, seller_id, max(vstart) + 1000 * sum(tokens)::bigint / max(weight)
  FROM chosen GROUP BY seller_id
  ON CONFLICT (lane, seller_id) DO UPDATE SET vtime = excluded.vtime
), ticked AS (
  UPDATE app.lane SET vclock = greatest(vclock, (SELECT min(tag) FROM chosen))
  WHERE name = :lane AND EXISTS (SELECT FROM chosen)
)
SELECT id, dispatch_no FROM marked
""")


def pick_suspect(session: Session | Moves, *, pool: str) -> list[Dispatch]:
    """The next due job under suspicion, marked as sent; none while another one is under way.

    One at a time over all lanes: what dies meanwhile was killed by this job or by nobody's. Those
    sent least often go first, so that one which nobody serves holds up no other.
    """
    found = session.execute(_PICK_SUSPECT, {"pool": pool, "suspect": MAX_CRASHES})
    return [Dispatch(job_id, no, Lane(lane), alone=True) for job_id, no, lane in found]


_PICK_SUSPECT = text("""
UPDATE app.job SET dispatched_at = clock_timestamp(), dispatch_no = dispatch_no + 1
WHERE id = (
  SELECT j.id FROM app.job j JOIN app.seller s ON s.id = j.seller_id AND s.paused_at IS NULL
  WHERE j.pool = :pool AND j.crash_count >= :suspect AND j.state IN ('available', 'retryable')
    AND j.dispatched_at IS NULL AND j.scheduled_at <= clock_timestamp()
    AND NOT EXISTS (
      SELECT FROM app.job q WHERE q.pool = :pool AND q.crash_count >= :suspect
        AND q.state IN ('available', 'running', 'retryable')
        AND (q.state = 'running' OR q.dispatched_at IS NOT NULL))
  ORDER BY j.dispatch_no, j.scheduled_at, j.id LIMIT 1
  FOR UPDATE OF j SKIP LOCKED
)
RETURNING id, dispatch_no, lane
""")


def count_threads(session: Session, pool: str, *, stale_s: float) -> dict[str, int]:
    """Live, not draining worker threads by queue name."""
    found = session.execute(
        text(
            "SELECT queue, sum(threads) FROM app.worker_process,"
            " unnest(string_to_array(queues, ' ')) AS queue WHERE pool = :pool"
            " AND draining_at IS NULL"
            " AND beat_at > clock_timestamp() - make_interval(secs => :stale_s) GROUP BY queue"
        ),
        {"pool": pool, "stale_s": stale_s},
    )
    return {queue: int(threads) for queue, threads in found}


def list_sent(
    session: Session | Moves, pool: str, *, older_than_s: float, limit: int
) -> list[tuple[Dispatch, float]]:
    """Waiting jobs sent longer ago than that, with their age in seconds, oldest first."""
    found = session.execute(
        text(
            "SELECT id, dispatch_no, lane,"
            " extract(epoch FROM clock_timestamp() - dispatched_at)::float8 AS age_s"
            " FROM app.job WHERE pool = :pool AND state IN ('available', 'retryable')"
            " AND dispatched_at < statement_timestamp() - make_interval(secs => :older_than_s)"
            " ORDER BY dispatched_at LIMIT :limit"
        ),
        {"pool": pool, "older_than_s": older_than_s, "limit": limit},
    )
    return [(Dispatch(i, no, Lane(lane)), age_s) for i, no, lane, age_s in found]


def has_unclaimed(
    session: Session, pool: str, *, queues: Sequence[str], older_than_s: float
) -> bool:
    """Whether a job of these lanes was sent more than once and has still not been claimed."""
    found = session.execute(
        text(
            "SELECT 1 FROM app.job WHERE pool = :pool AND state IN ('available', 'retryable')"
            " AND dispatched_at < statement_timestamp() - make_interval(secs => :older_than_s)"
            " AND dispatch_no > 1 AND lane = ANY(:queues) LIMIT 1"
        ),
        {"pool": pool, "queues": list(queues), "older_than_s": older_than_s},
    )
    return found.first() is not None


def clear_sent(session: Session | Moves, dispatches: Sequence[Dispatch]) -> None:
    """Unmark jobs, so that the next pick sends them again."""
    session.execute(
        text(
            "UPDATE app.job SET dispatched_at = NULL FROM unnest(CAST(:ids AS uuid[]),"
            " CAST(:numbers AS int[])) AS d(id, no)"
            " WHERE app.job.id = d.id AND app.job.dispatch_no = d.no"
            " AND app.job.state IN ('available', 'retryable')"
        ),
        {
            "ids": [d.job_id for d in dispatches],
            "numbers": [d.dispatch_no for d in dispatches],
        },
    )


def insert_process(
    session: Session, *, process_id: uuid.UUID, pool: str, queues: Sequence[str], threads: int
) -> None:
    """Register a worker process; its first beat."""
    session.execute(
        text(
            "INSERT INTO app.worker_process (id, pool, queues, threads)"
            " VALUES (:id, :pool, :queues, :threads)"
        ),
        {"id": process_id, "pool": pool, "queues": " ".join(queues), "threads": threads},
    )


def beat(session: Session, process_id: uuid.UUID) -> bool:
    """Renew a process's lease; False when its row is gone."""
    found = session.execute(
        text(
            "UPDATE app.worker_process SET beat_at = clock_timestamp() WHERE id = :id RETURNING 1"
        ),
        {"id": process_id},
    )
    return found.first() is not None


def set_draining(session: Session, process_id: uuid.UUID) -> None:
    """The process was asked to end: what it leaves behind is no crash."""
    session.execute(
        text(
            "UPDATE app.worker_process SET draining_at = clock_timestamp()"
            " WHERE id = :id AND draining_at IS NULL"
        ),
        {"id": process_id},
    )


def has_died_lately(
    session: Session | Moves, pool: str, *, stale_s: float, within_s: float
) -> bool:
    """Whether a process of the pool has stopped beating in this time without being asked to end."""
    found = session.execute(
        text(
            "SELECT 1 FROM app.worker_process WHERE pool = :pool AND draining_at IS NULL"
            " AND beat_at < clock_timestamp() - make_interval(secs => :stale_s)"
            " AND beat_at > clock_timestamp() - make_interval(secs => :within_s) LIMIT 1"
        ),
        {"pool": pool, "stale_s": stale_s, "within_s": within_s},
    )
    return found.first() is not None


def delete_process(session: Session, process_id: uuid.UUID) -> None:
    """The process has ended in order.

    While it still holds jobs its row stays, draining, so that their rescue counts as no crash.
    """
    session.execute(
        text(
            "DELETE FROM app.worker_process p WHERE id = :id AND NOT EXISTS ("
            "SELECT FROM app.job j WHERE j.lease_owner = p.id AND j.state = 'running')"
        ),
        {"id": process_id},
    )


def delete_dead_processes(session: Session, *, older_than_s: float) -> None:
    """Forget processes that died long ago and own nothing."""
    session.execute(
        text(
            "DELETE FROM app.worker_process p"
            " WHERE beat_at < clock_timestamp() - make_interval(secs => :age)"
            " AND NOT EXISTS (SELECT FROM app.job j WHERE j.lease_owner = p.id"
            "  AND j.state = 'running')"
        ),
        {"age": older_than_s},
    )


def list_abandoned_pools(session: Session, *, stale_s: float) -> list[str]:
    """Pools of commands that ended in disorder: jobs wait, and no process serves them.

    None while Postgres is younger than a lease: then every beat is old, the living ones' too.
    """
    found = session.execute(
        text(
            "SELECT DISTINCT j.pool FROM app.job j WHERE j.pool <> 'default'"
            " AND j.state IN ('available', 'running', 'retryable')"
            " AND j.created_at < clock_timestamp() - interval '30 seconds'"
            " AND clock_timestamp() - pg_postmaster_start_time() > make_interval(secs => :stale_s)"
            " AND NOT EXISTS (SELECT FROM app.worker_process p WHERE p.pool = j.pool"
            "  AND p.beat_at > clock_timestamp() - make_interval(secs => :stale_s))"
        ),
        {"stale_s": stale_s},
    )
    return list(found.scalars())


def cancel_pool(session: Session, pool: str) -> list[tuple[uuid.UUID, uuid.UUID | None]]:
    """Cancel everything unfinished of a pool; (seller id, batch id) of each job."""
    found = session.execute(
        text(
            "UPDATE app.job SET state = 'cancelled', finalized_at = clock_timestamp(),"
            " lease_owner = NULL, dispatched_at = NULL, error_code = 'run_abandoned',"
            " error_detail = 'the command that asked for it ended'"
            " WHERE pool = :pool AND state IN ('available', 'running', 'retryable')"
            " RETURNING seller_id, batch_id"
        ),
        {"pool": pool},
    )
    return [(seller_id, batch_id) for seller_id, batch_id in found]
