"""Redis emptied, replaced, away; Postgres restarted, killed, read-only."""

from __future__ import annotations

import signal
from collections.abc import Callable

import redis

from core.clock import monotonic_s, sleep, wait_until
from core.errors import UnavailableError
from domain.job import Lane
from gateways.job_queue import MEMORY_LOOK_S, NAMESPACE
from services.submit import submit_job
from tests.chaos.load import (
    Size,
    list_sent,
    read_clock,
    start_import,
    submit_all,
    time_first_end,
    time_returns,
    wait_for_all,
    wait_for_ended,
)
from tests.chaos.programs import running
from tests.chaos.rows.killed import build_fleet, build_member
from tests.chaos.stage import Scene, Stage, open_scene
from tests.chaos.verdict import Verdict, judge
from tests.support.jobs import make_order, make_seller

REFILL_S = 15.0
FIRST_S = 5.0
PATIENCE_S = 60.0
FULL_S = 6


def flush(scene: Scene, size: Size) -> None:
    """FLUSHALL."""
    with redis.Redis.from_url(scene.stage.redis_url) as client:
        client.flushall()


def replace_redis(scene: Scene, size: Size) -> None:
    """Kill it, and start it again without files after so long."""
    scene.stage.valkey.kill()
    sleep(size.outage_s)
    scene.stage.valkey.start()


def run_redis(stage: Stage, size: Size, *, fault: Callable[[Scene, Size], None]) -> Verdict:
    """Row 2: at half way all messages are lost; each is sent again soon after Redis answers.

    The workers fetch nothing ahead, so that what was sent lies in Redis and is really lost.
    """
    with open_scene(stage, latency_ms=size.latency_ms) as scene:
        counts = [size.threads + n for n in range(size.processes)]
        fleet = [build_member(scene, n, dramatiq_queue_prefetch=str(n)) for n in counts]
        with running(*fleet):
            start_import(scene, size.jobs)
            wait_for_ended(scene, size.jobs // 2, longest_s=size.longest_s)
            wait_until(lambda: count_listed(scene) > 1, timeout_s=5, poll_s=0.01)
            sent, listed = list_sent(scene), count_listed(scene)
            fault(scene, size)
            times = time_returns(scene, sent, longest_s=PATIENCE_S)
            wait_for_all(scene, size.jobs, longest_s=size.longest_s)
        injected = f"{(fault.__doc__ or '').split('.')[0]}, {listed} messages in it"
        verdict = judge(scene, injected=injected, jobs=size.jobs)
    last = max(times, default=0.0)
    said = f"last message back after {last:.1f} s"
    verdict = verdict.require(holds=listed > 0, else_="no message lay in Redis")
    return verdict.require(holds=last <= REFILL_S, else_=said).recover(times).say(said)


def count_listed(scene: Scene) -> int:
    """Messages that no worker has fetched."""
    with redis.Redis.from_url(scene.stage.redis_url) as client:
        return int(client.llen(f"{NAMESPACE}:{Lane.BULK}"))


def run_flush(stage: Stage, size: Size) -> Verdict:
    """Row 2a."""
    return run_redis(stage, size, fault=flush)


def run_replaced(stage: Stage, size: Size) -> Verdict:
    """Row 2b."""
    return run_redis(stage, size, fault=replace_redis)


def run_postgres(stage: Stage, size: Size, *, number: signal.Signals) -> Verdict:
    """Row 3: Postgres ends with calls in flight; their answers wait in memory for its return."""
    with open_scene(stage, latency_ms=size.latency_ms) as scene:
        times = []
        with running(*build_fleet(scene, size)):
            start_import(scene, size.jobs)
            for fault in range(1, size.faults + 1):
                wait_for_ended(
                    scene, fault * size.jobs // (size.faults + 1), longest_s=size.longest_s
                )
                stage.postgres.kill(number)
                sleep(size.outage_s)
                stage.postgres.start()
                times.append(time_first_end(scene, read_clock(scene), longest_s=PATIENCE_S))
            wait_for_all(scene, size.jobs, longest_s=size.longest_s)
        how = "kill -9 of the postmaster" if number == signal.SIGKILL else "restart -m fast"
        injected = f"{size.faults} × {how}, away for {size.outage_s:.0f} s"
        verdict = judge(scene, injected=injected, jobs=size.jobs)
        crashes = scene.count("app.job WHERE crash_count > 0")
    slowest = max(times)
    return (
        verdict.require(holds=slowest <= FIRST_S, else_=f"first end after {slowest:.1f} s")
        .require(holds=crashes == 0, else_=f"{crashes} jobs counted as crashed")
        .recover(times)
    )


def run_restart(stage: Stage, size: Size) -> Verdict:
    """Row 3a."""
    return run_postgres(stage, size, number=signal.SIGINT)


def run_postmaster(stage: Stage, size: Size) -> Verdict:
    """Row 3b."""
    return run_postgres(stage, size, number=signal.SIGKILL)


def run_full_redis(stage: Stage, size: Size) -> Verdict:
    """Row 9: something else fills Redis to its limit, then goes away by itself.

    At the limit Redis refuses acknowledgements too; nobody raises it. Submissions are refused from
    70 % on; what was accepted completes by itself once there is room.
    """
    with (
        open_scene(stage, latency_ms=size.latency_ms) as scene,
        redis.Redis.from_url(stage.redis_url) as client,
    ):
        with running(*build_fleet(scene, size)):
            submit_all(scene, size.jobs)
            limit = int(client.info("memory")["used_memory"]) + 4_000_000
            client.config_set("maxmemory", limit)
            try:
                refused, filled_s = fill(client), monotonic_s()
                turned_away = is_turned_away(scene)
                wait_for_all(scene, size.jobs, longest_s=size.longest_s)
                drained_s = monotonic_s()
            finally:
                client.config_set("maxmemory", 0)
        verdict = judge(scene, injected=f"{refused} writes refused", jobs=size.jobs)
    said = f"all ended {drained_s - filled_s:.0f} s after it was full, for {FULL_S} s"
    return (
        verdict.require(holds=refused > 0, else_="Redis was never full")
        .require(holds=turned_away, else_="new work was taken in")
        .say(said)
    )


def is_turned_away(scene: Scene) -> bool:
    """Whether a further submission is refused, with a time to come back."""
    sleep(MEMORY_LOOK_S)
    try:
        submit_job(scene.deps, make_seller(scene.deps, "late@example.com").id, make_order())
    except UnavailableError as fault:
        return fault.retry_after_s is not None
    return False


def fill(client: redis.Redis) -> int:
    """Write what expires after some seconds until the limit refuses; how often it has refused."""
    refused = 0
    for number in range(400):
        try:
            client.set(f"foreign:{number}", b"x" * 20_000, ex=FULL_S)
        except redis.ResponseError:
            refused += 1
    return refused
