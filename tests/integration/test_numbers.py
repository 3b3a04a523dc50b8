"""The numbers of the queue against the ways in which queue figures are usually wrong."""

from __future__ import annotations

from dataclasses import replace

import pytest
import redis

from core.errors import UnavailableError
from domain.job import Lane
from gateways.bell import BellBroker
from gateways.job_queue import RedisJobQueue, get_namespace
from services.dispatch import Rounds, run_tick
from services.numbers import read_numbers
from services.process import register_process, start_draining
from services.submit import submit_job
from tests.support.jobs import (
    claim,
    execute,
    lose_process,
    make_listing,
    make_order,
    make_worker,
    put_into_batch,
    query,
)
from tests.support.outage import give_back, take_away
from tests.support.servers import flush_redis

pytestmark = pytest.mark.servers


def submit(deps, seller, count):
    return [
        submit_job(deps, seller.id, make_order(make_listing(f"SKU-{n}"))).job_id
        for n in range(count)
    ]


def interactive(deps):
    return read_numbers(deps).lanes["interactive"]


@pytest.fixture
def consumer(deps, redis_url):
    """A worker's consumer that fetches ahead and does nothing with it."""
    with redis.Redis.from_url(redis_url) as client:
        broker = BellBroker(
            client=client, bells=None, namespace=get_namespace("default"), middleware=[]
        )
        broker.declare_queue("interactive")
        yield broker.consume("interactive", 8, 100)


def test_1_what_workers_hold_does_not_vanish(deps, seller, consumer, redis_url):
    """The list is empty once messages are fetched ahead or run: that is no empty queue."""
    jobs = submit(deps, seller, 3)
    assert next(consumer) is not None
    with redis.Redis.from_url(redis_url) as client:
        assert client.llen(f"{get_namespace('default')}:interactive") == 0
    claim(make_worker(deps), jobs[0])
    numbers = read_numbers(deps)
    assert (numbers.depth, numbers.in_flight) == (2, 1)
    assert numbers.messages is not None
    assert {lane: n for lane, n in numbers.messages.items() if n} == {"interactive": 3}


def test_2_a_storm_of_retries_is_not_an_empty_queue(deps, seller):
    submit(deps, seller, 3)
    later = "UPDATE app.job SET scheduled_at = clock_timestamp() + interval '1 hour'"
    execute(deps, f"{later}, state = 'retryable'")
    assert (interactive(deps).retrying, interactive(deps).due) == (3, 0)
    execute(deps, f"{later}, state = 'available'")
    assert (interactive(deps).scheduled, interactive(deps).due) == (3, 0)


def test_3_dead_letters_are_counted_by_reason(deps, seller):
    submit(deps, seller, 3)
    execute(deps, "UPDATE app.job SET state = 'discarded', error_code = 'worker_lost'")
    numbers = read_numbers(deps)
    assert (numbers.dead, numbers.depth) == ({"worker_lost": 3}, 0)


def test_4_jobs_of_a_killed_process_are_in_flight_and_orphaned(deps, seller):
    [job_id] = submit(deps, seller, 1)
    worker = make_worker(deps)
    claim(worker, job_id)
    assert interactive(deps).orphaned == 0
    lose_process(worker)
    assert (interactive(deps).running, interactive(deps).orphaned) == (1, 1)
    assert read_numbers(deps).workers == 0
    execute(deps, "DELETE FROM app.worker_process")
    assert interactive(deps).orphaned == 1


def test_5_sent_but_neither_running_nor_on_the_road_is_stranded(deps, seller, redis_url):
    submit(deps, seller, 2)
    execute(deps, "UPDATE app.job SET dispatched_at = dispatched_at - interval '30 s'")
    assert read_numbers(deps).stranded == 0, "its message is there"
    flush_redis(redis_url)
    assert read_numbers(deps).stranded == 2
    claim(make_worker(deps), query(deps, "SELECT id FROM app.job LIMIT 1")[0][0])
    assert read_numbers(deps).stranded == 1


def test_6_every_lane_is_there_and_one_we_do_not_know_is_not_dropped(deps, seller):
    assert set(read_numbers(deps).lanes) == {lane.value for lane in Lane}
    submit(deps, seller, 1)
    execute(deps, "UPDATE app.job SET lane = 'mistyped'")
    numbers = read_numbers(deps)
    assert (numbers.lanes["mistyped"].due, numbers.depth) == (1, 1)


def test_7_an_emptied_redis_changes_no_figure_of_work(deps, seller, redis_url):
    submit(deps, seller, 3)
    flush_redis(redis_url)
    assert read_numbers(deps).depth == 3


def test_8_what_does_not_answer_is_unknown_and_not_0(deps, seller, servers):
    submit(deps, seller, 2)
    execute(deps, "UPDATE app.job SET dispatched_at = dispatched_at - interval '30 s'")
    away = replace(deps, queue=RedisJobQueue(redis.Redis(port=1), pool=deps.pool))
    numbers = read_numbers(away)
    assert (numbers.depth, numbers.messages, numbers.stranded) == (2, None, None)
    take_away(servers, deps)
    try:
        with pytest.raises(UnavailableError):
            read_numbers(deps)
    finally:
        give_back(servers, deps)


def test_9_a_message_sent_twice_is_one_job(deps, seller):
    submit(deps, seller, 1)
    execute(deps, "UPDATE app.job SET dispatched_at = NULL")
    run_tick(deps, Rounds())
    numbers = read_numbers(deps)
    assert numbers.messages is not None
    assert (numbers.messages["interactive"], numbers.depth) == (2, 1)


def test_10_a_job_between_sending_and_claim_is_still_due(deps, seller, consumer):
    submit(deps, seller, 1)
    assert next(consumer) is not None
    assert (interactive(deps).due, interactive(deps).sent) == (1, 1)


def test_11_the_work_is_told_beside_the_count(deps, seller):
    submit(deps, seller, 2)
    execute(deps, "UPDATE app.job SET est_tokens = 700")
    assert interactive(deps).due_tokens == 1400


def test_the_oldest_age_is_of_what_could_run(deps, seller):
    first, second = submit(deps, seller, 2)
    execute(
        deps,
        "UPDATE app.job SET scheduled_at = clock_timestamp() - interval '90 s' WHERE id = :id",
        id=first,
    )
    assert 90 <= read_numbers(deps).oldest_s < 100
    claim(make_worker(deps), first)
    assert read_numbers(deps).oldest_s < 60
    claim(make_worker(deps), second)
    assert read_numbers(deps).oldest_s == 0


def test_what_is_held_is_not_due(deps, seller):
    job_id, _ = submit(deps, seller, 2)
    put_into_batch(deps, seller, job_id)
    execute(deps, "UPDATE app.batch SET halted_at = clock_timestamp()")
    assert (interactive(deps).due, interactive(deps).held) == (1, 1)
    execute(deps, "UPDATE app.seller SET paused_at = clock_timestamp()")
    assert (interactive(deps).due, interactive(deps).held) == (0, 2)


def test_workers_are_those_that_beat(deps):
    worker = make_worker(deps)
    assert read_numbers(deps).workers == 1
    register_process(deps, make_listing_id(deps), queues=[], threads=1)
    assert read_numbers(deps).workers == 1, "the process of one lone job serves nobody"
    start_draining(deps, worker.process_id)
    numbers = read_numbers(deps)
    assert (numbers.workers, numbers.workers_draining, numbers.threads) == (0, 1, {})


def make_listing_id(deps):
    [(made,)] = query(deps, "SELECT gen_random_uuid()")
    return made


def test_the_numbers_are_one_plain_object(deps, seller):
    submit(deps, seller, 1)
    shown = read_numbers(deps).to_json()
    assert (shown["depth"], shown["in_flight"], shown["workers"]) == (1, 0, 0)
    assert shown["lanes"]["interactive"]["due"] == 1
