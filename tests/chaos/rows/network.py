"""The network between workers and servers: silent, cut, and replies that never arrive."""

from __future__ import annotations

from core.clock import monotonic_s, sleep
from tests.chaos.load import (
    Size,
    read_clock,
    submit_all,
    time_first_end,
    wait_for_all,
    wait_for_calls,
    wait_for_ended,
)
from tests.chaos.programs import running
from tests.chaos.proxy import FaultProxy
from tests.chaos.rows.killed import build_fleet
from tests.chaos.stage import Scene, Stage, open_scene
from tests.chaos.verdict import Kills, Verdict, judge

HEALED_S = 30.0
BACK_S = 15.0
CLAIM = b"SET state = 'running'"
FINISH = b"finalized_at = clock_timestamp()"


def require_proxies(scene: Scene) -> tuple[FaultProxy, FaultProxy]:
    """The ways to Postgres and to Redis."""
    assert scene.to_postgres is not None
    assert scene.to_redis is not None
    return scene.to_postgres, scene.to_redis


def run_silent(stage: Stage, size: Size) -> Verdict:
    """Row 13: for a while nothing comes through, first to Redis, then to Postgres."""
    with open_scene(stage, latency_ms=size.latency_ms, proxies=True) as scene:
        to_postgres, to_redis = require_proxies(scene)
        kills, times = Kills(scene), []
        fleet = build_fleet(scene, size)
        submit_all(scene, size.jobs)
        with running(*fleet):
            for number, proxy in enumerate((to_redis, to_postgres), start=1):
                wait_for_ended(scene, number * size.jobs // 4, longest_s=size.longest_s)
                wait_for_calls(scene, 1)
                proxy.change(is_silent=True)
                if proxy is to_postgres:
                    kills.note([worker.process_id for worker in fleet])
                sleep(size.outage_s)
                proxy.change()
                times.append(time_first_end(scene, read_clock(scene), longest_s=60))
            wait_for_all(scene, size.jobs, longest_s=size.longest_s)
        injected = f"Redis, then Postgres silent for {size.outage_s:.0f} s"
        verdict = judge(scene, injected=injected, jobs=size.jobs, kills=kills)
    slowest = max(times)
    return verdict.recover(times).require(
        holds=slowest <= HEALED_S, else_=f"{slowest:.1f} s after the healing nothing had ended"
    )


def run_cut(stage: Stage, size: Size) -> Verdict:
    """T5: connections to Redis and Postgres are reset again and again, fetched messages with them.

    A fetch whose reply is lost leaves its messages in the hands of a living process.
    """
    with open_scene(stage, latency_ms=size.latency_ms, proxies=True) as scene:
        to_postgres, to_redis = require_proxies(scene)
        resets = 0
        submit_all(scene, size.jobs)
        with running(*build_fleet(scene, size)):
            for _ in range(size.faults):
                to_redis.change(most_bytes=2000)
                sleep(0.3)
                resets += to_redis.cut() + to_postgres.cut()
                to_redis.change()
                sleep(size.outage_s)
            started_s = monotonic_s()
            wait_for_all(scene, size.jobs, longest_s=size.longest_s)
            took_s = monotonic_s() - started_s
        injected = f"{resets} connections reset in {size.faults} waves"
        verdict = judge(scene, injected=injected, jobs=size.jobs)
        crashes = scene.count("app.job WHERE crash_count > 0")
    return verdict.require(holds=crashes == 0, else_=f"{crashes} jobs counted as crashed").say(
        f"all ended {took_s:.0f} s after the last wave"
    )


def run_unheard(stage: Stage, size: Size) -> Verdict:
    """Replies to committed claims and ends are lost: the process gives such jobs back itself."""
    with open_scene(stage, latency_ms=size.latency_ms, proxies=True) as scene:
        to_postgres, _ = require_proxies(scene)
        with running(*build_fleet(scene, size)):
            to_postgres.change(deaf_to=CLAIM, deaf_times=size.faults)
            submit_all(scene, size.jobs)
            wait_for_ended(scene, size.jobs // 2, longest_s=size.longest_s)
            to_postgres.change(deaf_to=FINISH, deaf_times=size.faults)
            wait_for_all(scene, size.jobs, longest_s=size.longest_s)
        verdict = judge(
            scene, injected=f"{to_postgres.dropped} replies of Postgres lost", jobs=size.jobs
        )
        crashes = scene.count("app.job WHERE crash_count > 0")
        times = [float(row[0]) for row in scene.query(_AGAIN)]
    slowest = max(times, default=0.0)
    return (
        verdict.recover(times)
        .require(holds=bool(times), else_="no claim was lost")
        .require(holds=crashes == 0, else_=f"{crashes} jobs counted as crashed")
        .require(holds=slowest <= BACK_S, else_=f"a lost claim came back after {slowest:.1f} s")
    )


_AGAIN = """
SELECT extract(epoch FROM b.at - a.at)::float8 FROM app.chaos_move a JOIN app.chaos_move b
  ON b.job_id = a.job_id AND b.became = 'running' AND b.claim_no = a.claim_no + 1
WHERE a.became = 'running'
"""
