"""The scaler's use case: observe, decide, apply, verify, record."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final

from core.clock import monotonic_s
from core.errors import InputError, UnavailableError
from core.ids import new_id
from core.log import get_logger
from core.settings import Settings
from domain.ports import ReplicaCount
from domain.scaling import decide
from domain.scaling.values import (
    ScalingConfig,
    ScalingDecision,
    ScalingState,
    Snapshot,
    Workload,
)
from models import scaler_decision as decisions
from models import scaler_state as states
from services.deps import Deps, build_replica_target, build_worker_deps
from services.process import wait_for_schema
from services.scale_alarms import EVERY_S, tell_replicas, watch_queue
from services.scale_observe import build_config, count_serving, observe_workload
from services.scale_target import TargetWatch

log = get_logger(__name__)

LEASE_S: Final = 60.0
"""Longer than the longest tick: four calls of 15 s would have failed before."""


KEPT: Final = ("unchanged", "held", "applied", "dry run")
"""Outcomes after which the policy may believe that its decision is what there is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """What one round saw and came to; ``outcome`` says in words what became of the decision."""

    decision: ScalingDecision
    outcome: str
    count: ReplicaCount
    snapshot: Snapshot | None = None
    serving: int | None = None

    def __str__(self) -> str:
        """One line."""
        return f"{self.decision.wanted} {self.outcome}: {self.decision.reason}"

    def to_json(self) -> dict[str, Any]:
        """Plain values: what was wanted, what became of it and why, what there is."""
        return {
            "wanted": self.decision.wanted,
            "outcome": self.outcome,
            "reason": self.decision.reason,
            "asked": self.count.asked,
            "running": self.count.running,
            "serving": self.serving,
        }

    def explain(self) -> str:
        """The inputs and the reason, a line each."""
        lines = [f"wanted    {self.decision.wanted}", f"because   {self.decision.reason}"]
        lines += [f"outcome   {self.outcome}", f"asked     {self.count.asked}"]
        lines += [f"running   {self.count.running}", f"serving   {self.serving}"]
        if self.snapshot is not None and self.snapshot.workload is not None:
            lines += [f"{name} {value}" for name, value in asdict(self.snapshot.workload).items()]
        return "\n".join(lines)


@dataclass(slots=True)
class Scaler:
    """One scaler. Only the holder of the target's lease writes, so that two never fight.

    A dry run has a lease and a memory of its own: it never stands in the way of the real one.
    """

    deps: Deps
    config: ScalingConfig
    watch: TargetWatch
    apply: bool
    clock: Callable[[], float] = monotonic_s
    holder: uuid.UUID = field(default_factory=new_id)
    _state: ScalingState | None = None
    _last_noted: str = ""
    _watched_s: float = -EVERY_S

    @property
    def lease_name(self) -> str:
        """The row of lease, state and controls."""
        return self.watch.target.name if self.apply else f"{self.watch.target.name}:dry-run"

    def run_tick(self) -> Tick:
        """One round. Without the database nothing is changed: there is neither lease nor work."""
        try:
            tick = self._run_tick()
        except UnavailableError as fault:
            log.warning("backlog_unknown", reason=fault.message)
            return self._build_idle(fault.message)
        if tick.snapshot is not None:  # it leads
            self._watch_queue()
        return tick

    def close(self) -> None:
        """Give the lease back, so that the next scaler begins at once."""
        try:
            with self.deps.database.statements(system="scaler") as session:
                states.release_lease(session, self.lease_name, holder=self.holder)
        except UnavailableError as fault:
            log.warning("lease_not_released", reason=fault.message)

    def _run_tick(self) -> Tick:
        held = self._take_lease()
        if held is None:
            self._state = None
            return self._build_idle("another scaler leads")
        now_s = self.clock()
        count = self.watch.look(now_s)
        if self.apply:
            self.watch.confirm(now_s)
        state = self._state or ScalingState.from_json(held.state)
        snapshot = self._build_snapshot(held, count)
        if count.asked is None:
            state = replace(state, replicas=None)
        if not self.apply:  # what it only wished has not come true
            state = replace(state, replicas=None, changed_s=None)
        decision, after = decide(self.config, snapshot, state)
        tick = Tick(
            decision=decision,
            outcome=self._carry_out(decision, count),
            count=count,
            snapshot=snapshot,
            serving=count_serving(self.deps),
        )
        self._keep(after if tick.outcome in KEPT else state, tick)
        self._note(tick)
        return tick

    def _watch_queue(self) -> None:
        """Look now and then whether the operator must hear of something."""
        now_s = self.clock()
        if now_s - self._watched_s < EVERY_S:
            return
        self._watched_s = now_s
        try:
            watch_queue(self.deps)
        except UnavailableError as fault:
            log.warning("queue_not_watched", reason=fault.message)

    def _take_lease(self) -> states.HeldScaler | None:
        with self.deps.database.statements(system="scaler") as session:
            return states.take_lease(session, self.lease_name, holder=self.holder, lease_s=LEASE_S)

    def _build_snapshot(self, held: states.HeldScaler, count: ReplicaCount) -> Snapshot:
        replicas = count.asked
        if self.watch.change is not None:
            replicas = self.watch.change.wanted  # ours, under way: not somebody else's
        return Snapshot(
            at_s=held.at_s,
            replicas=self.config.replicas_min if replicas is None else replicas,
            workload=self._observe(),
            paused=held.paused,
            override=held.override,
        )

    def _observe(self) -> Workload:
        return observe_workload(self.deps, ahead_s=self.config.start_s)

    def _carry_out(self, decision: ScalingDecision, count: ReplicaCount) -> str:
        """What became of a decision, in words."""
        known = count.asked if self.watch.change is None else self.watch.change.wanted
        if decision.held:
            return "held"
        if decision.wanted == known:
            return "unchanged"
        if not self.apply:
            return "dry run"
        reason = self._apply(decision.wanted, count)
        return f"refused: {reason}" if reason else "applied"

    def _apply(self, wanted: int, count: ReplicaCount) -> str:
        """Write, after a last look; why it was not done, "" when it was."""
        now_s = self.clock()
        fresh = self.watch.look_anew(now_s)
        if self.watch.fault:
            return self.watch.fault
        if fresh.asked != count.asked:
            return "somebody else changed the count just now"
        if self._take_lease() is None:
            return "another scaler leads"
        return "" if self.watch.write(wanted, now_s) else self.watch.fault

    def _keep(self, state: ScalingState, tick: Tick) -> None:
        """Remember for the next round, and what this one came to for whoever looks."""
        self._state = state
        stored = {**state.to_json(), states.LAST: tick.to_json()}
        with self.deps.database.statements(system="scaler") as session:
            states.save_state(session, self.lease_name, holder=self.holder, state=stored)

    def _note(self, tick: Tick) -> None:
        """Log and record changes, and holds and refusals once; not every tick."""
        if self.watch.alarm:
            log.error("replicas_not_running", reason=self.watch.alarm)
            self._record(tick, reason=self.watch.alarm, applied=False)
            tell_replicas(self.deps, self.watch.target.name, self.watch.alarm)
            self.watch.alarm = ""
        kind = _find_kind(tick)
        if kind == self._last_noted and tick.outcome != "applied":
            return
        self._last_noted = kind
        if kind:
            applied = tick.outcome == "applied"
            reason = tick.decision.reason if applied else f"{tick.outcome}: {tick.decision.reason}"
            log.info("replicas_wanted", wanted=tick.decision.wanted, applied=applied, reason=reason)
            self._record(tick, reason=reason, applied=applied)

    def _record(self, tick: Tick, *, reason: str, applied: bool) -> None:
        workload = tick.snapshot.workload if tick.snapshot is not None else None
        inputs = {} if workload is None else asdict(workload)
        try:
            with self.deps.database.transaction(system="scale") as session:
                decisions.insert_decision(
                    session,
                    adapter=self.watch.target.name,
                    replicas=tick.count.asked or 0,
                    wanted=tick.decision.wanted,
                    applied=applied,
                    reason=reason,
                    inputs={**inputs, "serving": tick.serving, "running": tick.count.running},
                )
        except UnavailableError as fault:
            log.warning("decision_not_recorded", reason=fault.message)

    def _build_idle(self, reason: str) -> Tick:
        count = ReplicaCount(asked=None)
        decision = ScalingDecision(wanted=self.config.replicas_min, reason=reason, held=True)
        return Tick(decision=decision, outcome="held", count=count)


def _find_kind(tick: Tick) -> str:
    """What is new about a round: its outcome without numbers that only count time; "" nothing."""
    if tick.outcome == "unchanged":
        return ""
    if tick.outcome == "dry run":
        return f"dry run {tick.decision.wanted}"
    said = tick.decision.reason if tick.decision.held else tick.outcome
    return re.sub(r"[\d.]+", "#", said)


def build_scaler(settings: Settings, *, apply: bool | None = None) -> Scaler:
    """The scaler of this process; raises SettingsError."""
    target = build_replica_target(settings)
    return Scaler(
        deps=build_worker_deps(settings),
        config=build_config(settings),
        watch=TargetWatch(target),
        apply=settings.scaler_apply if apply is None else apply,
    )


def run_rounds(scaler: Scaler) -> Iterator[Tick]:
    """Round after round, the caller waiting between them; the lease is given back at the end.

    Raises SettingsError when the target is the wrong one, UnavailableError without a database.
    """
    wait_for_schema(scaler.deps)
    scaler.watch.require_right()
    try:
        while True:
            yield scaler.run_tick()
    finally:
        scaler.close()


def obey_operator(scaler: Scaler, wish: str, *, minutes: float) -> None:
    """Leave a wish where the scaler that leads finds it at its next round.

    ``wish`` is "pause", "resume" (which also takes back a number), or a number of replicas for so
    many ``minutes``. Raises InputError.
    """
    number = int(wish) if wish.isdecimal() else 0
    if wish not in ("pause", "resume") and not number:
        raise InputError(f"{wish!r} is none of pause, resume, and a number above 0.", field="set")
    target = scaler.watch.target.name
    with scaler.deps.database.transaction(system="scaler") as session:
        states.set_paused(session, target, paused=wish == "pause")
        if wish != "pause":
            states.set_override(session, target, replicas=number or None, minutes=minutes)
