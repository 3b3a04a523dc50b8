"""A discrete-event model of workers behind a queue: threads, slow starts, drains, a provider."""

from __future__ import annotations

import heapq
import math
import random
from bisect import bisect_left, bisect_right
from collections import deque
from dataclasses import dataclass, field
from typing import Final, Protocol

TICK_S: Final = 10.0
DRAIN_S: Final = 60.0
START_S: Final = (30.0, 90.0)
LATE_S: Final = 5.0
FAIL_S: Final = 1.0
RETRY_S: Final = (2.0, 60.0)
SERVICE_SIGMA: Final = 0.5
_DRAWN: Final = 4096
_URGENT, _BULK = 0, 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """Arrivals (sorted, in seconds) and what the provider does meanwhile.

    ``slow`` are (from, to, factor of the service time), ``outages`` (from, to). Ends at ``end_s``,
    or when the last job is done.
    """

    name: str
    urgent: list[float]
    bulk: list[float]
    end_s: float
    calls_per_minute: int = 1000
    threads: int = 12
    replicas_max: int = 20
    service_s: float = 2.0
    slow: tuple[tuple[float, float, float], ...] = ()
    outages: tuple[tuple[float, float], ...] = ()
    schedule: str = ""


@dataclass(slots=True)
class View:
    """What a policy may see at a tick."""

    at_s: float = 0.0
    replicas: int = 1
    urgent_waiting: int = 0
    bulk_waiting: int = 0
    urgent_oldest_s: float = 0.0
    bulk_oldest_s: float = 0.0
    running: int = 0
    urgent_per_s: float = 0.0
    bulk_per_s: float = 0.0
    service_s: float | None = None
    answered: int = 0
    failed: int = 0

    @property
    def waiting(self) -> int:
        """All that waits."""
        return self.urgent_waiting + self.bulk_waiting


class Policy(Protocol):
    """Chooses the number of replicas; one object serves one run."""

    def choose(self, view: View) -> int:
        """How many there should be."""
        ...


@dataclass(slots=True)
class Result:
    """What one run came to."""

    waits_s: list[float] = field(default_factory=list)
    replica_s: float = 0.0
    changes: int = 0
    at_risk: int = 0
    killed: int = 0
    drained_s: float = 0.0
    peak: int = 1

    @property
    def late_share(self) -> float:
        """Share of urgent jobs that waited longer than LATE_S."""
        return sum(wait > LATE_S for wait in self.waits_s) / max(1, len(self.waits_s))

    @property
    def p95_s(self) -> float:
        """The wait that 95 % of the urgent jobs stay below."""
        ordered = sorted(self.waits_s)
        return ordered[int(0.95 * (len(ordered) - 1))] if ordered else 0.0


class _Replica:
    __slots__ = ("draining", "since_s")

    def __init__(self, since_s: float) -> None:
        self.since_s = since_s
        self.draining = False


class Simulation:
    """One scenario under one policy. Equal seeds give equal jobs and start delays."""

    def __init__(self, scenario: Scenario, *, seed: int) -> None:
        self._scenario = scenario
        self._random = random.Random(seed)
        mean = math.log(scenario.service_s) - SERVICE_SIGMA**2 / 2
        self._services = [self._random.lognormvariate(mean, SERVICE_SIGMA) for _ in range(_DRAWN)]
        self._gap_s = 60.0 / scenario.calls_per_minute
        self._next_call_s = 0.0
        self._queues: tuple[deque[float], deque[float]] = (deque(), deque())
        self._events: list[tuple[float, int, _Replica, int, float, float]] = []
        self._retries: list[tuple[float, int, float, int]] = []
        self._starting: list[tuple[float, int, _Replica]] = []
        self._ready: list[_Replica] = []
        self._free: list[_Replica] = []
        self._count = 0
        self._calls: deque[tuple[float, float, bool]] = deque()
        self.result = Result()

    def run(self, policy: Policy) -> Result:
        """Play it to the end."""
        scenario = self._scenario
        self._add_ready(_Replica(0.0))
        arrivals = heapq.merge(
            ((at_s, _URGENT) for at_s in scenario.urgent), ((at_s, _BULK) for at_s in scenario.bulk)
        )
        tick_s, ahead = 0.0, next(arrivals, None)
        while ahead is not None or tick_s <= scenario.end_s or self._is_busy():
            self._choose(policy, tick_s)
            tick_s += TICK_S
            while ahead is not None and ahead[0] < tick_s:
                self._advance(ahead[0])
                self._arrive(ahead[0], ahead[1], ahead[0])
                ahead = next(arrivals, None)
            self._advance(tick_s)
        for replica in (*self._ready, *(entry[2] for entry in self._starting)):
            self.result.replica_s += tick_s - replica.since_s
        return self.result

    def _is_busy(self) -> bool:
        return bool(self._events or self._retries or self._queues[0] or self._queues[1])

    def _advance(self, until_s: float) -> None:
        """Let everything happen that happens before that time."""
        events = self._events
        while self._retries and self._retries[0][0] <= until_s:
            at_s, _, arrived_s, kind = heapq.heappop(self._retries)
            self._advance_calls(at_s)
            self._arrive(at_s, kind, arrived_s)
        while self._starting and self._starting[0][0] <= until_s:
            at_s, _, replica = heapq.heappop(self._starting)
            self._advance_calls(at_s)
            self._serve_from(replica, at_s)
        if events and events[0][0] <= until_s:
            self._advance_calls(until_s)

    def _advance_calls(self, until_s: float) -> None:
        events = self._events
        while events and events[0][0] <= until_s:
            end_s, _, replica, kind, arrived_s, service_s = heapq.heappop(events)
            self._calls.append((end_s, service_s, arrived_s < 0))
            if arrived_s < 0:
                self._retry(end_s, kind, -arrived_s)
            if not replica.draining:
                self._take_next(replica, end_s)

    def _retry(self, at_s: float, kind: int, arrived_s: float) -> None:
        spread = 0.5 + self._random.random() / 2
        # Doubling from the first delay gives about the time already waited.
        delay_s = spread * min(RETRY_S[1], max(RETRY_S[0], at_s - arrived_s))
        self._count += 1
        heapq.heappush(self._retries, (at_s + delay_s, self._count, arrived_s, kind))

    def _arrive(self, at_s: float, kind: int, arrived_s: float) -> None:
        if self._free:
            place = int(self._random.random() * len(self._free))
            replica = self._free[place]
            self._free[place] = self._free[-1]
            self._free.pop()
            self._start_job(replica, at_s, kind, arrived_s)
        else:
            self._queues[kind].append(arrived_s)

    def _take_next(self, replica: _Replica, at_s: float) -> None:
        urgent, bulk = self._queues
        if urgent:
            self._start_job(replica, at_s, _URGENT, urgent.popleft())
        elif bulk:
            self._start_job(replica, at_s, _BULK, bulk.popleft())
        else:
            self._free.append(replica)

    def _start_job(self, replica: _Replica, at_s: float, kind: int, arrived_s: float) -> None:
        """Take a turn at the provider's limiter, in which the thread waits, then call it."""
        call_s = max(at_s, self._next_call_s)
        self._next_call_s = max(call_s - 1.0, self._next_call_s) + self._gap_s
        self._count += 1
        service_s = self._find_service_s(call_s)
        mark = arrived_s
        if service_s < 0:
            service_s, mark = FAIL_S, -max(arrived_s, 1e-6)
        elif kind == _URGENT:
            self.result.waits_s.append(call_s - arrived_s)
        else:
            self.result.drained_s = max(self.result.drained_s, call_s + service_s - arrived_s)
        heapq.heappush(
            self._events, (call_s + service_s, self._count, replica, kind, mark, service_s)
        )

    def _find_service_s(self, at_s: float) -> float:
        """How long a call takes that starts then; below 0 when it fails."""
        service_s = self._services[self._count % _DRAWN]
        for from_s, to_s in self._scenario.outages:
            if from_s <= at_s < to_s:
                return -1.0
        for from_s, to_s, factor in self._scenario.slow:
            if from_s <= at_s < to_s:
                service_s *= factor
        return service_s

    def _choose(self, policy: Policy, at_s: float) -> None:
        current = len(self._ready) + len(self._starting)
        wanted = min(max(policy.choose(self._look(at_s, current)), 1), self._scenario.replicas_max)
        if wanted == current:
            return
        self.result.changes += 1
        self.result.peak = max(self.result.peak, wanted)
        for _ in range(wanted - current):
            self._count += 1
            ready_s = at_s + self._random.uniform(*START_S)
            heapq.heappush(self._starting, (ready_s, self._count, _Replica(at_s)))
        for _ in range(current - wanted):
            self._remove_one(at_s)

    def _remove_one(self, at_s: float) -> None:
        """Take away a random replica, as the platform does."""
        place = int(self._random.random() * (len(self._ready) + len(self._starting)))
        if place >= len(self._ready):
            replica = self._starting.pop(place - len(self._ready))[2]
            heapq.heapify(self._starting)
        else:
            replica = self._ready.pop(place)
            replica.draining = True
            self._free = [other for other in self._free if other is not replica]
            self._drain(replica, at_s)
        self.result.replica_s += at_s - replica.since_s

    def _drain(self, replica: _Replica, at_s: float) -> None:
        """Its jobs go on; those that are not done in time are killed, and start again."""
        running = [event for event in self._events if event[2] is replica]
        self.result.at_risk += len(running)
        for event in running:
            if event[0] > at_s + DRAIN_S:
                self.result.killed += 1
                self._events.remove(event)
                self._count += 1
                again = (at_s + DRAIN_S, self._count, abs(event[4]), event[3])
                heapq.heappush(self._retries, again)
        heapq.heapify(self._events)

    def _add_ready(self, replica: _Replica) -> None:
        self._ready.append(replica)
        self._free.extend([replica] * self._scenario.threads)

    def _serve_from(self, replica: _Replica, at_s: float) -> None:
        self._ready.append(replica)
        for _ in range(self._scenario.threads):
            self._take_next(replica, at_s)

    def _look(self, at_s: float, current: int) -> View:
        urgent, bulk = self._queues
        while self._calls and self._calls[0][0] < at_s - 60.0:
            self._calls.popleft()
        good = [service_s for _, service_s, failed in self._calls if not failed]
        return View(
            at_s=at_s,
            replicas=current,
            urgent_waiting=len(urgent) + sum(r[3] == _URGENT for r in self._retries),
            bulk_waiting=len(bulk) + sum(r[3] == _BULK for r in self._retries),
            urgent_oldest_s=at_s - urgent[0] if urgent else 0.0,
            bulk_oldest_s=at_s - bulk[0] if bulk else 0.0,
            running=len(self._events),
            urgent_per_s=max(
                _count_between(self._scenario.urgent, at_s - w, at_s) / w for w in (30.0, 90.0)
            ),
            bulk_per_s=_find_median_rate(self._scenario.bulk, at_s),
            service_s=sum(good) / len(good) if good else None,
            answered=len(good),
            failed=len(self._calls) - len(good),
        )


def _count_between(times_s: list[float], from_s: float, to_s: float) -> int:
    return bisect_left(times_s, to_s) - bisect_right(times_s, from_s)


def _find_median_rate(times_s: list[float], at_s: float) -> float:
    """Arrivals per second in the median minute of the last ten."""
    counts = sorted(
        _count_between(times_s, at_s - 60.0 * (m + 1), at_s - 60.0 * m) for m in range(10)
    )
    return (counts[4] + counts[5]) / 2 / 60.0
