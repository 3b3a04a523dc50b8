"""What the scaler tells the operator: lanes that nobody serves, dead letters that pile up."""

from __future__ import annotations

import pytest

from services.alarms import list_events
from services.scale_alarms import DEAD_MANY, tell_replicas, watch_queue
from services.submit import submit_job
from tests.support.jobs import execute, make_listing, make_order, make_worker

pytestmark = pytest.mark.servers


def told(deps) -> list[tuple[str, str]]:
    return sorted((one["kind"], one["key"]) for one in list_events(deps))


def submit(deps, seller, count: int) -> None:
    for n in range(count):
        submit_job(deps, seller.id, make_order(make_listing(f"SKU-{n}")))


def wait_long(deps) -> None:
    execute(deps, "UPDATE app.job SET scheduled_at = scheduled_at - interval '10 minutes'")


def test_a_lane_that_nobody_serves_is_told_once_and_only_after_a_while(deps, seller):
    submit(deps, seller, 2)
    watch_queue(deps)
    assert told(deps) == [], "a worker may be starting"
    wait_long(deps)
    watch_queue(deps)
    watch_queue(deps)
    assert told(deps) == [("no_workers", "interactive")]
    [event] = list_events(deps)
    assert "2 jobs wait" in event["message"]
    assert event["repeats"] == 1


def test_a_lane_that_is_served_is_none(deps, seller):
    submit(deps, seller, 2)
    wait_long(deps)
    make_worker(deps)
    watch_queue(deps)
    assert told(deps) == []


def test_dead_letters_are_told_when_many_of_one_reason_came_lately(deps, seller):
    make_worker(deps)
    submit(deps, seller, DEAD_MANY)
    dead = (
        "UPDATE app.job SET state = 'discarded', error_code = 'llm_refused',"
        " finalized_at = clock_timestamp() - :ago * interval '1 second'"
    )
    execute(deps, dead, ago=7200)
    watch_queue(deps)
    assert told(deps) == []
    execute(deps, dead, ago=60)
    one = "UPDATE app.job SET error_code = 'x' WHERE id = (SELECT id FROM app.job LIMIT 1)"
    execute(deps, one)
    watch_queue(deps)
    assert told(deps) == [], "nine of one reason, one of another"
    execute(deps, dead, ago=60)
    watch_queue(deps)
    assert told(deps) == [("dead_letters", "llm_refused")]


def test_replicas_that_do_not_come_are_told(deps):
    tell_replicas(deps, "railway:svc", "3 were asked for, 3 are set, 1 run: given up")
    assert told(deps) == [("replicas", "railway:svc")]
