"""How many worker replicas are wanted: pure, no clock, no I/O."""

from __future__ import annotations

from dataclasses import replace

from domain.scaling.values import (
    ScalingConfig,
    ScalingDecision,
    ScalingState,
    Snapshot,
    Wishes,
    Workload,
)
from domain.scaling.wish import Wish, build_wish, find_connection_cap


def decide(
    config: ScalingConfig, snapshot: Snapshot, state: ScalingState
) -> tuple[ScalingDecision, ScalingState]:
    """Up at once, down to the highest wish of a window, and no change on no information.

    ``state`` is what the last call returned, given back only if its decision was carried out.
    """
    state = _restart_after_gap(config, snapshot, state)
    state = _notice_other_writer(config, snapshot, state)
    workload = snapshot.workload
    reason = _find_hold(config, snapshot, state)
    if reason or workload is None:
        return ScalingDecision(wanted=snapshot.replicas, reason=reason, held=True), state
    if snapshot.override is not None:
        return _override(config, snapshot, workload, state)
    wish = build_wish(config, snapshot, workload)
    if snapshot.redis_away:
        wish = replace(wish, reason=f"{wish.reason}; Redis does not answer")
    state = _remember_wish(config, snapshot, wish, state)
    if wish.replicas > snapshot.replicas:
        return _go_up(config, snapshot, wish, state)
    if wish.replicas < snapshot.replicas:
        return _go_down(config, snapshot, workload, (wish, state))
    return ScalingDecision(wanted=snapshot.replicas, reason=wish.reason), _settle(snapshot, state)


def _restart_after_gap(
    config: ScalingConfig, snapshot: Snapshot, state: ScalingState
) -> ScalingState:
    """What was seen before a gap, or before the clock was set back, says nothing about now."""
    seen_s = state.seen_s
    known = snapshot.workload is not None and snapshot.age_s <= config.stale_s
    known = known and not snapshot.redis_away
    if seen_s is None or not 0 <= snapshot.at_s - seen_s <= config.stale_s:
        state = replace(state, wishes=(), peaks=(), window_from_s=snapshot.at_s)
        if seen_s is not None and snapshot.at_s < seen_s:
            state = replace(state, changed_s=None, raised_s=None, lowered_s=None, hold_until_s=None)
    return replace(state, seen_s=snapshot.at_s if known else seen_s)


def _notice_other_writer(
    config: ScalingConfig, snapshot: Snapshot, state: ScalingState
) -> ScalingState:
    """A count that is not the one we left is somebody's will: adopt it, for a while."""
    if state.replicas in (None, snapshot.replicas):
        return state
    until_s = snapshot.at_s + config.adopt_s
    return replace(state, replicas=snapshot.replicas, hold_until_s=until_s)


def _find_hold(config: ScalingConfig, snapshot: Snapshot, state: ScalingState) -> str:
    """Why nothing may be changed now; "" when it may."""
    if snapshot.workload is None:
        return "the workload is not known"
    if snapshot.age_s > config.stale_s:
        return f"the figures are {snapshot.age_s:.0f} s old"
    if snapshot.paused:
        return "paused by the operator"
    if snapshot.override is None and snapshot.at_s < (state.hold_until_s or 0.0):
        left_s = (state.hold_until_s or 0.0) - snapshot.at_s
        return f"somebody else set {snapshot.replicas}; left alone for {left_s:.0f} s more"
    return ""


def _override(
    config: ScalingConfig, snapshot: Snapshot, workload: Workload, state: ScalingState
) -> tuple[ScalingDecision, ScalingState]:
    asked = snapshot.override or 0
    most = min(config.replicas_max, find_connection_cap(config, workload))
    wanted = min(max(asked, min(1, config.replicas_min)), most)
    reason = f"the operator asks for {asked}" + ("" if wanted == asked else f"; {wanted} possible")
    return ScalingDecision(wanted=wanted, reason=reason), _note_change(snapshot, wanted, state)


def _remember_wish(
    config: ScalingConfig, snapshot: Snapshot, wish: Wish, state: ScalingState
) -> ScalingState:
    """Keep what still matters: a backlog that is gone is forgotten sooner than what arrives."""
    patience, calm_since_s = state.patience, state.calm_since_s
    if calm_since_s is None:
        calm_since_s = snapshot.at_s
    if patience > 1.0 and snapshot.at_s - calm_since_s >= config.relax_s:
        patience, calm_since_s = max(1.0, patience / 2), snapshot.at_s
    at_s = snapshot.at_s
    return replace(
        state,
        wishes=_keep(state.wishes, wish.steady, at_s, at_s - config.window_s * patience),
        peaks=_keep(state.peaks, wish.replicas, at_s, at_s - config.peak_window_s * patience),
        patience=patience,
        calm_since_s=calm_since_s,
    )


def _keep(wishes: Wishes, wish: int, at_s: float, oldest_s: float) -> Wishes:
    """Those of the window that are higher than all later ones."""
    return (*((s, n) for s, n in wishes if s >= oldest_s and n > wish), (at_s, wish))


def _go_up(
    config: ScalingConfig, snapshot: Snapshot, wish: Wish, state: ScalingState
) -> tuple[ScalingDecision, ScalingState]:
    passed_s = snapshot.at_s - (state.changed_s or 0.0)
    if state.changed_s is not None and passed_s < config.change_every_s:
        reason = f"{wish.reason}; the last change is {passed_s:.0f} s old"
        return ScalingDecision(wanted=snapshot.replicas, reason=reason), _settle(snapshot, state)
    state = replace(_learn_regret(config, snapshot, state), raised_s=snapshot.at_s)
    decision = ScalingDecision(wanted=wish.replicas, reason=wish.reason)
    return decision, _note_change(snapshot, wish.replicas, state)


def _learn_regret(config: ScalingConfig, snapshot: Snapshot, state: ScalingState) -> ScalingState:
    """Up again soon after a step down: that step was too early, so wait longer next time."""
    if state.lowered_s is None or snapshot.at_s - state.lowered_s > config.regret_s:
        return state
    patience = min(config.patience_max, state.patience * 2)
    return replace(state, patience=patience, calm_since_s=snapshot.at_s, lowered_s=None)


def _go_down(
    config: ScalingConfig, snapshot: Snapshot, workload: Workload, known: tuple[Wish, ScalingState]
) -> tuple[ScalingDecision, ScalingState]:
    wish, state = known
    reason = _find_patience(config, snapshot, workload, state)
    wanted = max(n for _, n in (*state.wishes, *state.peaks))
    busy = -(-workload.running // max(1, int(config.busy_share * config.threads)))
    if not reason and max(wanted, busy) >= snapshot.replicas:
        reason = f"{wanted} wished within the window" if wanted > busy else "too many jobs run"
    if reason:
        reason = f"{wish.reason}; not lowered: {reason}"
        return ScalingDecision(wanted=snapshot.replicas, reason=reason), _settle(snapshot, state)
    wanted = max(wanted, busy)
    state = replace(state, lowered_s=snapshot.at_s)
    decision = ScalingDecision(wanted=wanted, reason=wish.reason)
    return decision, _note_change(snapshot, wanted, state)


def _find_patience(
    config: ScalingConfig, snapshot: Snapshot, workload: Workload, state: ScalingState
) -> str:
    """Why the count may not be lowered yet; "" when it may."""
    if workload.is_provider_failing:
        return "the provider fails"
    if snapshot.redis_away:
        return "without it workers are given no jobs"
    window_s = config.peak_window_s * state.patience
    begun_s = snapshot.at_s if state.window_from_s is None else state.window_from_s
    if snapshot.at_s - begun_s < window_s:
        return f"watched for {snapshot.at_s - begun_s:.0f} of {window_s:.0f} s"
    since = (config.settle_s, state.raised_s), (config.change_every_s, state.changed_s)
    for least_s, at_s in since:
        if at_s is not None and snapshot.at_s - at_s < least_s:
            return f"the last change is {snapshot.at_s - at_s:.0f} s old"
    return ""


def _note_change(snapshot: Snapshot, wanted: int, state: ScalingState) -> ScalingState:
    changed_s = snapshot.at_s if wanted != snapshot.replicas else state.changed_s
    return replace(state, replicas=wanted, changed_s=changed_s)


def _settle(snapshot: Snapshot, state: ScalingState) -> ScalingState:
    return replace(state, replicas=snapshot.replicas)
