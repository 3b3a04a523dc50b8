"""The state of the queue in figures, from Postgres alone; nothing here changes a row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class LaneCounts:
    """Unfinished jobs of one lane; every job is in exactly one of the first five counts.

    ``due`` may be claimed now (``sent`` of them have a message), ``scheduled`` and ``retrying``
    only later (``in_batch`` of them wait for cheaper answers), ``held`` not before a seller or an
    import goes on, ``running`` is in a worker's hands: of a process that is gone for ``orphaned``
    of them. ``due_tokens`` is the estimate for the due ones, ``oldest_s`` the longest that one of
    them has been due.
    """

    due: int = 0
    scheduled: int = 0
    retrying: int = 0
    held: int = 0
    running: int = 0
    sent: int = 0
    orphaned: int = 0
    in_batch: int = 0
    suspect: int = 0
    due_tokens: int = 0
    oldest_s: float = 0.0


_COUNT = """
WITH unfinished AS (
  SELECT j.lane, j.state, j.waits_for, j.est_tokens, j.dispatched_at, j.scheduled_at,
         j.crash_count,
         j.state <> 'running' AS waits,
         j.scheduled_at <= clock_timestamp() AS is_due,
         b.halted_at IS NOT NULL OR s.paused_at IS NOT NULL AS is_held,
         p.beat_at IS NULL OR p.beat_at < clock_timestamp() - make_interval(secs => :stale_s)
           OR j.deadline_at < clock_timestamp() AS is_orphan
  FROM app.job j
  JOIN app.seller s ON s.id = j.seller_id
  LEFT JOIN app.batch b ON b.seller_id = j.seller_id AND b.id = j.batch_id
  LEFT JOIN app.worker_process p ON p.id = j.lease_owner
  WHERE j.pool = :pool AND j.state IN ('available', 'running', 'retryable')
)
SELECT lane,
  count(*) FILTER (WHERE waits AND NOT is_held AND is_due) AS due,
  count(*) FILTER (WHERE state = 'available' AND NOT is_held AND NOT is_due) AS scheduled,
  count(*) FILTER (WHERE state = 'retryable' AND NOT is_held AND NOT is_due) AS retrying,
  count(*) FILTER (WHERE waits AND is_held) AS held,
  count(*) FILTER (WHERE NOT waits) AS running,
  count(*) FILTER (WHERE waits AND dispatched_at IS NOT NULL) AS sent,
  count(*) FILTER (WHERE NOT waits AND is_orphan) AS orphaned,
  count(*) FILTER (WHERE state = 'available' AND waits_for IN ('batch', 'answer')
    AND NOT is_held AND NOT is_due) AS in_batch,
  count(*) FILTER (WHERE crash_count >= :suspect) AS suspect,
  coalesce(sum(est_tokens) FILTER (WHERE waits AND NOT is_held AND is_due), 0)::bigint
    AS due_tokens,
  coalesce(max(extract(epoch FROM clock_timestamp() - scheduled_at))
    FILTER (WHERE waits AND NOT is_held AND is_due), 0)::float8 AS oldest_s
FROM unfinished GROUP BY lane
"""


def count_lanes(
    session: Session, pool: str, *, stale_s: float, suspect: int
) -> dict[str, LaneCounts]:
    """The counts of every lane that has unfinished jobs, whatever its name."""
    keys: dict[str, Any] = {"pool": pool, "stale_s": stale_s, "suspect": suspect}
    found = session.execute(text(_COUNT), keys).mappings()
    return {
        row["lane"]: LaneCounts(**{name: row[name] for name in LaneCounts.__slots__})
        for row in found
    }


def count_processes(session: Session, pool: str, *, stale_s: float) -> tuple[int, int]:
    """(worker processes that beat, those of them that are ending)."""
    found = session.execute(
        text(
            "SELECT count(*) FILTER (WHERE draining_at IS NULL),"
            " count(*) FILTER (WHERE draining_at IS NOT NULL) FROM app.worker_process"
            " WHERE pool = :pool AND queues <> ''"
            " AND beat_at > clock_timestamp() - make_interval(secs => :stale_s)"
        ),
        {"pool": pool, "stale_s": stale_s},
    ).one()
    return int(found[0]), int(found[1])
