"""The parts of Dramatiq that are not public and that we stand on are as we know them.

When an upgrade breaks one of these, read gateways/bell.py, workers/middleware.py and
gateways/job_queue.py again before changing the lock.
"""

from __future__ import annotations

import inspect
from importlib.metadata import version

import dramatiq
import redis
from dramatiq.broker import Consumer
from dramatiq.brokers import redis as broker_module
from dramatiq.brokers.redis import RedisBroker, _RedisConsumer
from dramatiq.common import compute_backoff
from dramatiq.worker import Worker

from gateways.bell import BellBroker, BellConsumer
from tests.house.repo import read


class Script:
    """What ``register_script`` gives, answering from a list."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, object]] = []
        self.answers: list[list[bytes]] = []

    def __call__(self, *, args: list[object], keys: list[str]) -> object:
        assert keys == ["dramatiq"]
        self.asked.append((str(args[0]), args[2]))
        return self.answers.pop(0) if self.answers else []


def build_broker() -> tuple[RedisBroker, Script]:
    """A stock broker whose server is a list of answers."""
    broker = RedisBroker(client=redis.Redis(port=1), middleware=[])
    script = Script()
    broker.scripts["dispatch"] = script
    broker.scripts["maxstack"] = lambda: 8000  # as Redis is built
    return broker, script


def encode(message_id: str) -> bytes:
    message: dramatiq.Message[None] = dramatiq.Message(
        queue_name="bulk",
        actor_name="run_job",
        args=(),
        kwargs={},
        options={"redis_message_id": message_id},
        message_id=message_id,
    )
    return bytes(message.encode())


def test_the_version_is_pinned():
    assert f"dramatiq=={version('dramatiq')}" in read("requirements/runtime.txt").replace(" \\", "")
    assert version("dramatiq") == "2.2.1"


def test_the_broker_makes_its_consumers_from_this_property():
    assert isinstance(inspect.getattr_static(RedisBroker, "consumer_class"), property)
    assert list(inspect.signature(RedisBroker.consume).parameters) == [
        *("self", "queue_name", "prefetch", "timeout")
    ]
    assert isinstance(inspect.getattr_static(BellBroker, "consumer_class"), property)


def test_the_consumer_has_the_methods_we_replace_and_no_other_way_in():
    assert issubclass(_RedisConsumer, Consumer)
    own = {name for name in vars(_RedisConsumer) if not name.startswith("__")}
    assert own == {"outstanding_message_count", "ack", "nack", "requeue"}
    assert {"ack", "nack", "requeue"} <= set(vars(BellConsumer))
    assert list(inspect.signature(_RedisConsumer.__init__).parameters) == [
        *("self", "broker", "queue_name", "prefetch", "timeout")
    ]


def test_a_consumer_that_finds_nothing_gives_none_and_with_a_timeout_of_0_does_not_sleep():
    broker, script = build_broker()
    consumer = _RedisConsumer(broker, "bulk", 4, 0)
    assert compute_backoff(0, max_backoff=0)[1] == 0
    assert next(consumer) is None
    assert script.asked == [("fetch", "bulk")]


def test_what_is_fetched_counts_until_it_is_acknowledged():
    broker, script = build_broker()
    consumer = _RedisConsumer(broker, "bulk", 2, 0)
    script.answers = [[encode("a"), encode("b")]]
    first = next(consumer)
    assert consumer.outstanding_message_count == 2
    assert consumer.message_cache
    assert next(consumer).message_id == "b"
    assert next(consumer) is None, "no room: nothing may be fetched"
    assert script.asked == [("fetch", "bulk")]
    consumer.ack(first)
    assert script.asked[-1] == ("ack", "bulk")
    assert consumer.outstanding_message_count == 1
    assert next(consumer) is None
    assert script.asked[-1] == ("fetch", "bulk")


def test_every_command_that_the_broker_sends_is_in_the_script_s_list():
    source = broker_module._scripts["dispatch"].decode()
    for command in ("fetch", "ack", "nack", "requeue", "enqueue"):
        assert f'command == "{command}"' in source
    # Our wire format: a list of ids beside a hash of bodies.
    assert 'queue_full_name .. ".msgs"' in source


def test_the_worker_calls_our_middleware_around_its_life():
    source = inspect.getsource(Worker)
    for call in ('before("worker_boot"', 'before("worker_shutdown"', 'after("worker_shutdown"'):
        assert f"emit_{call}" in source
    assert {"consumer_whitelist", "worker_threads"} <= set(Worker(build_broker()[0]).__dict__)
