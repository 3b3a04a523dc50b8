"""However many jobs there are, finished and waiting, a tick reads only those it is about."""

from __future__ import annotations

import re

import pytest

from domain.job import MAX_CRASHES, Lane
from models import dispatch as statements
from models import dispatch_survey as surveys
from services.dispatch import FRESH_S, STALE_S, Rounds, run_tick
from tests.support.jobs import execute, make_worker, put_into_batch, query

pytestmark = pytest.mark.servers

INSERT = (
    "INSERT INTO app.job (id, seller_id, kind, lane, work_hash, est_tokens, state, finalized_at)"
    " SELECT gen_random_uuid(), :seller, 'optimize', 'bulk', gen_random_uuid()::text, 100, :state,"
    " CASE WHEN :state = 'completed' THEN clock_timestamp() END FROM generate_series(1, :n)"
)
READ = re.compile(r"(?:Seq|Heap|Index|Index Only) Scan .*on job\b.* rows=([\d.]+) loops=(\d+)")
REMOVED = re.compile(r"Rows Removed by (?:Filter|Index Recheck): ([\d.]+)")
ROOM = 8


@pytest.fixture
def crowded(deps, seller):
    """A backlog of one seller behind as many finished jobs, all of one batch; some were sent."""
    execute(deps, INSERT, seller=seller.id, state="completed", n=5000)
    execute(deps, INSERT, seller=seller.id, state="available", n=5000)
    [(job_id,)] = query(deps, "SELECT id FROM app.job LIMIT 1")
    batch_id = put_into_batch(deps, seller, job_id)
    execute(deps, "UPDATE app.job SET batch_id = :batch", batch=batch_id)
    execute(deps, "UPDATE app.batch SET total = 10000")
    make_worker(deps, threads=ROOM)
    run_tick(deps, Rounds())
    return deps


@pytest.mark.parametrize("known", [False, True], ids=["no statistics", "fresh statistics"])
@pytest.mark.parametrize(
    "statement",
    [surveys._SURVEY, statements._LIST_ACTIVE, statements._PICK],
    ids=["survey", "sellers", "pick"],
)
def test_a_tick_reads_a_few_jobs_of_many(crowded, seller, statement, known):
    if known:
        execute(crowded, "ANALYZE app.job")
    lines = query(
        crowded,
        f"EXPLAIN (ANALYZE, TIMING OFF) {statement.text}",
        pool=crowded.pool,
        lane=Lane.BULK.value,
        lanes=[lane.value for lane in Lane],
        suspect=MAX_CRASHES,
        sellers=[seller.id],
        room=ROOM,
        tokens=10**9,
        fresh_s=FRESH_S,
        stale_s=STALE_S,
    )
    plan = "\n".join(line for (line,) in lines)
    read = [float(rows) * int(loops) for rows, loops in READ.findall(plan)]
    assert read, plan
    assert sum(read) + sum(map(float, REMOVED.findall(plan))) < 30 * ROOM, plan
