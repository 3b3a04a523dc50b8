"""How much of the provider's budget is used, and how often it says no.

``python -m bench.groq_budget [--seconds 75] [--only NAME] [--dry]``: four processes of sixteen
threads wait in place for the same simulated Groq; our budget, the library's own retries, and a
counter for each minute take turns. ``--dry`` prints and leaves the page alone.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import groq
import redis

from bench.groq_callers import MODEL, Spec
from bench.page import format_table, write_section
from core.clock import epoch_s, monotonic_s, sleep
from domain.budget.values import Booking, BudgetLimits, Cost, Reservation
from embedded.servers import start_servers
from gateways.provider_budget import RedisBudget
from tests.support.groq_sim import GroqSimulator
from tests.support.servers import make_test_folder

PROCESSES: Final = 4
THREADS: Final = 16
LATENCY_MS: Final = 500
FAULTS: Final = (
    *("500", "502", "503", "498", "json_failed", "cut", "empty", "prose", "length"),
    *("reset", "html", "lost", "timeout", "slow"),
)
UNBILLED: Final = ("reset", "html", "timeout")
STRANGER: Final = "stranger"
FOREIGN_SHARE: Final = 0.2
FOREIGN_TOKENS: Final = 600
START_S: Final = 8.0
"""So long the processes take to start, before any of them may ask."""

COST_ROUNDS: Final = 3000


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One run: who keeps the limits, which limits, and what goes wrong."""

    name: str
    strategy: str = "ours"
    requests_per_minute: int = 600
    tokens_per_minute: int = 60_000
    faults: tuple[str, ...] = ()
    foreign: bool = False
    kill: bool = False
    threads: int = THREADS


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a scene. Shares are of the budget: a full bucket and what flowed back."""

    scene: Scene
    used_share: float
    ours_share: float
    calls: int
    refused: int
    ok: int
    failed: int
    waits_small: list[float]
    waits_big: list[float]
    known_picousd: int
    unanswered_picousd: int
    billed_picousd: int


SCENES: Final = (
    Scene(name="ours"),
    Scene(name="the library's retries", strategy="sdk"),
    Scene(name="counter for each minute", strategy="window"),
    Scene(name="ours, 1 % of each fault", faults=FAULTS),
    Scene(name="ours, a stranger takes 20 %", foreign=True),
    Scene(name="ours, a process killed in mid-call", kill=True),
    Scene(
        name="ours, developer plan",
        requests_per_minute=1_000,
        tokens_per_minute=250_000,
        threads=4 * THREADS,
    ),
)


def run_scene(scene: Scene, *, redis_url: str, seconds: float) -> Outcome:
    """Let the callers run for so long; read both books afterwards."""
    with redis.Redis.from_url(redis_url) as client:
        client.flushdb()
    with running_simulator(scene) as url, tempfile.TemporaryDirectory() as folder:
        from_s = epoch_s() + START_S
        spec = Spec(
            strategy=scene.strategy,
            process=0,
            threads=scene.threads,
            url=url,
            redis_url=redis_url,
            requests_per_minute=scene.requests_per_minute,
            tokens_per_minute=scene.tokens_per_minute,
            from_s=from_s,
            until_s=from_s + seconds,
        )
        outs = [Path(folder) / f"{number}.jsonl" for number in range(PROCESSES)]
        callers = [
            subprocess.Popen(
                [
                    *(sys.executable, "-m", "bench.groq_callers"),
                    *(json.dumps(asdict(replace(spec, process=number))), str(out)),
                ]
            )
            for number, out in enumerate(outs)
        ]
        sleep(max(0.0, from_s - epoch_s()))
        if scene.foreign:
            spend_as_stranger(scene, url, until_s=spec.until_s)
        elif scene.kill:
            sleep(seconds / 2)
            callers[0].kill()
        sleep(max(0.0, spec.until_s - epoch_s()))
        for caller in callers:
            caller.wait(timeout=180)
        ends = [json.loads(line) for out in outs for line in out.read_text().splitlines()]
        return judge(scene, ends, GroqSimulator(url).calls(), seconds=seconds)


@contextmanager
def running_simulator(scene: Scene) -> Iterator[str]:
    """The simulated Groq in a process of its own, with the scene's limits and faults."""
    argv = [
        *(sys.executable, "-m", "simulators.groq", "--latency-ms", str(LATENCY_MS)),
        *("--rpm", str(scene.requests_per_minute), "--tpm", str(scene.tokens_per_minute)),
        *("--hang-s", "40"),
    ]
    for kind in scene.faults:
        argv += ["--fault", f"{kind}:0.01"]
    process = subprocess.Popen(argv, stderr=subprocess.PIPE, text=True)
    try:
        if process.stderr is None:
            raise RuntimeError(argv)
        line = process.stderr.readline()
        yield next(word for word in line.split() if word.startswith("http"))
    finally:
        process.kill()
        process.wait()


def spend_as_stranger(scene: Scene, url: str, *, until_s: float) -> None:
    """Somebody else of the same organisation, who asks nobody."""
    pause_s = FOREIGN_TOKENS / (scene.tokens_per_minute / 60 * FOREIGN_SHARE)
    client = groq.Groq(api_key="gsk_stranger", base_url=url, max_retries=0)
    while epoch_s() < until_s:
        began_s = monotonic_s()
        with suppress(groq.GroqError):
            client.chat.completions.create(
                model=MODEL,
                messages=[{"role": "user", "content": "x" * int(3.5 * (FOREIGN_TOKENS - 130))}],
                max_completion_tokens=120,
                reasoning_effort="low",
                user=STRANGER,
            )
        sleep(max(0.0, pause_s - (monotonic_s() - began_s)))


def judge(
    scene: Scene,
    lines: list[dict[str, Any]],
    calls: list[dict[str, Any]],
    *,
    seconds: float,
) -> Outcome:
    """Compare what the callers know with the simulator's books."""
    ends = [line for line in lines if "end" in line]
    done = {end["mark"] for end in ends}
    mine = [call for call in calls if call["job"] != STRANGER]
    unanswered = sum(
        call["cost_picousd"] for call in mine if call["fault"] == "lost" or call["job"] not in done
    )
    ok = [end for end in ends if end["end"] == "ok"]
    return Outcome(
        scene=scene,
        used_share=measure_share(scene, calls, seconds),
        ours_share=measure_share(scene, mine, seconds),
        calls=len(mine),
        refused=sum(call["status"] == 429 for call in mine),
        ok=len(ok),
        failed=sum(end["end"] == "failed" for end in ends)
        + sum("began" in line and line["began"] not in done for line in lines) * (not scene.kill),
        waits_small=[end["wait_s"] for end in ok if not end["big"]],
        waits_big=[end["wait_s"] for end in ok if end["big"]],
        known_picousd=sum(end["picousd"] for end in ends),
        unanswered_picousd=unanswered,
        billed_picousd=sum(call["cost_picousd"] for call in mine),
    )


def measure_share(scene: Scene, calls: list[dict[str, Any]], seconds: float) -> float:
    """The part of the binding limit that was used: a full bucket and what flowed back."""
    billed = [call for call in calls if call["usage"]["prompt"]]
    tokens: int = sum(
        call["usage"]["prompt"] - call["usage"]["cached"] + call["usage"]["completion"]
        for call in billed
    )
    # The simulator takes these from the budget and bills them to nobody: counted as the mean.
    unbilled = sum(call["fault"] in UNBILLED for call in calls)
    admitted = len(billed) + unbilled
    periods = 1 + seconds / 60
    return max(
        tokens * admitted / max(1, len(billed)) / (scene.tokens_per_minute * periods),
        admitted / (scene.requests_per_minute * periods),
    )


def measure_cost(redis_url: str) -> tuple[float, float]:
    """Milliseconds of one reservation and its settlement, p50 and p95, without anybody beside."""
    limits = BudgetLimits(
        requests_per_minute=10**7,
        tokens_per_minute=10**9,
        requests_per_day=10**9,
        tokens_per_day=10**12,
    )
    taken = []
    with redis.Redis.from_url(redis_url) as client:
        budget = RedisBudget(client, name="cost", limits=limits)
        cost = Cost(input_tokens=1_000, output_tokens=600)
        for number in range(COST_ROUNDS):
            began_s = monotonic_s()
            booked = budget.reserve(Booking(ticket=str(number), cost=cost))
            if isinstance(booked, Reservation):
                budget.settle(booked, used=cost, seen={"tokens_per_minute": (10**9, 10)})
            taken.append(1000 * (monotonic_s() - began_s))
    return statistics.median(taken), find_percentile(taken, 95)


def find_percentile(values: list[float], percent: int) -> float:
    """The value below which so many are; 0 for none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)] if ordered else 0.0


def format_outcome(one: Outcome) -> list[str]:
    """One row of the table."""
    small, big = find_percentile(one.waits_small, 95), find_percentile(one.waits_big, 95)
    ours_pico = one.known_picousd + one.unanswered_picousd
    return [
        one.scene.name,
        f"{one.used_share:.1%}",
        f"{one.calls:,}",
        f"{one.refused:,}",
        f"{one.failed:,} of {one.failed + one.ok:,}",
        f"{small:.1f} / {big:.1f}",
        f"{big / small:.2f}" if small else "",
        f"{one.known_picousd / 1e6:,.0f} + {one.unanswered_picousd / 1e6:,.0f}",
        f"{ours_pico - one.billed_picousd}",
    ]


HEAD: Final = (
    *("who keeps the limits", "budget used", "calls", "429", "jobs failed"),
    *("wait p95 small / big, s", "big / small", "bill, µ$: known + unanswered"),
    "less the simulator's, p$",
)


def main() -> None:
    """Run the scenes in turn, print, and write the page."""
    parser = argparse.ArgumentParser(prog="python -m bench.groq_budget")
    parser.add_argument("--seconds", type=float, default=75.0)
    parser.add_argument("--only", default="", help="scenes whose name holds this")
    parser.add_argument("--dry", action="store_true", help="leave the page alone")
    arguments = parser.parse_args()
    rows = []
    with start_servers(make_test_folder("bench-"), database=False, redis=True) as servers:
        p50_ms, p95_ms = measure_cost(servers.redis_url)
        print(f"reserve and settle: p50 {p50_ms:.2f} ms, p95 {p95_ms:.2f} ms", flush=True)
        for scene in SCENES:
            if arguments.only in scene.name:
                made = run_scene(scene, redis_url=servers.redis_url, seconds=arguments.seconds)
                rows.append(format_outcome(made))
                print(" | ".join(rows[-1]), flush=True)
            if rows and not arguments.dry:
                write_page(rows, seconds=arguments.seconds, p50_ms=p50_ms, p95_ms=p95_ms)


def write_page(rows: list[list[str]], *, seconds: float, p50_ms: float, p95_ms: float) -> None:
    """Put the table and its circumstances into docs/benchmarks.md."""
    what = (
        f"{PROCESSES} processes of {THREADS} threads (developer plan: {4 * THREADS}) that wait in"
        f" place, {seconds:.0f} s each; 600 requests and 60,000 tokens a minute (developer plan:"
        f" 1,000 and 250,000); 88 % small calls (about 150 tokens) and 12 % big ones (about 700);"
        f" the simulated Groq answers after {LATENCY_MS} ms. Budget: a full bucket and what flows"
        f" back, in the binding limit. Faults: {', '.join(FAULTS)}, each in 1 % of calls; a job"
        f" makes at most five. Waits are of jobs that ended well. Unanswered: billed, but no answer"
        f" came back (reset, lost, killed). All on the same two cores.\n\n"
        f"Reserving and settling cost {p50_ms:.2f} ms at the median, {p95_ms:.2f} ms at the 95th"
        f" percentile, in two round trips, with four limits set and nobody else beside."
    )
    table = format_table(HEAD, rows)
    write_section("groq_budget", "The provider's budget", f"{what}\n\n{table}")


if __name__ == "__main__":
    main()
