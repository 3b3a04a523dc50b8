"""A lost Redis and a lost Postgres, as the dispatcher notices and outlasts them."""

from __future__ import annotations

import socket

import pytest
import redis

from core.clock import monotonic_s
from core.errors import UnavailableError
from gateways.job_queue import RedisJobQueue, connect_dispatcher
from services.dispatch import ROAD_LOOK_S, STALE_S, YOUNG_S, Rounds, run_tick
from services.submit import submit_job
from tests.support.jobs import (
    claim,
    lose_process,
    make_listing,
    make_order,
    make_worker,
    query,
    wait_for_old_postgres,
)
from tests.support.servers import flush_redis

pytestmark = pytest.mark.servers

SENT = "SELECT dispatch_no FROM app.job WHERE dispatched_at IS NOT NULL ORDER BY id"


@pytest.fixture
def rounds():
    """Of a process that has dispatched for a while."""
    return Rounds(rescue_from_s=0.0)


def submit(deps, seller, count: int) -> None:
    for number in range(count):
        submit_job(deps, seller.id, make_order(make_listing(f"SKU-{number}")))


def test_an_emptied_redis_is_noticed_at_once_and_everything_is_sent_again(
    deps, seller, redis_url, rounds
):
    make_worker(deps)
    run_tick(deps, rounds)
    submit(deps, seller, 6)
    run_tick(deps, rounds)
    assert query(deps, SENT) == [(1,)] * 6
    flush_redis(redis_url)
    rounds.looked_s -= ROAD_LOOK_S
    rounds.aged_s = monotonic_s()
    assert run_tick(deps, rounds) == 6
    assert query(deps, SENT) == [(2,)] * 6


def test_a_name_that_stays_sends_nothing_again(deps, seller, rounds):
    make_worker(deps)
    submit(deps, seller, 4)
    for _ in range(3):
        rounds.looked_s = -1e9
        run_tick(deps, rounds)
    assert query(deps, SENT) == [(1,)] * 4


def test_all_processes_see_one_name(redis_url):
    with redis.Redis.from_url(redis_url) as client:
        roads = [RedisJobQueue(client, pool="default") for _ in range(3)]
        assert len({road.read_epoch() for road in roads}) == 1
        assert roads[0].read_epoch() != RedisJobQueue(client, pool="run-1").read_epoch()


def test_a_full_redis_still_says_its_name(redis_url):
    with redis.Redis.from_url(redis_url) as client:
        road = RedisJobQueue(client, pool="default")
        name = road.read_epoch()
        client.config_set("maxmemory", 1)
        try:
            assert road.read_epoch() == name
        finally:
            client.config_set("maxmemory", 0)


def test_a_silent_redis_holds_no_tick_up_for_long():
    """Connections are accepted, and never answered."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        client = connect_dispatcher(url)
        client.connection_pool.connection_kwargs["socket_timeout"] = 0.2
        started_s = monotonic_s()
        with pytest.raises(UnavailableError):
            RedisJobQueue(client, pool="default").read_epoch()
        assert monotonic_s() - started_s < 2


def test_who_has_just_come_rescues_nobody_until_the_others_could_beat(deps, seller):
    """The others may not have been able to beat: the database may have been away for them too."""
    wait_for_old_postgres(deps)
    submit(deps, seller, 1)
    [(job_id,)] = query(deps, "SELECT id FROM app.job")
    dead = make_worker(deps)
    claim(dead, job_id)
    lose_process(dead)
    young = Rounds()
    assert 0 < young.rescue_from_s - monotonic_s() <= YOUNG_S
    run_tick(deps, young)
    assert query(deps, "SELECT state FROM app.job") == [("running",)]
    young.rescue_from_s = monotonic_s()
    run_tick(deps, young)
    assert query(deps, "SELECT state, crash_count FROM app.job") == [("available", 1)]


def test_after_an_outage_the_others_get_a_lease_to_beat_again(rounds):
    rounds.note_outage()
    assert rounds.rescue_from_s - monotonic_s() > STALE_S - 1
    assert rounds.rescue_from_s - monotonic_s() <= STALE_S


def test_the_rescued_go_before_what_came_later(deps, seller, rounds):
    wait_for_old_postgres(deps)
    submit(deps, seller, 12)
    first = query(deps, "SELECT id FROM app.job ORDER BY scheduled_at, id")[0][0]
    dead = make_worker(deps)
    claim(dead, first)
    lose_process(dead)
    make_worker(deps, threads=1)
    run_tick(deps, rounds)
    sent = "SELECT dispatched_at IS NOT NULL FROM app.job WHERE id = :id"
    assert query(deps, sent, id=first) == [(True,)]
