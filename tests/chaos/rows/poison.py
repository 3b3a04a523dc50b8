"""Jobs that kill whatever runs them, beside innocent ones."""

from __future__ import annotations

import os
import signal
import uuid
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from core.clock import monotonic_s, wait_until
from domain.job import MAX_CRASHES
from embedded.processes import get_arguments
from tests.chaos.load import Size, make_beats_old, submit_all
from tests.chaos.programs import Worker, running
from tests.chaos.rows.killed import build_fleet
from tests.chaos.stage import Scene, Stage, open_scene
from tests.chaos.verdict import Kills, Verdict, judge

DELIVERIES = 3


@dataclass(slots=True)
class Poison:
    """Kills the process of every culprit that is seen running."""

    scene: Scene
    fleet: list[Worker]
    culprits: list[uuid.UUID]
    kills: Kills
    hasten: bool
    killed: int = 0
    most_suspects: int = 0
    _struck: set[tuple[uuid.UUID, int]] = field(default_factory=set)

    def strike(self) -> bool:
        """Kill where a culprit runs; whether everything has ended."""
        for job_id, claim_no, owner in self.scene.query(
            "SELECT id, claim_no, lease_owner::text FROM app.job"
            " WHERE state = 'running' AND id = ANY(:ids)",
            ids=self.culprits,
        ):
            if (job_id, claim_no) not in self._struck:
                self._struck.add((job_id, claim_no))
                self._kill(job_id, owner)
        suspects = "app.job WHERE state = 'running' AND crash_count >= :n"
        self.most_suspects = max(self.most_suspects, self.scene.count(suspects, n=MAX_CRASHES))
        return self.scene.count("app.job WHERE finalized_at IS NULL") == 0

    def _kill(self, job_id: uuid.UUID, owner: str) -> None:
        victims = [worker for worker in self.fleet if worker.process_id == owner]
        for worker in victims:
            worker.kill()
        if not victims:
            kill_lone(job_id)
        self.killed += 1
        self.kills.note([owner])
        if self.hasten:
            make_beats_old(self.scene, [owner])
        for worker in victims:
            worker.start()


def kill_lone(job_id: uuid.UUID) -> None:
    """Kill -9 the process that a job under suspicion has for itself."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            arguments = get_arguments(int(entry.name))
            if "workers.isolated" in arguments and str(job_id) in arguments:
                with suppress(ProcessLookupError):
                    os.kill(int(entry.name), signal.SIGKILL)


def run_poison(stage: Stage, size: Size) -> Verdict:
    """Row 8: some jobs kill -9 whatever runs them, each time; the others must not suffer."""
    with open_scene(stage, latency_ms=size.latency_ms) as scene:
        fleet, kills = build_fleet(scene, size), Kills(scene)
        submit_all(scene, size.jobs)
        step = max(1, size.jobs // size.faults)
        ids = [row[0] for row in scene.query("SELECT id FROM app.job ORDER BY created_at, id")]
        poison = Poison(scene, fleet, ids[::step][: size.faults], kills, size.hasten)
        started_s = monotonic_s()
        with running(*fleet):
            wait_until(poison.strike, timeout_s=size.longest_s, poll_s=0.05)
        injected = f"{size.faults} of {size.jobs} jobs kill their process, {poison.killed} kills"
        verdict = judge(scene, injected=injected, jobs=size.jobs, kills=kills, dead=size.faults)
        dead = scene.query("SELECT id FROM app.job WHERE state = 'discarded'")
        most = scene.query("SELECT max(claim_no) FROM app.job")[0][0]
        codes = scene.query("SELECT DISTINCT error_code FROM app.job WHERE state = 'discarded'")
    took_s = monotonic_s() - started_s
    innocent = len({row[0] for row in dead} - set(poison.culprits))
    return (
        verdict.require(holds=innocent == 0, else_=f"{innocent} innocent jobs condemned")
        .require(
            holds=len(dead) == size.faults, else_=f"{len(dead)} of {size.faults} culprits dead"
        )
        .require(holds=poison.most_suspects <= 1, else_="suspects ran side by side")
        .require(holds=codes == [("worker_lost",)], else_=f"reasons {codes}")
        .require(holds=most <= DELIVERIES, else_=f"{most} deliveries")
        .say(f"{innocent} innocents dead, {most} deliveries at most, {took_s:.0f} s")
    )
