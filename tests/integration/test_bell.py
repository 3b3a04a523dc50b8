"""The doorbell on a real Valkey: it wakes, it passes on, and where it may not ring we poll."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import redis

from core.clock import wait_until
from core.ids import new_id
from domain.job import Lane
from domain.ports import Dispatch
from gateways.bell import KEPT_RINGS, BellBroker, Bells
from gateways.job_queue import RedisJobQueue, build_broker, connect_worker, get_namespace

pytestmark = pytest.mark.servers

NAMESPACE = get_namespace("default")
LONG_S = 60.0
"""Longer than any test: who is woken, was woken by a ring."""


@pytest.fixture
def client(redis_url):
    with connect_worker(redis_url) as made:
        yield made


@pytest.fixture
def queue(client, redis_url):
    with redis.Redis.from_url(redis_url) as patient:
        yield RedisJobQueue(client, pool="default", bells=build_bells(patient))


def build_bells(client: redis.Redis) -> Bells:
    return Bells(client, namespace=NAMESPACE, wait_s=LONG_S)


def build_consumer(client, *, bells: Bells | None, prefetch: int = 4):
    broker = BellBroker(client=client, bells=bells, namespace=NAMESPACE, middleware=[])
    broker.declare_queue("bulk")
    return broker.consume("bulk", prefetch, 1000)


def make_dispatch() -> Dispatch:
    return Dispatch(new_id(), 1, Lane.BULK)


def get_next(consumer):
    """The next message, through as many waits as it takes."""
    return next(message for message in iter(lambda: next(consumer), 0) if message is not None)


def wait_blocked(client: redis.Redis, count: int = 1) -> None:
    """Until so many connections wait at a bell."""
    assert wait_until(lambda: client.info("clients")["blocked_clients"] >= count, timeout_s=10)


def test_a_message_wakes_who_waits(client, queue, redis_url):
    with redis.Redis.from_url(redis_url) as waiting, ThreadPoolExecutor(1) as threads:
        consumer = build_consumer(client, bells=build_bells(waiting))
        got = threads.submit(get_next, consumer)
        wait_blocked(client)
        sent = make_dispatch()
        queue.push([sent])
        assert got.result(timeout=10).message_id == f"{sent.job_id}.1"


def test_a_message_sent_while_nobody_waited_is_found_without_waiting(client, queue):
    queue.push([make_dispatch()])
    assert next(build_consumer(client, bells=build_bells(client))) is not None


def test_the_dispatcher_has_a_bell_of_its_own(client, queue):
    with ThreadPoolExecutor(1) as threads:
        woken = threads.submit(queue.wait_for_wake)
        wait_blocked(client)
        queue.push([make_dispatch()])
        assert not woken.done()
        queue.wake_dispatcher()
        assert woken.result(timeout=10)


def test_a_batch_rings_once_a_lane_and_unheard_rings_do_not_pile_up(client, queue):
    queue.push([make_dispatch() for _ in range(100)])
    assert client.llen(f"{NAMESPACE}:bell:bulk") == 1
    for _ in range(3 * KEPT_RINGS):
        queue.push([make_dispatch()])
    assert client.llen(f"{NAMESPACE}:bell:bulk") == KEPT_RINGS
    assert 0 < client.ttl(f"{NAMESPACE}:bell:bulk") <= 60


def test_who_takes_all_it_can_hold_wakes_another(client, queue, redis_url):
    with redis.Redis.from_url(redis_url) as waiting, ThreadPoolExecutor(1) as threads:
        other = build_consumer(client, bells=build_bells(waiting), prefetch=1)
        got = threads.submit(get_next, other)
        wait_blocked(client)
        queue.push([make_dispatch(), make_dispatch(), make_dispatch()])
        got.result(timeout=10)
        third = threads.submit(get_next, build_consumer(client, bells=build_bells(waiting)))
        assert third.result(timeout=10) is not None
    assert client.llen(f"{NAMESPACE}:bulk") == 0


def test_a_full_consumer_goes_on_when_one_message_is_done(client, queue):
    consumer = build_consumer(client, bells=build_bells(client), prefetch=1)
    queue.push([make_dispatch(), make_dispatch()])
    first = get_next(consumer)
    with ThreadPoolExecutor(1) as threads:
        second = threads.submit(get_next, consumer)
        consumer.ack(first)
        assert second.result(timeout=10).message_id != first.message_id


def test_messages_given_back_ring(client, queue):
    consumer = build_consumer(client, bells=build_bells(client))
    queue.push([make_dispatch()])
    message = get_next(consumer)
    client.delete(f"{NAMESPACE}:bell:bulk")
    consumer.requeue([message])
    assert client.llen(f"{NAMESPACE}:bell:bulk") == 1


@pytest.fixture
def refused(client, redis_url):
    """A connection of an account that may not block."""
    client.execute_command("ACL", "SETUSER", "poller", "on", "nopass", "~*", "+@all", "-blpop")
    with redis.Redis.from_url(redis_url) as made:
        made.execute_command("AUTH", "poller", "any")
        arguments = dict(made.connection_pool.connection_kwargs)
        arguments |= {"username": "poller", "password": "any"}
    with redis.Redis(
        connection_pool=redis.ConnectionPool(
            connection_class=made.connection_pool.connection_class, **arguments
        )
    ) as poller:
        yield poller
    client.execute_command("ACL", "DELUSER", "poller")


def test_where_waiting_is_refused_the_bell_polls(client, queue, refused):
    check_polling(client, queue, bells=build_bells(refused))


def test_without_a_bell_the_consumer_polls(client, queue):
    check_polling(client, queue, bells=None)


def check_polling(client, queue, *, bells: Bells | None) -> None:
    """It gives None after a short pause, and finds what was sent meanwhile."""
    consumer = build_consumer(client, bells=bells)
    looks: list[object] = [next(consumer), next(consumer)]
    assert looks == [None, None]
    queue.push([make_dispatch()])
    client.delete(f"{NAMESPACE}:bell:bulk")
    assert get_next(consumer) is not None


def test_a_bell_whose_server_is_gone_is_a_short_pause():
    bells = Bells(redis.Redis(port=1), namespace=NAMESPACE, wait_s=LONG_S)
    assert bells.wait("bulk") is False
    bells.ring("bulk")


@pytest.mark.parametrize("doorbell", [True, False])
def test_the_setting_decides(redis_url, doorbell):
    broker = build_broker(redis_url, pool="default", middleware=[], doorbell=doorbell)
    assert (broker.bells is not None) is doorbell
