"""The doorbell: a message wakes an idle worker at once, instead of being found at its next look."""

# mypy: disallow-untyped-calls=False
# Dramatiq's Redis broker has no annotations.

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from typing import Any, Final

import dramatiq
import redis
from dramatiq.brokers.redis import RedisBroker, _RedisConsumer
from dramatiq.common import q_name
from redis.backoff import NoBackoff
from redis.retry import Retry

from core.clock import monotonic_s, sleep
from core.log import get_logger

log = get_logger(__name__)

WAIT_S: Final = 1.0
"""Longest wait at the bell: so late a worker notices that it was asked to stop."""

POLL_S: Final = 0.1
"""Pause between two looks where there is no bell."""

PASS_ON_S: Final = 0.1
KEPT_RINGS: Final = 8
RING_TTL_S: Final = 60
DISPATCHER: Final = "dispatcher"

_ANSWER_S: Final = WAIT_S + 4.0


def connect_bell(url: str) -> redis.Redis:
    """A client that outlasts the wait and never asks twice: a lost ring costs one look."""
    return redis.Redis.from_url(
        url,
        socket_connect_timeout=_ANSWER_S,
        socket_timeout=_ANSWER_S,
        retry=Retry(NoBackoff(), 0),
    )


def add_rings(pipeline: Any, namespace: str, names: Sequence[str]) -> None:  # noqa: ANN401
    """Append to a pipeline what rings these bells (queues, or the dispatcher's).

    Rings that nobody hears are kept, a few of them and for a minute: who comes late looks once more
    than needed, which is harmless.
    """
    for name in names:
        key = f"{namespace}:bell:{name}"
        pipeline.rpush(key, 1)
        pipeline.ltrim(key, -KEPT_RINGS, -1)
        pipeline.expire(key, RING_TTL_S)


class Bells:
    """Waits at bells, with connections of its own: one per waiting thread."""

    def __init__(self, client: redis.Redis, *, namespace: str, wait_s: float = WAIT_S) -> None:
        self._client = client
        self._wait_s = wait_s
        self._namespace = namespace
        self._refused = False

    def wait(self, name: str) -> bool:
        """Wait for a ring, ``wait_s`` at most; False when none came.

        Where the server does not allow a blocking wait, or is away, this is a pause of ``POLL_S``.
        """
        if not self._refused:
            try:
                heard = self._client.blpop([f"{self._namespace}:bell:{name}"], self._wait_s)
            except redis.ResponseError as fault:
                self._refused = True
                log.warning("bell_refused", reason=str(fault), poll_s=POLL_S)
            except redis.RedisError:
                pass
            else:
                return heard is not None
        sleep(POLL_S)
        return False

    def ring(self, name: str) -> None:
        """Ring one bell, if the server is there."""
        try:
            pipeline = self._client.pipeline(transaction=False)
            add_rings(pipeline, self._namespace, [name])
            pipeline.execute()
        except redis.RedisError as fault:
            log.warning("bell_not_rung", reason=str(fault))


class BellBroker(RedisBroker):
    """Dramatiq's Redis broker whose idle consumers wait at the bell; without one they poll."""

    def __init__(
        self,
        *,
        client: redis.Redis,
        bells: Bells | None,
        namespace: str,
        middleware: list[dramatiq.Middleware],
    ) -> None:
        super().__init__(client=client, namespace=namespace, middleware=middleware)
        self.bells = bells

    @property
    def consumer_class(self) -> type[BellConsumer]:
        """What waits for the messages of a queue."""
        return BellConsumer


class BellConsumer(_RedisConsumer):
    """Dramatiq's consumer, its sleep replaced: same fetch, same acknowledgement, same scripts.

    Its base is private to Dramatiq; tests/house/test_dramatiq_shape.py holds it to what is used
    here. A queue of delayed messages has no bell (we send none): a look each second is a heartbeat.
    """

    def __init__(self, broker: BellBroker, queue_name: str, prefetch: int, timeout: int) -> None:  # noqa: ARG002
        # With a timeout of 0 the base does not sleep when it finds nothing; we wait instead.
        super().__init__(broker, queue_name, prefetch, 0)
        self._bells = broker.bells
        self._is_delayed = queue_name != q_name(queue_name)
        self._freed = threading.Event()
        self._passed_on_s = 0.0

    def __next__(self) -> dramatiq.MessageProxy | None:
        """The next message, or None after a wait without one."""
        room = self._room if not self.message_cache else 0
        message: dramatiq.MessageProxy | None = super().__next__()
        if message is None:
            self.misses = 0
            self._wait()
        elif room and self._room == 0:
            self._pass_on()
        return message

    @property
    def _room(self) -> int:
        return int(self.prefetch - self.outstanding_message_count)

    def ack(self, message: dramatiq.MessageProxy) -> None:
        """Acknowledge, and look again if we waited for room."""
        try:
            super().ack(message)
        finally:
            self._freed.set()

    def nack(self, message: dramatiq.MessageProxy) -> None:
        """Reject, and look again if we waited for room."""
        try:
            super().nack(message)
        finally:
            self._freed.set()

    def requeue(self, messages: Iterable[dramatiq.MessageProxy]) -> None:
        """Give messages back at the end of this process, and wake another."""
        super().requeue(messages)
        if self._bells:
            self._bells.ring(self.queue_name)

    def _wait(self) -> None:
        if self._room <= 0:
            self._freed.wait(WAIT_S)
            self._freed.clear()
        elif self._is_delayed:
            sleep(WAIT_S)
        elif self._bells is None:
            sleep(POLL_S)
        else:
            self._bells.wait(self.queue_name)

    def _pass_on(self) -> None:
        """We took as many as we could hold: there may be more for another process."""
        now_s = monotonic_s()
        if self._bells and now_s - self._passed_on_s > PASS_ON_S:
            self._passed_on_s = now_s
            self._bells.ring(self.queue_name)
