"""Whether a provider works, as all processes know it: found by each, told through Redis.

Each process judges by its own calls; what it finds stands in Redis, where the others look once a
second. So a call that goes well costs no round trip (docs/decisions/0041).
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from typing import Final, TypeVar

import redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import OutOfMemoryError, ReadOnlyError
from redis.exceptions import TimeoutError as RedisTimeoutError

from core.clock import monotonic_s
from core.log import get_logger
from domain.breaker import PROBE_EVERY_S, BreakerChange, Passage, Verdict
from gateways.local_breaker import Known, LocalBreaker

T = TypeVar("T")

LOOK_EVERY_S: Final = 1.0
ASK_AGAIN_AFTER_S: Final = 5.0
FORGOTTEN_MS: Final = 86_400_000
"""An open breaker that nobody probes is forgotten after a day."""

_AWAY: Final = (RedisConnectionError, RedisTimeoutError, OutOfMemoryError, ReadOnlyError)

log = get_logger("breaker")


class SharedBreaker:
    """Implements ``domain.breaker.Breaker`` for every process that uses the same ``name``.

    ``name`` is of one model and tier; ``account`` is whose key it is: a refusal of the key holds
    for all its models. While Redis is away each process goes by what it knows itself. Thread-safe;
    give ``client`` short timeouts.
    """

    def __init__(
        self,
        client: redis.Redis,
        *,
        name: str,
        account: str,
        prefix: str = "listwright:breaker",
        clock: Callable[[], float] = monotonic_s,
    ) -> None:
        tag = f"{prefix}:{name}"
        self._open_key, self._probe_key = f"{tag}:open", f"{tag}:probe"
        self._refusal_keys = (f"{tag}:refused", f"{prefix}:{account}:refused")
        self._name, self._redis, self._clock = name, client, clock
        self._local = LocalBreaker(clock=clock)
        self._lock = threading.Lock()
        self._known = Known()
        self._look_again_s = self._away_until_s = clock()
        self._back_at_s = -math.inf

    def admit(self) -> Passage:
        """Whether a call may be made now; a passage with ``probe`` must come to a verdict."""
        with self._lock:
            known, now_s = self._look(), self._clock()
            if known.refusal:
                return Passage(blocked=known.refusal, refused=True)
            if known.open_for_s is None:
                return Passage(at_s=now_s)
            if known.probe_in_s <= 0 and self._take_probe():
                return Passage(probe=True, open_for_s=known.open_for_s, at_s=now_s)
            return Passage(
                blocked=f"{self._name} has been failing for {known.open_for_s:.0f} s.",
                wait_s=max(known.probe_in_s, LOOK_EVERY_S),
                open_for_s=known.open_for_s,
            )

    def record(self, verdict: Verdict, passage: Passage) -> BreakerChange:
        """Note how a call ended. A probe that brought any answer at all closes the breaker."""
        with self._lock:
            if passage.probe:
                closed = verdict is not Verdict.FAILS and self._close()
                return BreakerChange.CLOSED if closed else BreakerChange.NONE
            if verdict is Verdict.SAYS_NOTHING or passage.at_s < self._back_at_s:
                # A call that hung all through an outage says nothing about the time after it.
                return BreakerChange.NONE
            opened = self._local.add(failed=verdict is Verdict.FAILS) and self._open()
            return BreakerChange.OPENED if opened else BreakerChange.NONE

    def find_outage_s(self) -> float | None:
        """For how long the model has been taken for down; None when it is not."""
        with self._lock:
            return self._look().open_for_s

    def release(self) -> None:
        """A probe was not made after all: the next caller may make it."""
        with self._lock:
            self._local.release()
            self._tell(lambda: self._redis.delete(self._probe_key))

    def refuse(self, reason: str, *, seconds: float, everywhere: bool) -> bool:
        """The provider shuts us out; False when that was known.

        ``everywhere``: not only from this model, but with this key.
        """
        key = self._refusal_keys[1 if everywhere else 0]
        with self._lock:
            is_new = self._local.refuse(reason, seconds)
            told = self._tell(
                lambda: bool(self._redis.set(key, reason, nx=True, px=int(seconds * 1000)))
            )
        return is_new if told is None else told

    def look_again(self) -> None:
        """Believe nothing that was looked up before."""
        with self._lock:
            self._look_again_s = self._clock()

    def _look(self) -> Known:
        """What is known, at most a second old."""
        if self._clock() < self._look_again_s:
            return self._known
        self._look_again_s = self._clock() + LOOK_EVERY_S
        found = self._ask(self._read)
        if found is not None and found.open_for_s is None and self._local.close():
            # Somebody's probe closed it, or Redis was emptied: five failures open it again.
            self._back_at_s = self._clock()
        self._known = self._local.look() if found is None else found
        return self._known

    def _read(self) -> Known:
        with self._redis.pipeline(transaction=False) as pipe:
            pipe.pttl(self._open_key)
            pipe.pttl(self._probe_key)
            pipe.mget(self._refusal_keys)
            open_ms, probe_ms, refusals = pipe.execute()
        told = next((one for one in refusals if one), b"")
        return Known(
            open_for_s=None if open_ms < 0 else (FORGOTTEN_MS - open_ms) / 1000,
            probe_in_s=max(0, probe_ms) / 1000,
            refusal=told.decode(),
        )

    def _take_probe(self) -> bool:
        mine = self._tell(
            lambda: bool(
                self._redis.set(self._probe_key, "1", nx=True, px=int(PROBE_EVERY_S * 1000))
            )
        )
        return self._local.take_probe() if mine is None else mine

    def _open(self) -> bool:
        is_new = self._local.open()
        told = self._tell(self._write_open)
        return is_new if told is None else told

    def _write_open(self) -> bool:
        with self._redis.pipeline(transaction=False) as pipe:
            pipe.set(self._probe_key, "1", nx=True, px=int(PROBE_EVERY_S * 1000))
            pipe.set(self._open_key, "1", nx=True, px=FORGOTTEN_MS)
            return bool(pipe.execute()[1])

    def _close(self) -> bool:
        is_new = self._local.close()
        self._back_at_s = self._clock()
        told = self._tell(self._write_closed)
        return is_new if told is None else told

    def _write_closed(self) -> bool:
        with self._redis.pipeline(transaction=False) as pipe:
            pipe.delete(self._open_key)
            pipe.delete(self._probe_key)
            return bool(pipe.execute()[0])

    def _tell(self, write: Callable[[], T]) -> T | None:
        """Write, and look again at the next call: what is known is not true any more."""
        self._look_again_s = self._clock()
        return self._ask(write)

    def _ask(self, question: Callable[[], T]) -> T | None:
        """The answer; None while Redis is away, which is found out again every five seconds."""
        if self._clock() < self._away_until_s:
            return None
        try:
            return question()
        except _AWAY as fault:
            self._away_until_s = self._clock() + ASK_AGAIN_AFTER_S
            log.warning("breaker_shared_no_more", breaker=self._name, reason=str(fault))
            return None
