"""What only the operator's page asks: who works, and how much was done lately."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """A worker process: the lanes it serves, jobs in its hands, seconds since its last beat."""

    id: uuid.UUID
    queues: str
    threads: int
    running: int
    silent_s: float
    up_s: float
    draining: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Recent:
    """Jobs that ended lately. Waits are from due to claimed, runs from claimed to ended."""

    completed: int
    discarded: int
    wait_p50_s: float | None
    wait_p95_s: float | None
    run_p50_s: float | None
    run_p95_s: float | None


def list_processes(session: Session, pool: str, *, gone_s: float, limit: int) -> list[Process]:
    """Worker processes that beat within so many seconds, the youngest first."""
    found = session.execute(
        text(
            "SELECT p.id, p.queues, p.threads, p.draining_at IS NOT NULL AS draining,"
            " extract(epoch FROM clock_timestamp() - p.beat_at)::float8 AS silent_s,"
            " extract(epoch FROM clock_timestamp() - p.started_at)::float8 AS up_s,"
            " (SELECT count(*) FROM app.job j WHERE j.lease_owner = p.id"
            "   AND j.state = 'running')::int AS running"
            " FROM app.worker_process p WHERE p.pool = :pool AND p.queues <> ''"
            " AND p.beat_at > clock_timestamp() - make_interval(secs => :gone_s)"
            " ORDER BY p.started_at DESC LIMIT :limit"
        ),
        {"pool": pool, "gone_s": gone_s, "limit": limit},
    )
    return [Process(**row) for row in found.mappings()]


_RECENT = """
WITH ended AS (
  SELECT extract(epoch FROM attempted_at - scheduled_at)::float8 AS wait_s,
         extract(epoch FROM finalized_at - attempted_at)::float8 AS run_s
  FROM app.job WHERE pool = :pool AND state = 'completed' AND attempted_at IS NOT NULL
    AND finalized_at > clock_timestamp() - make_interval(secs => :window_s)
)
SELECT count(*)::int AS completed,
  (SELECT count(*)::int FROM app.job WHERE pool = :pool AND state = 'discarded'
     AND finalized_at > clock_timestamp() - make_interval(secs => :window_s)) AS discarded,
  percentile_cont(0.5) WITHIN GROUP (ORDER BY wait_s) AS wait_p50_s,
  percentile_cont(0.95) WITHIN GROUP (ORDER BY wait_s) AS wait_p95_s,
  percentile_cont(0.5) WITHIN GROUP (ORDER BY run_s) AS run_p50_s,
  percentile_cont(0.95) WITHIN GROUP (ORDER BY run_s) AS run_p95_s
FROM ended
"""


def measure_recent(session: Session, pool: str, *, window_s: float) -> Recent:
    """What ended in the last seconds."""
    found = session.execute(text(_RECENT), {"pool": pool, "window_s": window_s}).mappings().one()
    return Recent(**found)
