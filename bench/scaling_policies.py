"""The policies that are compared: rivals as they are documented, ours, and one that sees ahead."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Callable
from typing import Final

from bench.scaling_sim import LATE_S, TICK_S, Policy, Scenario, View
from domain.scaling import decide
from domain.scaling.schedule import parse_schedule
from domain.scaling.values import ScalingConfig, ScalingState, Snapshot, Workload

AHEAD_S: Final = 110.0


class Fixed:
    """Always the same."""

    def __init__(self, count: int) -> None:
        self._count = count

    def choose(self, view: View) -> int:
        """The fixed count."""
        return self._count


class Naive:
    """More than 100 waiting: 5; fewer than 10: 1; looks every 30 s."""

    def choose(self, view: View) -> int:
        """By two thresholds."""
        if view.at_s % 30:
            return view.replicas
        if view.waiting > 100:
            return 5
        return 1 if view.waiting < 10 else view.replicas


class ListLength:
    """KEDA feeding a HorizontalPodAutoscaler with the list's length, defaults otherwise.

    Up by at most the double or four, down to the highest of five minutes.
    """

    def __init__(self, *, target: int, most: int) -> None:
        self._target, self._most = target, most
        self._wishes: deque[tuple[float, int]] = deque()

    def choose(self, view: View) -> int:
        """One replica for each so many waiting jobs."""
        wish = min(max(math.ceil(view.waiting / self._target), 1), self._most)
        self._wishes.append((view.at_s, wish))
        while self._wishes[0][0] < view.at_s - 300:
            self._wishes.popleft()
        if wish > view.replicas:
            return min(wish, max(view.replicas * 2, view.replicas + 4))
        return min(view.replicas, max(n for _, n in self._wishes))


class BacklogPerInstance:
    """Target tracking on backlog per instance: out after 3 minutes above, in after 15 below."""

    def __init__(self, *, threads: int, wait_s: float = 10.0, service_s: float = 2.0) -> None:
        self._target = wait_s * threads / service_s
        self._above = self._below = 0

    def choose(self, view: View) -> int:
        """Looks once a minute."""
        if view.at_s % 60:
            return view.replicas
        wish = max(1, math.ceil(view.waiting / self._target))
        self._above = self._above + 1 if wish > view.replicas else 0
        self._below = self._below + 1 if wish < view.replicas else 0
        if self._above >= 3:
            return wish
        return view.replicas - 1 if self._below >= 15 else view.replicas


class Latency:
    """One more when the oldest job waits over 5 s, one fewer after ten calm minutes."""

    def __init__(self) -> None:
        self._raised_s = self._busy_s = 0.0

    def choose(self, view: View) -> int:
        """One step at a time, a minute apart."""
        if max(view.urgent_oldest_s, view.bulk_oldest_s) > 5:
            self._busy_s = view.at_s
            if view.at_s - self._raised_s >= 60:
                self._raised_s = view.at_s
                return view.replicas + 1
        elif view.at_s - self._busy_s >= 600:
            self._busy_s = view.at_s
            return view.replicas - 1
        return view.replicas


class Ours:
    """The product's own policy."""

    def __init__(self, scenario: Scenario, **changes: object) -> None:
        settings: dict[str, object] = {
            "replicas_min": 1,
            "replicas_max": scenario.replicas_max,
            "threads": scenario.threads,
            "requests_per_minute": scenario.calls_per_minute,
            "schedule": parse_schedule(scenario.schedule),
        }
        self._config = ScalingConfig(**{**settings, **changes})  # type: ignore[arg-type]
        self._state = ScalingState()

    def choose(self, view: View) -> int:
        """Ask it."""
        workload = Workload(
            urgent_waiting=view.urgent_waiting,
            bulk_waiting=view.bulk_waiting,
            urgent_oldest_s=view.urgent_oldest_s,
            bulk_oldest_s=view.bulk_oldest_s,
            running=view.running,
            urgent_per_s=view.urgent_per_s,
            bulk_per_s=view.bulk_per_s,
            service_s=view.service_s,
            calls_per_job=1.0,
            calls_answered=view.answered,
            calls_failed=view.failed,
        )
        snapshot = Snapshot(at_s=view.at_s, replicas=view.replicas, workload=workload)
        decision, self._state = decide(self._config, snapshot, self._state)
        return decision.wanted


class Oracle:
    """Knows every arrival and every fault ahead; the yardstick of cost.

    It keeps as many threads as will be busy at once until a new replica could serve, and all that
    the provider's budget can use while a backlog waits.
    """

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self._loads = _find_loads(scenario)

    def choose(self, view: View) -> int:
        """The highest need from now until help could come."""
        scenario = self._scenario
        first = int(view.at_s // TICK_S)
        ahead = int(AHEAD_S // TICK_S)
        service_s = scenario.service_s * self._find_factor(view.at_s + AHEAD_S / 2)
        useful = scenario.calls_per_minute / 60 * service_s
        load = min(max(self._loads[first : first + ahead], default=0.0), useful)
        soon = bisect_left(scenario.bulk, view.at_s + 90) - bisect_right(scenario.bulk, view.at_s)
        backlog = view.waiting + soon
        needed = load
        if backlog > view.replicas * scenario.threads / service_s * 20:
            needed = min(useful, load + backlog * service_s / 60)
        if any(from_s <= view.at_s < to_s - 90 for from_s, to_s in scenario.outages):
            return 1
        return max(1, math.ceil(needed / scenario.threads))

    def _find_factor(self, at_s: float) -> float:
        found = [f for from_s, to_s, f in self._scenario.slow if from_s - 60 <= at_s < to_s]
        return max(found, default=1.0)


def _find_loads(scenario: Scenario) -> list[float]:
    """How many urgent jobs would run at once with endless threads, in the worst part of each tick.

    Parts are as long as a job may wait: a higher need that is over sooner makes none late.
    """
    parts = [0.0] * (int(scenario.end_s // LATE_S) + 4)
    for arrived_s in scenario.urgent:
        at_s = arrived_s
        factor = max((f for a, b, f in scenario.slow if a <= at_s < b), default=1.0)
        left_s = scenario.service_s * factor
        while left_s > 0:
            place = min(int(at_s // LATE_S), len(parts) - 1)
            here_s = min(left_s, (place + 1) * LATE_S - at_s) or left_s
            parts[place] += here_s / LATE_S
            at_s, left_s = at_s + here_s, left_s - here_s
    return [max(pair) for pair in zip(parts[::2], parts[1::2], strict=False)]


Build = Callable[[Scenario], Policy]


def find_useful(scenario: Scenario) -> int:
    """The replicas that the provider's budget can use, as somebody would work out by hand."""
    threads = scenario.calls_per_minute / 60 * scenario.service_s
    return max(1, math.ceil(0.95 * threads / scenario.threads))


POLICIES: Final[dict[str, Build]] = {
    "naive": lambda _: Naive(),
    "list length": lambda s: ListLength(target=s.threads, most=s.replicas_max),
    "list length, capped": lambda s: ListLength(target=s.threads, most=find_useful(s)),
    "backlog/instance": lambda s: BacklogPerInstance(threads=s.threads),
    "latency": lambda _: Latency(),
    "fixed 3": lambda _: Fixed(3),
    "ours": Ours,
    "oracle": Oracle,
}
