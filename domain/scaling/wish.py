"""How many replicas the work needs now, before any patience: Little's law within the budgets."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from domain.scaling.schedule import find_scheduled
from domain.scaling.values import ScalingConfig, Snapshot, Workload

UNLIMITED: Final = 1_000_000
SPENT_SHARE: Final = 0.9


@dataclass(frozen=True, slots=True)
class Wish:
    """A number of replicas, and why; ``steady`` is what would be needed without the backlog."""

    replicas: int
    steady: int
    reason: str


def build_wish(config: ScalingConfig, snapshot: Snapshot, workload: Workload) -> Wish:
    """The demand, within what the budgets and the operator's bounds allow."""
    wish = _find_demand(config, snapshot.replicas, workload)
    scheduled = find_scheduled(config.schedule, snapshot.at_s)
    if scheduled > wish.replicas:
        wish = Wish(scheduled, wish.steady, f"{scheduled} by schedule")
    if workload.is_provider_failing:
        # More replicas would only fail more; fewer would be missed when it is back.
        wish = Wish(snapshot.replicas, wish.steady, "the provider fails: kept as it is")
    return _bound(config, snapshot, workload, wish)


def _find_demand(config: ScalingConfig, replicas: int, workload: Workload) -> Wish:
    """Threads for what arrives, with headroom for chance, and for the backlog in its time."""
    service_s = workload.service_s or config.service_s
    load = workload.urgent_per_s * service_s
    steady = load + config.headroom * math.sqrt(load) + workload.bulk_per_s * service_s
    waiting = workload.urgent_waiting + workload.bulk_waiting
    queue = min(waiting, find_jobs_left(config, workload))
    needed = least = math.ceil(steady / config.threads)
    spare_per_s = (
        replicas * config.threads / service_s - workload.urgent_per_s - workload.bulk_per_s
    )
    if queue > spare_per_s * config.start_s:
        drain = steady + queue * service_s / config.drain_s
        needed = max(needed, math.ceil(drain / config.threads))
    # The backlog is served before help could come; but what serves it is not taken away.
    in_time = steady + queue * service_s / config.start_s
    needed = max(needed, min(replicas, math.ceil(in_time / config.threads)))
    arriving = workload.urgent_per_s + workload.bulk_per_s
    reason = (
        f"{_describe_queue(waiting, queue)}, {arriving:.1f}/s arriving,"
        f" {service_s:.1f} s each: {needed} needed"
    )
    if _is_late(config, workload) and needed <= replicas:
        return Wish(replicas + 1, replicas + 1, f"{reason}, but jobs wait too long: one more")
    return Wish(needed, least, reason)


def _describe_queue(waiting: int, queue: int) -> str:
    if queue == waiting:
        return f"{waiting} waiting"
    return f"{waiting} waiting, of which what is left of the provider's day suffices for {queue}"


def _is_late(config: ScalingConfig, workload: Workload) -> bool:
    """Whether jobs wait so long that the estimates must be wrong."""
    return (
        workload.urgent_oldest_s > config.late_urgent_s
        or workload.bulk_oldest_s > config.late_bulk_s
    )


def _bound(config: ScalingConfig, snapshot: Snapshot, workload: Workload, wish: Wish) -> Wish:
    """The operator's least beats the provider's cap; what the database allows beats all."""
    count = min(wish.replicas, config.replicas_max)
    reason = wish.reason if count == wish.replicas else f"{wish.reason}; at most {count} set"
    provider = max(find_provider_cap(config, workload), config.replicas_min)
    if count > provider:
        count, reason = provider, f"{reason}; the provider's budget keeps {provider} busy"
    if count > max(snapshot.replicas, config.replicas_min) and is_budget_spent(config, workload):
        count = max(snapshot.replicas, config.replicas_min)
        reason = f"{reason}; the provider's budget is spent"
    if count < config.replicas_min:
        count, reason = config.replicas_min, f"{reason}; at least {config.replicas_min} set"
    connections = find_connection_cap(config, workload)
    if count > connections:
        count, reason = connections, f"{reason}; the database has connections for {connections}"
    return Wish(count, min(wish.steady, count), reason)


def find_provider_cap(config: ScalingConfig, workload: Workload) -> int:
    """How many replicas the provider's budget can keep busy (>= 1)."""
    calls = _find_calls(config, workload)
    calls_per_s = _find_call_rate(config, workload)
    if find_jobs_left(config, workload) < config.threads:
        return 1  # the provider's day is spent, and what flows back keeps one busy
    if calls <= 0 or math.isinf(calls_per_s):
        return UNLIMITED
    service_s = workload.service_s or config.service_s
    useful = config.budget_share * calls_per_s / calls * service_s / config.threads
    return UNLIMITED if useful > UNLIMITED else max(1, math.ceil(useful))


def _find_calls(config: ScalingConfig, workload: Workload) -> float:
    """Calls a job makes."""
    return config.calls_per_job if workload.calls_per_job is None else workload.calls_per_job


def find_jobs_left(config: ScalingConfig, workload: Workload) -> int:
    """For how many jobs what is left of the provider's day suffices."""
    calls = _find_calls(config, workload)
    tokens = calls * (workload.tokens_per_call or config.tokens_per_call)
    needs = ((workload.requests_left, calls), (workload.tokens_left, tokens))
    most = [max(0, left) / need for left, need in needs if left is not None and need > 0]
    return int(min([UNLIMITED, *most]))


def _find_call_rate(config: ScalingConfig, workload: Workload) -> float:
    """Calls per second that the provider allows; infinite where nothing limits them."""
    rate = math.inf
    if config.requests_per_minute is not None:
        rate = config.requests_per_minute / 60
    tokens = workload.tokens_per_call or config.tokens_per_call
    if config.tokens_per_minute is not None and tokens > 0:
        rate = min(rate, config.tokens_per_minute / 60 / tokens)
    return rate


def is_budget_spent(config: ScalingConfig, workload: Workload) -> bool:
    """Whether calls already come as fast as the provider allows: more threads would only wait."""
    return workload.calls_answered / 60 >= SPENT_SHARE * _find_call_rate(config, workload)


def find_connection_cap(config: ScalingConfig, workload: Workload) -> int:
    """How many replicas the database's connections suffice for (>= 1)."""
    most = config.connections or workload.connections_max
    if most is None:
        return UNLIMITED
    return max(1, (most - config.connections_kept) // config.connections_per_replica)
