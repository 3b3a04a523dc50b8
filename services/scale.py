"""The scaler's use case: observe, decide, apply, record."""

from __future__ import annotations

from dataclasses import dataclass, field

from core.clock import monotonic_s
from core.errors import UnavailableError
from core.log import get_logger
from core.settings import Settings
from domain.job import Lane
from domain.ports import ReplicaTarget
from domain.scaling import ScalingConfig, ScalingDecision, ScalingState, Snapshot, decide
from models import scaler_decision as decisions
from services.deps import Deps, build_replica_target, build_worker_deps

log = get_logger(__name__)

SCALED_LANES = (Lane.BULK, Lane.SCHEDULED)


@dataclass(slots=True)
class Scaler:
    """One scaler; only one runs, and only it writes the number of replicas."""

    deps: Deps
    target: ReplicaTarget
    apply: bool
    state: ScalingState = field(default_factory=ScalingState)

    def run_tick(self) -> ScalingDecision:
        """One round. Without information nothing is changed."""
        settings = self.deps.settings
        config = ScalingConfig(
            replicas_min=settings.workers_min,
            replicas_max=settings.workers_max,
            threads=settings.worker_threads,
        )
        current = self.target.read()
        replicas = settings.workers_min if current is None else current
        snapshot = observe(self.deps, replicas)
        decision, self.state = decide(config, snapshot, self.state)
        if decision.wanted != current:
            self._change(decision, snapshot)
        return decision

    def _change(self, decision: ScalingDecision, snapshot: Snapshot) -> None:
        if self.apply:
            self.target.write(decision.wanted)
        log.info(
            "replicas_wanted",
            wanted=decision.wanted,
            replicas=snapshot.replicas,
            applied=self.apply,
            reason=decision.reason,
        )
        try:
            with self.deps.database.transaction(system="scale") as session:
                decisions.insert_decision(
                    session,
                    adapter=self.target.name,
                    replicas=snapshot.replicas,
                    wanted=decision.wanted,
                    applied=self.apply,
                    reason=decision.reason,
                    inputs={"waiting": snapshot.waiting, "running": snapshot.running},
                )
        except UnavailableError as fault:
            log.warning("decision_not_recorded", reason=fault.message)


def observe(deps: Deps, replicas: int) -> Snapshot:
    """The backlog as Postgres has it: Redis lists are short and lie."""
    waiting = running = None
    try:
        with deps.database.transaction(system="observe") as session:
            waiting, running = decisions.measure_backlog(
                session, pool=deps.pool, lanes=[lane.value for lane in SCALED_LANES]
            )
    except UnavailableError as fault:
        log.warning("backlog_unknown", reason=fault.message)
    return Snapshot(at_s=monotonic_s(), replicas=replicas, waiting=waiting, running=running)


def build_scaler(settings: Settings) -> Scaler:
    """The scaler of this process; raises SettingsError."""
    return Scaler(
        deps=build_worker_deps(settings),
        target=build_replica_target(settings),
        apply=settings.scaler_apply,
    )
