"""The scaler's use case: observe, decide, apply, verify, record."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from typing import Final, TypeVar

from core.clock import monotonic_s
from core.errors import SettingsError, UnavailableError
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
from services.process import SCHEMA_WAIT_S, wait_for_schema
from services.scale_alarms import EVERY_S, tell_replicas, watch_queue
from services.scale_observe import build_config, count_serving, observe_workload
from services.scale_target import TargetWatch
from services.scale_tick import Tick, describe_other, find_kind

log = get_logger(__name__)
T = TypeVar("T")

LEASE_S: Final = 60.0
"""Longer than the longest tick: four calls of 15 s would have failed before."""


KEPT: Final = ("unchanged", "held", "applied", "dry run")
"""Outcomes after which the policy may believe that its decision is what there is."""


@dataclass(slots=True)
class Scaler:
    """One scaler. Only the holder of the target's lease writes, so that two never fight.

    A dry run has a lease and a memory of its own: it never stands in the way of the real one. One
    of a single round (``once``) goes by the memory of the real one and leaves nothing behind. What
    the operator asks of the real one holds for both.
    """

    deps: Deps
    config: ScalingConfig
    watch: TargetWatch
    apply: bool
    once: bool = False
    clock: Callable[[], float] = monotonic_s
    holder: uuid.UUID = field(default_factory=new_id)
    _state: ScalingState | None = None
    _last_noted: str = ""
    _watched_s: float = -EVERY_S

    @property
    def looks_only(self) -> bool:
        """Whether it leaves nothing behind."""
        return self.once and not self.apply

    @property
    def lease_name(self) -> str:
        """The row of lease, state and controls."""
        return self.watch.target.name if self.apply else f"{self.watch.target.name}{states.DRY}"

    def run_tick(self) -> Tick:
        """One round. Without the database nothing is changed: there is neither lease nor work."""
        try:
            tick = self._run_tick()
        except UnavailableError as fault:
            log.warning("backlog_unknown", reason=fault.message)
            return self._build_idle(fault.message)
        if tick.snapshot is not None and not self.looks_only:  # it leads
            self._watch_queue()
        return tick

    def close(self) -> None:
        """Give the lease back, so that the next scaler begins at once."""
        if self.looks_only:
            return
        try:
            with self.deps.database.statements(system="scaler") as session:
                states.release_lease(session, self.lease_name, holder=self.holder)
        except UnavailableError as fault:
            log.warning("lease_not_released", reason=fault.message)

    def _run_tick(self) -> Tick:
        held, seen = self._find_memory()
        if held is None:
            self._state = None
            return self._build_idle(describe_other(seen or self._see()), seen)
        now_s = self.clock()
        count = self.watch.look(now_s)
        if self.apply:
            self.watch.confirm(now_s)
        state = self._state or ScalingState.from_json(held.state)
        messages = self._count_messages()
        snapshot = self._build_snapshot(held, count, redis_away=messages is None)
        decision, after = decide(self.config, snapshot, self._forget_unreal(state, count))
        tick = Tick(
            decision=decision,
            outcome=self._carry_out(decision, count),
            count=count,
            snapshot=snapshot,
            serving=count_serving(self.deps),
            messages=messages,
            seen=seen,
        )
        if not self.looks_only:
            self._keep(after if tick.outcome in KEPT else state, tick)
            self._note(tick)
        return tick

    def _find_memory(self) -> tuple[states.HeldScaler | None, states.SeenScaler | None]:
        """The memory to go by with the operator's wishes, None while another leads; what leads."""
        if self.apply:
            held = self._take_lease()
            return held, None if held is not None else self._see()
        seen = self._see()
        if self.looks_only:
            held = states.HeldScaler(at_s=seen.at_s, state=seen.state, paused=False, override=None)
        else:
            held = self._take_lease()
        if held is not None:
            held = replace(held, paused=seen.paused, override=seen.override)
        return held, seen

    def _forget_unreal(self, state: ScalingState, count: ReplicaCount) -> ScalingState:
        """The memory without what has not come true."""
        if count.asked is None:
            state = replace(state, replicas=None)
        if not self.apply and not self.looks_only:  # what it only wished
            state = replace(state, replicas=None, changed_s=None)
        return state

    def _count_messages(self) -> int | None:
        """Messages in Redis; None when it does not answer."""
        try:
            return sum(self.deps.queue.count_messages().values())
        except UnavailableError as fault:
            log.warning("road_unknown", reason=fault.message)
            return None

    def _see(self) -> states.SeenScaler:
        with self.deps.database.statements(system="scaler") as session:
            return states.see_scaler(session, self.watch.target.name)

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

    def _build_snapshot(
        self, held: states.HeldScaler, count: ReplicaCount, *, redis_away: bool
    ) -> Snapshot:
        replicas = count.asked
        if self.watch.change is not None:
            replicas = self.watch.change.wanted  # ours, under way: not somebody else's
        return Snapshot(
            at_s=held.at_s,
            replicas=self.config.replicas_min if replicas is None else replicas,
            workload=self._observe(),
            paused=held.paused,
            override=held.override,
            redis_away=redis_away,
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
        return f"refused: {reason.removesuffix('.')}" if reason else "applied"

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
        last = {**tick.to_json(), **({"once": True} if self.once else {})}
        stored = {**state.to_json(), states.LAST: last}
        with self.deps.database.statements(system="scaler") as session:
            states.save_state(session, self.lease_name, holder=self.holder, state=stored)

    def _note(self, tick: Tick) -> None:
        """Log and record changes, and holds and refusals once; not every tick."""
        if self.watch.alarm:
            log.error("replicas_not_running", reason=self.watch.alarm)
            self._record(tick, reason=self.watch.alarm, applied=False)
            tell_replicas(self.deps, self.watch.target.name, self.watch.alarm)
            self.watch.alarm = ""
        kind = find_kind(tick)
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

    def _build_idle(self, reason: str, seen: states.SeenScaler | None = None) -> Tick:
        count = ReplicaCount(asked=None)
        decision = ScalingDecision(wanted=self.config.replicas_min, reason=reason, held=True)
        return Tick(decision=decision, outcome="held", count=count, seen=seen)


def build_scaler(settings: Settings, *, apply: bool | None = None, once: bool = False) -> Scaler:
    """The scaler of this process; raises SettingsError that names all that is wrong.

    ``once``: a single look by hand, which leaves nothing behind unless it applies.
    """
    faults: list[str] = []
    config = _attempt(lambda: build_config(settings), faults)
    target = _attempt(lambda: build_replica_target(settings), faults)
    if config is None or target is None:
        raise SettingsError(
            "; ".join(faults) + ".", remedy="See docs/howto/scaling.md.", field="settings"
        )
    return Scaler(
        deps=build_worker_deps(settings),
        config=config,
        watch=TargetWatch(target),
        apply=settings.scaler_apply if apply is None else apply,
        once=once,
    )


def _attempt(build: Callable[[], T], faults: list[str]) -> T | None:
    """What could be built, else its fault among the others: one must not hide the next."""
    try:
        return build()
    except SettingsError as fault:
        faults.append(fault.message.rstrip("."))
        return None


def run_rounds(scaler: Scaler, *, wait_s: float = SCHEMA_WAIT_S) -> Iterator[Tick]:
    """Round after round, the caller waiting between them; the lease is given back at the end.

    Raises SettingsError when the target is the wrong one, UnavailableError without a database
    for ``wait_s``.
    """
    wait_for_schema(scaler.deps, wait_s=wait_s)
    scaler.watch.require_right()
    try:
        while True:
            yield scaler.run_tick()
    finally:
        scaler.close()
