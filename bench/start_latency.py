"""How soon a job starts on an idle system, and what waiting for it costs.

``python -m bench.start_latency [jobs]``: each way of waiting gets one worker process; a job is sent
every 0.3 to 1 s; the time runs from just before the message is sent to the claim's commit.
"""

from __future__ import annotations

import datetime as dt
import os
import random
import sys
import tempfile
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from bench.page import format_table, write_section
from core.clock import monotonic_s, sleep, utc_now, wait_until
from core.ids import new_id
from core.settings import process_environ
from domain.ports import Dispatch
from gateways.job_queue import RedisJobQueue, connect_web
from services.access import Seller
from services.deps import Deps
from services.submit import submit_job
from tests.support.jobs import make_listing, make_order, make_seller, open_deps, query
from tests.support.servers import create_database, flush_redis, open_servers
from tests.support.workers import build_worker_process, running_workers

IDLE_S: Final = 20.0
WHAT: Final = """\
{jobs} jobs each, one every 0.3 to 1 s, to one worker process of 8 threads (its dispatcher included)
that has nothing else to do: from just before the message is sent until the claim in Postgres. Other
work ran on the machine; the bench had precedence (`nice -n -15`), as a worker has on its own.
Goal: p50 3 ms, p99 10 ms, idle 1 %.
"""
WARM_UP: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """A way of waiting for messages."""

    name: str
    program: str = "workers.main"
    doorbell: str = "1"


WAYS: Final = (
    Way(name="doorbell"),
    Way(name="looking every 100 ms (`WORKER_DOORBELL=0`)", doorbell="0"),
    Way(name="Dramatiq's own consumer, as it comes", program="bench.stock_worker"),
)


@dataclass(frozen=True, slots=True)
class Measured:
    """Milliseconds from sending to claim, and the share of a core used while nothing happens."""

    starts_ms: Sequence[float]
    idle_share: float


class NotingQueue(RedisJobQueue):
    """The web side's road; notes when each job is sent."""

    def __init__(self, url: str) -> None:
        super().__init__(connect_web(url), pool="default")
        self.sent: dict[uuid.UUID, dt.datetime] = {}

    def push(self, dispatches: Sequence[Dispatch]) -> None:
        """Send, after a look at the clock."""
        now = utc_now()
        self.sent |= {one.job_id: now for one in dispatches}
        super().push(dispatches)


def measure(deps: Deps, way: Way, *, jobs: int, folder: Path) -> Measured:
    """One worker process that waits in that way."""
    worker = build_worker_process(
        deps,
        folder,
        queues=["interactive", "files"],
        threads=8,
        WORKER_DOORBELL=way.doorbell,
        LOG_LEVEL="warning",
    )
    worker.argv = [way.program if word == "workers.main" else word for word in worker.argv]
    with running_workers(deps, worker):
        sleep(3.0)
        used_s, from_s = read_cpu_s(worker.pid), monotonic_s()
        sleep(IDLE_S)
        idle_share = (read_cpu_s(worker.pid) - used_s) / (monotonic_s() - from_s)
        return Measured(time_starts(deps, jobs), idle_share)


def time_starts(deps: Deps, jobs: int) -> list[float]:
    """Send one job after the other, each when nothing else is under way."""
    queue = NotingQueue(deps.settings.redis_url)
    noting = replace(deps, queue=queue)
    rng = random.Random(7)
    seller = make_seller(deps, f"{new_id().hex}@example.com")
    for number in range(jobs + WARM_UP):
        run_one(noting, seller, number)
        sleep(rng.uniform(0.3, 1.0))
    rows = query(deps, "SELECT id, attempted_at FROM app.job ORDER BY created_at")
    starts = [(at - queue.sent[i]).total_seconds() * 1000 for i, at in rows if i in queue.sent]
    return starts[WARM_UP:]


def run_one(deps: Deps, seller: Seller, number: int) -> None:
    """Submit a job and wait for its end."""
    listing = make_listing(f"SKU-{number}", title=f"Beanie {number}")
    job_id = submit_job(deps, seller.id, make_order(listing)).job_id
    state = "SELECT state FROM app.job WHERE id = :id"
    if not wait_until(
        lambda: query(deps, state, id=job_id) == [("completed",)], timeout_s=30, poll_s=0.1
    ):
        message = f"job {job_id} did not end"
        raise TimeoutError(message)


def read_cpu_s(group: int) -> float:
    """Processor seconds of a process group's living processes."""
    total = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == group:
            total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


def run(jobs: int) -> None:
    """Measure every way, print the table and write it down."""
    rows = []
    with open_servers(process_environ()) as servers, tempfile.TemporaryDirectory() as folder:
        for way in WAYS:
            flush_redis(servers.redis_url)
            name = f"bench_{new_id().hex[-12:]}"
            url = create_database(servers.admin_url, name=name, template=servers.template)
            with open_deps(url, servers.redis_url) as deps:
                rows.append(build_row(way, measure(deps, way, jobs=jobs, folder=Path(folder))))
    head = ["how a worker waits", "p50, ms", "p99, ms", "worst, ms", "idle, of one core"]
    table = format_table(head, rows)
    print(table)
    write_section("start_latency", "How soon a job starts", f"{WHAT.format(jobs=jobs)}\n\n{table}")


def find_percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that ``share`` of all do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def build_row(way: Way, measured: Measured) -> list[str]:
    """A way's line of the table."""
    figures = [find_percentile(measured.starts_ms, share) for share in (0.5, 0.99, 1.0)]
    return [way.name, *(f"{one:.1f}" for one in figures), f"{measured.idle_share:.2%}"]


if __name__ == "__main__":
    run(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
