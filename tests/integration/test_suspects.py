"""The dispatcher sends jobs under suspicion one at a time, marked as such."""

from __future__ import annotations

import json

import pytest
import redis

from gateways.job_queue import get_namespace
from models import dispatch as statements
from services.dispatch import Rounds, run_tick
from services.submit import submit_job
from tests.support.jobs import claim, execute, make_listing, make_order, make_worker, query

pytestmark = pytest.mark.servers


@pytest.fixture
def suspects(deps, seller):
    """Three due jobs that were in two crashes, and one that was in one."""
    jobs = [
        submit_job(deps, seller.id, make_order(make_listing(f"SKU-{n}"))).job_id for n in range(4)
    ]
    execute(deps, "UPDATE app.job SET dispatched_at = NULL, crash_count = 2")
    execute(deps, "UPDATE app.job SET crash_count = 1 WHERE id = :id", id=jobs[3])
    return jobs[:3]


def pick(deps):
    with deps.database.transaction(system="test") as session:
        return statements.pick_suspect(session, pool=deps.pool)


def test_one_at_a_time_while_it_is_sent_or_runs(deps, suspects):
    [first] = pick(deps)
    assert first.alone
    assert pick(deps) == []
    worker = make_worker(deps)
    claim(worker, first.job_id)
    assert pick(deps) == []
    execute(deps, "UPDATE app.job SET state = 'completed' WHERE id = :id", id=first.job_id)
    [second] = pick(deps)
    assert second.job_id in set(suspects) - {first.job_id}


def test_one_that_nobody_serves_holds_up_no_other(deps, suspects):
    [first] = pick(deps)
    execute(deps, "UPDATE app.job SET dispatched_at = NULL")
    [second] = pick(deps)
    assert second.job_id != first.job_id


def test_the_fair_pick_leaves_them_out_and_their_message_says_alone(deps, suspects, redis_url):
    with redis.Redis.from_url(redis_url) as client:
        client.flushdb()
        run_tick(deps, Rounds())
        bodies = client.hgetall(f"{get_namespace('default')}:interactive.msgs").values()
    messages = [json.loads(body) for body in bodies]
    alone = [one["args"] for one in messages if one["kwargs"] == {"alone": True}]
    others = [one["args"] for one in messages if not one["kwargs"]]
    assert len(alone) == len(others) == 1
    assert alone[0][0] in map(str, suspects)


def test_a_paused_seller_s_suspects_wait(deps, suspects):
    execute(deps, "UPDATE app.seller SET paused_at = clock_timestamp()")
    assert pick(deps) == []
    assert query(deps, "SELECT count(dispatched_at) FROM app.job") == [(0,)]
