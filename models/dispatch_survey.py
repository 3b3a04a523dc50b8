"""What the dispatcher asks first at each tick, in one statement: often nothing more is needed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import text

from domain.job import MAX_CRASHES, Lane
from models.dispatch import FIRST_OF_ALL, UNSENT
from models.job import LOST
from models.session import Moves


@dataclass(frozen=True, slots=True)
class LaneLoad:
    """What a lane has under way: sent lately and not started, running, and threads that serve.

    ``waits`` says whether any job waits unsent, due or not.
    """

    sent: int
    running: int
    threads: int
    sent_tokens: int = 0
    waits: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """The load of every lane, and whether there is something of the rarer kind to do."""

    lanes: Mapping[Lane, LaneLoad]
    has_lost: bool
    has_batches: bool
    has_suspects: bool


def make_survey(moves: Moves, pool: str, *, fresh_s: float, stale_s: float) -> Survey:
    """See everything at once, from Postgres alone: Redis counts lost messages as well.

    A job counts as sent for ``fresh_s``, a process as living for ``stale_s`` after its beat.
    """
    keys = {
        "pool": pool,
        "fresh_s": fresh_s,
        "stale_s": stale_s,
        "suspect": MAX_CRASHES,
        "lanes": [lane.value for lane in Lane],
    }
    rows = moves.execute(_SURVEY, keys).fetchall()
    lanes = {Lane(row[0]): LaneLoad(*row[1:6]) for row in rows}
    has_lost, has_batches, has_suspects = rows[0][6:]
    return Survey(
        lanes=lanes, has_lost=has_lost, has_batches=has_batches, has_suspects=has_suspects
    )


# Each question is written so that one way to answer it remains, whatever the statistics say, and
# they know nothing after a large import: the first row in an index's order is one look into that
# index, and a time that is the same for the whole statement can be looked up in one. Otherwise
# (``clock_timestamp()``) counting what was sent read the whole backlog: 36 ms with 100,000 jobs.
_SURVEY = text(f"""
WITH under_way AS (
  SELECT lane, est_tokens, false AS runs FROM app.job
  WHERE pool = :pool AND state IN ('available', 'retryable') AND dispatched_at IS NOT NULL
    AND dispatched_at > statement_timestamp() - make_interval(secs => :fresh_s)
  UNION ALL
  SELECT lane, est_tokens, true FROM app.job WHERE pool = :pool AND state = 'running'
), load AS (
  SELECT lane, count(*) FILTER (WHERE NOT runs) AS sent, count(*) FILTER (WHERE runs) AS running,
         coalesce(sum(est_tokens) FILTER (WHERE NOT runs), 0)::bigint AS tokens
  FROM under_way GROUP BY lane
), served AS (
  SELECT queue, sum(threads)::int AS threads
  FROM app.worker_process, unnest(string_to_array(queues, ' ')) AS queue
  WHERE pool = :pool AND draining_at IS NULL
    AND beat_at > clock_timestamp() - make_interval(secs => :stale_s) GROUP BY queue
), duties AS MATERIALIZED (
  SELECT
    (SELECT true FROM app.job j LEFT JOIN app.worker_process p ON p.id = j.lease_owner
     WHERE {LOST} ORDER BY j.lease_owner LIMIT 1) IS NOT NULL AS lost,
    (SELECT true FROM app.batch b WHERE b.completed_at IS NULL
     AND CASE
       WHEN b.halted_at IS NOT NULL AND (SELECT true FROM app.job j WHERE j.batch_id = b.id
         AND j.state IN ('available', 'retryable') AND j.pool = :pool
         ORDER BY j.state LIMIT 1) THEN true
       WHEN b.total > 0 THEN (SELECT true FROM app.job j WHERE j.batch_id = b.id
         AND j.state IN ('available', 'running', 'retryable') ORDER BY j.state LIMIT 1) IS NULL
       ELSE false END LIMIT 1) IS NOT NULL AS batches,
    (SELECT true FROM app.job j WHERE j.pool = :pool AND j.crash_count >= :suspect
     AND j.state IN ('available', 'retryable') AND j.dispatched_at IS NULL
     ORDER BY j.scheduled_at LIMIT 1) IS NOT NULL AS suspects
)
SELECT n.lane, coalesce(sent, 0), coalesce(running, 0), coalesce(threads, 0), coalesce(tokens, 0),
  (SELECT true FROM app.job j WHERE {UNSENT.replace(":lane", "n.lane")} {FIRST_OF_ALL}) IS NOT NULL,
  duties.lost, duties.batches, duties.suspects
FROM unnest(CAST(:lanes AS text[])) AS n(lane)
LEFT JOIN load ON load.lane = n.lane LEFT JOIN served ON served.queue = n.lane CROSS JOIN duties
""")
