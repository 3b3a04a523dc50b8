"""Worker processes that are killed, stopped, or asked to end."""

from __future__ import annotations

import random
import signal

from core.clock import monotonic_s, sleep, wait_until
from tests.chaos.load import (
    Size,
    make_beats_old,
    start_import,
    submit_all,
    wait_for_all,
    wait_for_calls,
    wait_for_ended,
    wait_for_running,
)
from tests.chaos.programs import DRAIN_MS, Worker, build_worker, running
from tests.chaos.stage import Scene, Stage, open_scene
from tests.chaos.verdict import Kills, Verdict, find_percentile, judge

P50_S, P99_S = 15.0, 25.0


def build_fleet(scene: Scene, size: Size) -> list[Worker]:
    """So many workers, each with one thread more than the one before, to tell them apart."""
    return [build_member(scene, size.threads + n) for n in range(size.processes)]


def build_member(scene: Scene, threads: int, **env: str) -> Worker:
    """One worker of the scene."""
    return build_worker(
        scene.deps,
        scene.folder,
        threads=threads,
        reaches=scene.worker_deps,
        env={**scene.keys, **env},
    )


def run_kills(stage: Stage, size: Size) -> Verdict:
    """Row 1: kill -9 of process groups one after the other, and of all workers and Redis at once.

    The faults come at equal steps of progress, and every victim is started again.
    """
    dice = random.Random(size.seed)  # noqa: S311 - not a secret
    faults = size.faults + size.wholes
    wholes = {(n + 1) * faults // (size.wholes + 1) for n in range(size.wholes)}
    with open_scene(stage, latency_ms=size.latency_ms) as scene:
        fleet, kills = build_fleet(scene, size), Kills(scene)
        with running(*fleet):
            start_import(scene, size.jobs, longest_s=size.longest_s)
            end_s = monotonic_s() + size.longest_s
            for number in range(1, faults + 1):
                wait_for_ended(
                    scene,
                    number * size.jobs // (faults + 1),
                    longest_s=max(0.0, min(size.longest_s / 4, end_s - monotonic_s())),
                )
                victims = fleet if number in wholes else [dice.choice(fleet)]
                kill_all(scene, victims, kills, hasten=size.hasten)
                if number in wholes:
                    stage.valkey.kill()
                    stage.valkey.start()
                for victim in victims:
                    victim.program.start()
                wait_for_fleet(scene, len(fleet))
            wait_for_all(scene, size.jobs, longest_s=size.longest_s / 2)
        injected = f"{size.faults} groups of {size.processes}, {size.wholes} × all and Redis"
        verdict = judge(scene, injected=injected, jobs=size.jobs, kills=kills)
    return check_recovery(verdict, size)


def kill_all(scene: Scene, victims: list[Worker], kills: Kills, *, hasten: bool) -> None:
    """Kill -9 them all at once, and remember what they had in hand."""
    owners = [victim.process_id for victim in victims]
    wait_for_calls(scene, len(victims), owners=owners)
    for victim in victims:
        victim.program.send(signal.SIGKILL)
    for victim in victims:
        victim.kill()
    kills.note(owners)
    if hasten:
        make_beats_old(scene, owners)


def wait_for_fleet(scene: Scene, count: int) -> None:
    """Until so many processes beat."""
    alive = (
        "app.worker_process WHERE draining_at IS NULL AND queues <> ''"
        " AND started_at > clock_timestamp() - interval '1 hour'"
        " AND beat_at > clock_timestamp() - interval '6 seconds'"
    )
    wait_until(lambda: scene.count(alive) >= count, timeout_s=60, poll_s=0.1)


def check_recovery(verdict: Verdict, size: Size) -> Verdict:
    """The targets of recovery hold where the lease was really waited for."""
    if size.hasten:
        return verdict
    p50, p99 = (find_percentile(verdict.recovery_s, share) for share in (0.5, 0.99))
    return verdict.require(holds=p50 <= P50_S, else_=f"recovery p50 {p50:.1f} s").require(
        holds=p99 <= P99_S, else_=f"recovery p99 {p99:.1f} s"
    )


def run_drain(stage: Stage, size: Size) -> Verdict:
    """Row 5: SIGTERM with every thread in a call; nothing is bought twice, nothing is a crash."""
    with open_scene(stage, latency_ms=size.latency_ms) as scene:
        leaving, staying = (build_member(scene, size.threads + n) for n in range(2))
        submit_all(scene, size.jobs)
        with running(leaving):
            wait_for_running(scene, size.threads * 3 // 4)
            asked_s = monotonic_s()
            code = leaving.program.terminate(timeout_s=DRAIN_MS / 1000 + 10)
            took_s = monotonic_s() - asked_s
        left = scene.count("app.job WHERE state = 'running'")
        with running(staying):
            wait_for_all(scene, size.jobs, longest_s=size.longest_s)
        said = f"ended after {took_s:.1f} s with code {code}, {left} jobs left running"
        verdict = judge(scene, injected=f"SIGTERM, {size.threads} threads in calls", jobs=size.jobs)
        crashes = scene.count("app.job WHERE crash_count + failures > 0")
    verdict = verdict.require(holds=crashes == 0, else_=f"{crashes} jobs were charged for it")
    verdict = verdict.require(holds=code == 0 and left == 0, else_=said)
    return verdict.require(holds=took_s <= DRAIN_MS / 1000, else_=said).say(said)


def run_no_drain(stage: Stage, size: Size) -> Verdict:
    """Row 5b: SIGTERM and SIGKILL in one breath, as a platform does that drains for 0 s."""
    with open_scene(stage, latency_ms=size.latency_ms) as scene:
        leaving, staying = (build_member(scene, size.threads + n) for n in range(2))
        kills = Kills(scene)
        submit_all(scene, size.jobs)
        with running(leaving, staying):
            owner = leaving.process_id
            wait_for_calls(scene, size.threads, owners=[owner])
            leaving.program.send(signal.SIGTERM)
            leaving.kill()
            kills.note([owner])
            if size.hasten:
                make_beats_old(scene, [owner])
            wait_for_all(scene, size.jobs, longest_s=size.longest_s)
        verdict = judge(scene, injected="SIGTERM, SIGKILL at 0 s", jobs=size.jobs, kills=kills)
    return check_recovery(verdict, size)


def run_stopped(stage: Stage, size: Size) -> Verdict:
    """Row 14: a process that stands still longer than its lease, then goes on.

    Its jobs are taken back meanwhile; what it writes afterwards the fence refuses, and only the
    calls it had in flight are billed twice.
    """
    with open_scene(stage, latency_ms=size.latency_ms) as scene:
        fleet, kills = build_fleet(scene, size), Kills(scene)
        submit_all(scene, size.jobs)
        with running(*fleet):
            stopped = fleet[0]
            wait_for_calls(scene, size.threads, owners=[stopped.process_id])
            stopped.program.send(signal.SIGSTOP)
            sleep(0.2)
            kills.note([stopped.process_id])
            if size.hasten:
                make_beats_old(scene, [stopped.process_id])
            back = "app.job WHERE state = 'running' AND lease_owner::text = :owner"
            owner = stopped.process_id
            wait_until(lambda: scene.count(back, owner=owner) == 0, timeout_s=40, poll_s=0.1)
            sleep(size.outage_s)
            stopped.program.send(signal.SIGCONT)
            wait_for_all(scene, size.jobs, longest_s=size.longest_s)
            sleep(1.0)
        return judge(scene, injected="SIGSTOP beyond the lease", jobs=size.jobs, kills=kills)


def run_long(stage: Stage, size: Size) -> Verdict:
    """Row 14b: calls that last longer than a lease, in a process that beats: billed once."""
    with open_scene(stage, latency_ms=size.latency_ms) as scene:
        submit_all(scene, size.jobs)
        with running(*build_fleet(scene, size)):
            wait_for_all(scene, size.jobs, longest_s=size.longest_s)
        injected = f"calls of {size.latency_ms / 1000:.0f} s"
        verdict = judge(scene, injected=injected, jobs=size.jobs)
        claims = scene.count("app.job WHERE claim_no > 1")
    return verdict.require(holds=claims == 0, else_=f"{claims} jobs claimed twice")
