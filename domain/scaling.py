"""How many worker replicas are wanted: pure, no clock, no I/O."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ScalingConfig:
    """The bounds, and how long a backlog may take.

    ``threads`` jobs run at once in a replica, each for about ``service_s``; ``drain_s`` is the time
    in which the backlog should be gone; ``hold_s`` how long a lower wish must last to count.
    """

    replicas_min: int
    replicas_max: int
    threads: int
    service_s: float = 2.0
    drain_s: float = 60.0
    hold_s: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What was observed; None where nothing could be (then everything is held).

    ``at_s`` is a monotonic time, ``waiting`` due jobs not claimed yet, ``running`` claimed ones.
    """

    at_s: float
    replicas: int
    waiting: int | None
    running: int | None


@dataclass(frozen=True, slots=True)
class ScalingState:
    """Since when the wish has been below what runs (None: it is not)."""

    lower_since_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScalingDecision:
    """The number of replicas wanted, and why in words."""

    wanted: int
    reason: str


def decide(
    config: ScalingConfig, snapshot: Snapshot, state: ScalingState
) -> tuple[ScalingDecision, ScalingState]:
    """Up at once, down only after the lower wish has lasted; hold when nothing is known."""
    if snapshot.waiting is None or snapshot.running is None:
        held = min(max(snapshot.replicas, config.replicas_min), config.replicas_max)
        return ScalingDecision(wanted=held, reason="held: the backlog is not known"), state
    wish, reason = _wish(config, snapshot.waiting, snapshot.running)
    if wish >= snapshot.replicas:
        return ScalingDecision(wanted=wish, reason=reason), ScalingState()
    since_s = snapshot.at_s if state.lower_since_s is None else state.lower_since_s
    lasted_s = snapshot.at_s - since_s
    if lasted_s < config.hold_s:
        reason = f"{reason}; held for {config.hold_s - lasted_s:.0f} s more"
        held = min(snapshot.replicas, config.replicas_max)
        return ScalingDecision(wanted=held, reason=reason), ScalingState(since_s)
    return ScalingDecision(wanted=wish, reason=reason), ScalingState()


def _wish(config: ScalingConfig, waiting: int, running: int) -> tuple[int, str]:
    """Threads for what runs plus what must be done in the drain time, within the bounds."""
    threads = running + waiting * config.service_s / config.drain_s
    needed = -(-int(threads + 0.999) // config.threads)
    wish = min(max(needed, config.replicas_min), config.replicas_max)
    reason = f"{waiting} waiting, {running} running: {needed} needed"
    if wish != needed:
        reason += f", bounded to {wish}"
    return wish, reason
