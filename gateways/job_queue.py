"""The road between services and workers: Dramatiq's Redis broker, and our own way onto it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Final

import dramatiq
import redis
from redis.backoff import ExponentialWithJitterBackoff, NoBackoff
from redis.retry import Retry

from core.clock import monotonic_s, sleep
from core.errors import UnavailableError
from core.ids import new_id
from domain.job import Lane
from domain.ports import Dispatch
from gateways.bell import DISPATCHER, WAIT_S, BellBroker, Bells, add_rings, connect_bell

ACTOR_NAME: Final = "run_job"
NAMESPACE: Final = "listwright"

WEB_TIMEOUT_S: Final = 0.3
WEB_PAUSE_S: Final = 5.0
"""After a failed push the web side does not try again for so long: the dispatcher will send."""

CROWDED_SHARE: Final = 0.7
MEMORY_LOOK_S: Final = 1.0
REFUSED_LOOK_S: Final = 60.0

DISPATCHER_TIMEOUT_S: Final = 2.0
WORKER_RETRIES: Final = 30
WORKER_TIMEOUT_S: Final = 15.0


def connect_web(url: str) -> redis.Redis:
    """A client that gives up at once: a request must not wait for the road."""
    return redis.Redis.from_url(
        url,
        socket_connect_timeout=WEB_TIMEOUT_S,
        socket_timeout=WEB_TIMEOUT_S,
        retry=Retry(NoBackoff(), 0),
    )


def connect_dispatcher(url: str) -> redis.Redis:
    """A client that gives up soon: what it could not send is picked again at a later tick.

    One retry, for a connection that was closed while it was idle.
    """
    return redis.Redis.from_url(
        url,
        socket_connect_timeout=DISPATCHER_TIMEOUT_S,
        socket_timeout=DISPATCHER_TIMEOUT_S,
        retry=Retry(NoBackoff(), 1),
    )


def connect_worker(url: str) -> redis.Redis:
    """A client that waits out an outage: Dramatiq strands messages when its client gives up."""
    return redis.Redis.from_url(
        url,
        socket_connect_timeout=WORKER_TIMEOUT_S,
        socket_timeout=WORKER_TIMEOUT_S,
        health_check_interval=30,
        retry=Retry(ExponentialWithJitterBackoff(cap=2.0, base=0.05), WORKER_RETRIES),
    )


def get_namespace(pool: str) -> str:
    """The key prefix of a pool: commands with their own workers never meet the product's."""
    return NAMESPACE if pool == "default" else f"{NAMESPACE}-{pool}"


def open_bells(url: str, *, pool: str) -> Bells:
    """The bells of a pool, to wait at."""
    return Bells(connect_bell(url), namespace=get_namespace(pool))


def build_broker(
    url: str, *, pool: str, middleware: Sequence[dramatiq.Middleware], doorbell: bool
) -> BellBroker:
    """A broker on our own client; see docs/decisions for each setting."""
    broker = BellBroker(
        client=connect_worker(url),
        bells=open_bells(url, pool=pool) if doorbell else None,
        namespace=get_namespace(pool),
        middleware=list(middleware),
    )
    for lane in Lane:
        broker.declare_queue(lane.value)
    return broker


class RedisJobQueue:
    """Sends messages in Dramatiq's documented wire format, many in one round trip.

    A message's id in Redis is ``<job id>.<dispatch number>``: Dramatiq acknowledges by that id, so
    a late acknowledgement of one sending never deletes the next one's body.
    """

    def __init__(self, client: redis.Redis, *, pool: str, bells: Bells | None = None) -> None:
        self._client = client
        self._bells = bells
        self._namespace = get_namespace(pool)
        self._closed_until_s = 0.0
        self._crowded = False
        self._look_at_memory_s = 0.0

    def push(self, dispatches: Sequence[Dispatch]) -> None:
        """Send; raises UnavailableError, and does so at once for a while after a failure."""
        if monotonic_s() < self._closed_until_s:
            raise UnavailableError("the queue did not answer a moment ago")
        with self._road():
            pipeline = self._client.pipeline(transaction=True)
            for dispatch in dispatches:
                queue, message_id = self._queue(dispatch.lane), _message_id(dispatch)
                pipeline.hset(f"{queue}.msgs", message_id, _encode(dispatch))
                pipeline.rpush(queue, message_id)
            lanes = dict.fromkeys(dispatch.lane.value for dispatch in dispatches)
            add_rings(pipeline, self._namespace, list(lanes))
            pipeline.execute()

    def read_epoch(self) -> str:
        """The road's random name, made where there is none: after a FLUSHALL or a lost disk."""
        key = f"{self._namespace}:epoch"
        with self._road():
            found = self._client.get(key)
            if found is None:
                self._client.set(key, new_id().hex, nx=True)
                found = self._client.get(key)
        return found.decode() if isinstance(found, bytes) else str(found or "")

    def is_crowded(self) -> bool:
        """Whether Redis uses most of the memory it may; asked once a second at most.

        At the limit it refuses acknowledgements as well, so workers could not even drain it. Where
        there is no limit, or it may not be asked, the answer is no.
        """
        now_s = monotonic_s()
        if now_s >= self._look_at_memory_s:
            self._look_at_memory_s = now_s + MEMORY_LOOK_S
            try:
                memory = self._client.info("memory")
            except redis.ResponseError:
                self._crowded, self._look_at_memory_s = False, now_s + REFUSED_LOOK_S
            except redis.RedisError:
                self._crowded, self._look_at_memory_s = False, now_s + WEB_PAUSE_S
            else:
                limit = memory.get("maxmemory", 0)
                self._crowded = limit > 0 and memory["used_memory"] >= CROWDED_SHARE * limit
        return self._crowded

    def count_messages(self) -> dict[Lane, int]:
        """Messages by lane: waiting, fetched, in work, left by the dead.

        The length of the list, which is easier to ask for, knows of the first kind only.
        """
        with self._road():
            pipeline = self._client.pipeline(transaction=False)
            for lane in Lane:
                pipeline.hlen(f"{self._queue(lane)}.msgs")
            return dict(zip(Lane, pipeline.execute(), strict=True))

    def wake_dispatcher(self) -> None:
        """Ring; silent when the road is closed, since the dispatcher looks by itself as well."""
        if monotonic_s() < self._closed_until_s:
            return
        with suppress(UnavailableError), self._road():
            pipeline = self._client.pipeline(transaction=False)
            add_rings(pipeline, self._namespace, [DISPATCHER])
            pipeline.execute()

    def wait_for_wake(self) -> bool:
        """Wait about a second at most for the dispatcher's bell; False when it did not ring."""
        if self._bells is None:
            sleep(WAIT_S)
            return False
        return self._bells.wait(DISPATCHER)

    def find_missing(self, dispatches: Sequence[Dispatch]) -> list[Dispatch]:
        """Those whose message is neither waiting nor in a worker's hands."""
        with self._road():
            pipeline = self._client.pipeline(transaction=False)
            for dispatch in dispatches:
                pipeline.hexists(f"{self._queue(dispatch.lane)}.msgs", _message_id(dispatch))
            found = pipeline.execute()
        return [d for d, there in zip(dispatches, found, strict=True) if not there]

    def ping(self) -> None:
        """Raises UnavailableError when Redis does not answer."""
        with self._road():
            self._client.ping()

    def delete_all(self) -> None:
        """Remove every key of the pool; for commands that brought their own."""
        with self._road():
            keys = list(self._client.scan_iter(match=f"{self._namespace}:*", count=1000))
            if keys:
                self._client.delete(*keys)

    def _queue(self, lane: Lane) -> str:
        return f"{self._namespace}:{lane.value}"

    @contextmanager
    def _road(self) -> Iterator[None]:
        try:
            yield
        except redis.RedisError as fault:
            self._closed_until_s = monotonic_s() + WEB_PAUSE_S
            raise UnavailableError("the queue does not answer") from fault
        self._closed_until_s = 0.0


def _message_id(dispatch: Dispatch) -> str:
    return f"{dispatch.job_id}.{dispatch.dispatch_no}"


def _encode(dispatch: Dispatch) -> bytes:
    message_id = _message_id(dispatch)
    message: dramatiq.Message[None] = dramatiq.Message(
        queue_name=dispatch.lane.value,
        actor_name=ACTOR_NAME,
        args=(str(dispatch.job_id),),
        kwargs={"alone": True} if dispatch.alone else {},
        options={"redis_message_id": message_id},
        message_id=message_id,
    )
    return message.encode()
