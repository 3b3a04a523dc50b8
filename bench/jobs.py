"""What the promises cost: jobs a second and processor time per job, beside a bare Dramatiq actor.

``python -m bench.jobs [jobs]``: both get one worker process of 32 threads, the simulated Groq
without latency in a process of its own, and the same request to make.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import dramatiq
import redis

from bench.page import format_table, write_section
from bench.start_latency import read_cpu_s
from core.clock import wait_until
from core.ids import new_id
from core.settings import process_environ
from domain.listing import Listing
from services.deps import Deps
from services.submit import submit_job
from tests.support.jobs import (
    execute,
    make_long_listing,
    make_order,
    make_seller,
    open_deps,
    query,
)
from tests.support.servers import create_database, drop_database, flush_redis, open_servers
from tests.support.workers import WorkerProcess, build_worker_process

THREADS: Final = 32
GOAL: Final = 0.6
REPEATS: Final = 3
LONGEST_S: Final = 300.0
MANY: Final = "1000000000"
SIMULATOR: Final = (
    *(sys.executable, "-m", "simulators.groq", "--rpm", MANY, "--tpm", MANY, "--rpd", MANY),
)
BARE_TABLE: Final = (
    "CREATE TABLE app.bare (number int, body text, at timestamptz DEFAULT clock_timestamp())"
)
CALLS: Final = "SELECT count(*) FROM app.llm_call WHERE state = 'answered'"
NAMES: Final = (
    *("Alpine", "Brook", "Cedar", "Dune", "Ember", "Fjord", "Grove", "Harbor", "Iris"),
    *("Juniper", "Kestrel", "Lumen", "Meadow", "Nimbus", "Orchid", "Pebble"),
)
SPAN: Final = "SELECT count(*), extract(epoch FROM max({end}) - min({start}))::float8 FROM app.{of}"


@dataclass(frozen=True, slots=True)
class Rate:
    """Jobs a second, and milliseconds of the worker's processor time per job."""

    per_s: float
    cpu_ms: float


@contextmanager
def running_simulator() -> Iterator[str]:
    """The simulated Groq in a process of its own; its address."""
    process = subprocess.Popen(SIMULATOR, stderr=subprocess.PIPE, text=True)
    try:
        if process.stderr is None:
            raise RuntimeError(SIMULATOR)
        line = process.stderr.readline()
        yield next(word for word in line.split() if word.startswith("http"))
    finally:
        process.kill()
        process.wait()


def measure_path(deps: Deps, worker: WorkerProcess, jobs: int) -> Rate:
    """The whole path: claim, plan, call, ledger, gate, suggestion, counts."""
    seller = make_seller(deps)
    for number in range(jobs):
        submit_job(deps, seller.id, make_order(make_own_listing(number)))
    done = "SELECT count(*) FROM app.job WHERE state = 'completed' AND engine = 'groq'"
    span = SPAN.format(end="finalized_at", start="attempted_at", of="job")
    rate = time_worker(deps, worker, jobs, done=done, span=span)
    if query(deps, CALLS) != [(jobs,)]:
        message = f"{query(deps, CALLS)} calls for {jobs} jobs"
        raise AssertionError(message)
    return rate


def make_own_listing(number: int) -> Listing:
    """A listing whose title and description no other job has, so that nothing is known before."""
    first, second = (NAMES[number // len(NAMES) ** place % len(NAMES)] for place in range(2))
    description = (
        f"A rib-knit beanie of merino wool for {first.lower()} and {second.lower()} days."
        f" Style {number}: {2 + number % 7} gauge, {50 + number % 40} g, for heads of"
        f" {50 + number % 9} to {59 + number % 5} cm. Wash at {20 + number % 20} degrees."
    )
    mark = f"{first} {second} {number}"
    return make_long_listing(f"SKU-{number}", mark, description=description)


def measure_bare(deps: Deps, worker: WorkerProcess, jobs: int) -> Rate:
    """The actor that promises nothing."""
    execute(deps, BARE_TABLE)
    with redis.Redis.from_url(deps.settings.redis_url) as client:
        for number in range(jobs):
            send_bare(client, number)
    span = SPAN.format(end="at", start="at", of="bare")
    return time_worker(deps, worker, jobs, done="SELECT count(*) FROM app.bare", span=span)


def send_bare(client: redis.Redis, number: int) -> None:
    """Queue one message in Dramatiq's wire format."""
    key = str(number)
    message: dramatiq.Message[None] = dramatiq.Message(
        queue_name="bare",
        actor_name="bare",
        args=(number,),
        kwargs={},
        options={"redis_message_id": key},
        message_id=key,
    )
    client.hset("bare:bare.msgs", key, message.encode())
    client.rpush("bare:bare", key)


def time_worker(deps: Deps, worker: WorkerProcess, jobs: int, *, done: str, span: str) -> Rate:
    """Start the worker on waiting jobs; the rate from the first to the last of them."""
    worker.start()
    try:
        one = "SELECT count(*) > 0 FROM"
        started = done.replace("SELECT count(*) FROM", one, 1)
        wait_until(lambda: query(deps, started) == [(True,)], timeout_s=60, poll_s=0.02)
        before_s, [(before,)] = read_cpu_s(worker.pid), query(deps, done)
        if not wait_until(lambda: query(deps, done) == [(jobs,)], timeout_s=LONGEST_S):
            raise TimeoutError(worker.read_log())
        used_s = read_cpu_s(worker.pid) - before_s
        [(count, seconds)] = query(deps, span)
        return Rate(per_s=count / seconds, cpu_ms=1000 * used_s / max(1, jobs - before))
    finally:
        worker.kill()


def measure_both(folder: Path, jobs: int) -> list[tuple[Rate, Rate]]:
    """(whole path, bare actor), several times in turn."""
    rates = []
    with open_servers(process_environ()) as servers, running_simulator() as groq:
        for _ in range(REPEATS):
            pair = []
            for program, queue in (("workers.main", "interactive"), ("bench.bare_worker", "bare")):
                flush_redis(servers.redis_url)
                name = f"bench_{new_id().hex[-12:]}"
                url = create_database(servers.admin_url, name=name, template=servers.template)
                keys = {"GROQ_API_KEY": "any", "GROQ_BASE_URL": groq, "LOG_LEVEL": "error"}
                keys |= {"GROQ_REQUESTS_PER_MINUTE": "1000000"}
                keys |= {"GROQ_TOKENS_PER_MINUTE": MANY, "dramatiq_queue_prefetch": "36"}
                with open_deps(url, servers.redis_url, **keys) as deps:
                    worker = build_worker_process(
                        deps, folder, queues=[queue], threads=THREADS, **keys
                    )
                    worker.argv = [program if one == "workers.main" else one for one in worker.argv]
                    measure = measure_bare if queue == "bare" else measure_path
                    pair.append(measure(deps, worker, jobs))
                drop_database(servers.admin_url, name=name)
            rates.append((pair[0], pair[1]))
    return rates


def run(jobs: int) -> None:
    """Measure, print and write the table; the middle repeat by ratio counts."""
    with tempfile.TemporaryDirectory() as folder:
        rates = measure_both(Path(folder), jobs)
    rates.sort(key=lambda pair: pair[0].per_s / pair[1].per_s)
    path, bare = rates[len(rates) // 2]
    rows = [
        ["the whole path", f"{path.per_s:.0f}", f"{path.cpu_ms:.1f}"],
        ["bare actor, one call, one INSERT", f"{bare.per_s:.0f}", f"{bare.cpu_ms:.1f}"],
        ["ratio", f"{path.per_s / bare.per_s:.2f}", f"{path.cpu_ms / bare.cpu_ms:.2f}"],
    ]
    table = format_table(["", "jobs/s", "worker CPU per job, ms"], rows)
    span = ", ".join(f"{p.per_s / b.per_s:.2f}" for p, b in rates)
    print(table, span, sep="\n")
    what = (
        f"{jobs} jobs, one worker process of {THREADS} threads, the simulated Groq without latency"
        f" in a process of its own; all on the same cores, other work beside it. The middle of"
        f" {REPEATS} runs in turn (ratios: {span}). Goal: at least {GOAL} of the bare rate."
    )
    write_section("jobs", "What the promises cost", f"{what}\n\n{table}")


if __name__ == "__main__":
    run(int(sys.argv[1]) if len(sys.argv) > 1 else 400)
