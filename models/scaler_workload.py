"""What the scaled workers have to do, measured in Postgres: Redis lists are short, and lie."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import RowMapping, text
from sqlalchemy.orm import Session

from domain.scaling.values import Workload

RECENT_S: Final = 300.0
SAMPLE: Final = 500
_ARRIVAL_MINUTES: Final = 10
_NEWEST_CALLS: Final = 20_000
"""The ledger has no index by time; the calls of a minute are among so many newest rows."""


def measure_workload(
    session: Session,
    *,
    pool: str,
    lanes: Sequence[str],
    urgent: Sequence[str],
    ahead_s: float,
    day: DayLimits,
) -> Workload:
    """Backlog, arrivals and speed of these lanes; jobs count as waiting ``ahead_s`` before due."""
    names = {"pool": pool, "lanes": list(lanes), "urgent": list(urgent)}
    recent = {"recent_s": RECENT_S, "sample": SAMPLE}
    waiting = _measure(session, _WAITING, {**names, "ahead_s": ahead_s})
    arrivals = _measure(session, _ARRIVALS, names)
    speed = _measure(session, _SPEED, {**names, **recent})
    calls = _measure(session, _CALLS, {"newest": _NEWEST_CALLS})
    by_minute: dict[str, Any] = arrivals["bulk_by_minute"] or {}
    return Workload(
        **waiting,
        urgent_per_s=max(arrivals["last_30"] / 30, arrivals["last_90"] / 90),
        bulk_per_s=_find_median([int(n) for n in by_minute.values()]) / 60,
        **speed,
        **calls,
        **day.find_left(session),
    )


def _measure(session: Session, query: str, values: Mapping[str, Any]) -> RowMapping:
    return session.execute(text(query), values).mappings().one()


def _find_median(counts: list[int]) -> float:
    """Of the ten minutes, those without any arrival included."""
    ordered = sorted([*counts, *[0] * (_ARRIVAL_MINUTES - len(counts))])
    middle = len(ordered) // 2
    return (ordered[middle - 1] + ordered[middle]) / 2


@dataclass(frozen=True, slots=True, kw_only=True)
class DayLimits:
    """What the provider allows in 24 hours; None where it names no limit."""

    requests: int | None = None
    tokens: int | None = None

    def find_left(self, session: Session) -> Mapping[str, Any]:
        """What the last 24 hours have left of it, as the ledger says; asked only where limited."""
        if self.requests is None and self.tokens is None:
            return {}
        used = _measure(session, _DAY, {})
        return {
            "requests_left": None if self.requests is None else self.requests - used["requests"],
            "tokens_left": None if self.tokens is None else self.tokens - used["tokens"],
        }


def count_serving(session: Session, *, pool: str, lanes: Sequence[str], stale_s: float) -> int:
    """Worker processes that live, serve any of these lanes and do not drain."""
    found = session.execute(
        text(
            "SELECT count(*) FROM app.worker_process WHERE pool = :pool AND draining_at IS NULL"
            " AND beat_at > clock_timestamp() - make_interval(secs => :stale_s)"
            " AND string_to_array(queues, ' ') && CAST(:lanes AS text[])"
        ),
        {"pool": pool, "lanes": list(lanes), "stale_s": stale_s},
    )
    return int(found.scalar_one())


def count_fresh_dead(session: Session, *, pool: str, window_s: float) -> dict[str, int]:
    """Dead letters of the last seconds by reason, "" where none was kept."""
    found = session.execute(
        text(
            "SELECT coalesce(error_code, ''), count(*)::int FROM app.job WHERE pool = :pool"
            " AND state = 'discarded'"
            " AND finalized_at > clock_timestamp() - make_interval(secs => :window_s) GROUP BY 1"
        ),
        {"pool": pool, "window_s": window_s},
    )
    return {row[0]: row[1] for row in found}


_URGENT = "lane = ANY(CAST(:urgent AS text[]))"
_SCALED = "pool = :pool AND lane = ANY(CAST(:lanes AS text[]))"
_WAITS = "state IN ('available', 'retryable')"
_AGE = "coalesce(max(extract(epoch FROM clock_timestamp() - scheduled_at)) FILTER"

# Paused sellers' jobs and those of halted batches wait for people, not for workers.
_WAITING = f"""
SELECT
  (count(*) FILTER (WHERE {_WAITS} AND {_URGENT}))::int AS urgent_waiting,
  (count(*) FILTER (WHERE {_WAITS} AND NOT {_URGENT}))::int AS bulk_waiting,
  greatest(0, {_AGE} (WHERE {_WAITS} AND {_URGENT}), 0))::float8 AS urgent_oldest_s,
  greatest(0, {_AGE} (WHERE {_WAITS} AND NOT {_URGENT}), 0))::float8 AS bulk_oldest_s,
  (count(*) FILTER (WHERE state = 'running'))::int AS running,
  current_setting('max_connections')::int AS connections_max
FROM app.job j
WHERE {_SCALED} AND (state = 'running' OR ({_WAITS}
  AND scheduled_at <= clock_timestamp() + make_interval(secs => :ahead_s)
  AND cancel_requested_at IS NULL
  AND NOT EXISTS (SELECT FROM app.seller s WHERE s.id = j.seller_id AND s.paused_at IS NOT NULL)
  AND NOT EXISTS (SELECT FROM app.batch b WHERE b.seller_id = j.seller_id AND b.id = j.batch_id
    AND b.halted_at IS NOT NULL)))
"""

# Ids are UUIDv7: the primary key finds what was made lately. Listings that needed nothing are
# recorded as done without ever having waited; those of the batch lane come back when it is time.
_ARRIVALS = f"""
WITH made AS (
  SELECT lane, extract(epoch FROM clock_timestamp() - created_at) AS age_s FROM app.job
  WHERE id >= CAST(lpad(to_hex((extract(epoch FROM clock_timestamp()) * 1000)::bigint
      - {_ARRIVAL_MINUTES * 60_000}), 12, '0') || repeat('0', 20) AS uuid)
    AND {_SCALED} AND NOT (state = 'completed' AND attempted_at IS NULL)
    AND NOT (state = 'available' AND coalesce(waits_for, '') IN ('batch', 'answer'))
)
SELECT
  count(*) FILTER (WHERE {_URGENT} AND age_s <= 30) AS last_30,
  count(*) FILTER (WHERE {_URGENT} AND age_s <= 90) AS last_90,
  (SELECT jsonb_object_agg(minute, n) FROM (
    SELECT floor(age_s / 60)::int AS minute, count(*) AS n FROM made
    WHERE NOT {_URGENT} AND age_s >= 0 AND age_s < {_ARRIVAL_MINUTES * 60} GROUP BY 1) m
  ) AS bulk_by_minute
FROM made
"""

# Calls in files are off the limits and made by nobody here.
_ON_THE_LIMITS = "tier <> 'batch'"

# What a job waits for the provider's budget before its first call is no work: counted as such, a
# budget that binds would ask for more replicas, which could only wait too.
_SPEED = f"""
WITH sample AS (
  SELECT id, extract(epoch FROM finalized_at - coalesce((SELECT min(c.sent_at)
      FROM app.llm_call c WHERE c.job_id = job.id AND c.sent_at >= attempted_at), attempted_at)
    ) AS held_s FROM app.job
  WHERE state = 'completed' AND attempted_at IS NOT NULL
    AND finalized_at > clock_timestamp() - make_interval(secs => :recent_s) AND {_SCALED}
  ORDER BY finalized_at DESC LIMIT :sample
)
SELECT
  (SELECT avg(held_s)::float8 FROM sample) AS service_s,
  (SELECT count(c.id)::float8 / nullif(count(DISTINCT s.id), 0) FROM sample s
    LEFT JOIN app.llm_call c ON c.job_id = s.id AND c.state IN ('answered', 'failed')
      AND c.{_ON_THE_LIMITS}
  ) AS calls_per_job,
  (SELECT avg(c.prompt_tokens + c.completion_tokens)::float8 FROM sample s
    JOIN app.llm_call c ON c.job_id = s.id AND c.state = 'answered' AND c.{_ON_THE_LIMITS}
  ) AS tokens_per_call
"""

_CALLS = f"""
SELECT
  (count(*) FILTER (WHERE state = 'answered'))::int AS calls_answered,
  (count(*) FILTER (WHERE state = 'failed'))::int AS calls_failed
FROM app.llm_call
WHERE id > coalesce((SELECT max(id) FROM app.llm_call), 0) - :newest
  AND finished_at > clock_timestamp() - interval '60 seconds' AND {_ON_THE_LIMITS}
"""

# Everything that may have been counted by the provider: what failed there cost a request.
_DAY = f"""
SELECT count(*)::int AS requests,
  coalesce(sum(prompt_tokens + completion_tokens), 0)::bigint AS tokens
FROM app.llm_call
WHERE planned_at > clock_timestamp() - interval '24 hours'
  AND state IN ('answered', 'failed', 'unknown') AND {_ON_THE_LIMITS}
"""
