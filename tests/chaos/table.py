"""The fault table: every row with its small and its full size, its target, and what peers do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from tests.chaos.load import Size
from tests.chaos.rows import answers, clocks, doors, killed, lost_servers, network, poison
from tests.chaos.stage import Stage
from tests.chaos.verdict import Verdict

Run = Callable[[Stage, Size], Verdict]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One fault; ``number`` is its name on the command line."""

    number: str
    fault: str
    run: Run
    small: Size
    full: Size
    target: str
    peers: str = ""


def _size(jobs: int, **more: object) -> Size:
    return replace(Size(jobs=jobs), **more)  # type: ignore[arg-type]


_HASTE: Final = {"hasten": True, "longest_s": 60.0}

ROWS: Final = (
    Row(
        number="1",
        fault="kill -9 of worker process groups",
        run=killed.run_kills,
        small=_size(100, latency_ms=300, faults=2, **_HASTE),
        full=_size(
            10_000, processes=4, threads=8, faults=20, wholes=2, latency_ms=400, longest_s=700.0
        ),
        target="lost 0, recovery p50 ≤ 15 s, p99 ≤ 25 s",
        peers="bare Dramatiq 68 to over 1,000 s; Oban, River 1 h; Graphile 4 h; Sidekiq: lost",
    ),
    Row(
        number="7",
        fault="one Idempotency-Key in 50 POSTs; a lost answer",
        run=doors.run_idempotent,
        small=_size(2, processes=1),
        full=_size(2, processes=1),
        target="1 job; another body 422",
        peers="Stripe: the stored answer, 24 h",
    ),
    Row(
        number="4d",
        fault="the provider answers rubbish",
        run=answers.run_malformed,
        small=_size(24, processes=1, latency_ms=20),
        full=_size(240, latency_ms=100, threads=8),
        target="none stored as good, ≤ 3 calls a job",
    ),
    Row(
        number="5",
        fault="SIGTERM with every thread in a call",
        run=killed.run_drain,
        small=_size(20, threads=8, latency_ms=1000),
        full=_size(200, threads=32, latency_ms=6000),
        target="exit within the window, billed again 0, no attempt counted",
        peers="Sidekiq 25 s, Oban 15 s, Solid Queue 5 s, then pushed back or killed",
    ),
    Row(
        number="6",
        fault="the same message 100 times",
        run=answers.run_repeated,
        small=_size(3, latency_ms=500),
        full=_size(20, processes=4, threads=8, latency_ms=1000),
        target="1 claim, 1 bill",
        peers="Dramatiq: runs each (issues #431, #692)",
    ),
    Row(
        number="10",
        fault="workers' clocks wrong by up to an hour, or jumping",
        run=clocks.run_skewed,
        small=_size(30, processes=1, faults=2, latency_ms=1000),
        full=_size(400, processes=1, threads=6, faults=5, latency_ms=3000),
        target="billed again 0",
        peers="bare Dramatiq at +61 s: steals 8 of 8 running messages",
    ),
    Row(
        number="11",
        fault="crash between commit and message",
        run=doors.run_outbox,
        small=_size(40, processes=1, latency_ms=20),
        full=_size(1000, threads=8, latency_ms=20, longest_s=240.0),
        target="unsent 0, started within 20 s",
        peers="Oban, River, GoodJob: 0 (same transaction); Notify: up to 1 h 15 min",
    ),
    Row(
        number="16",
        fault="Postgres read-only (disk full)",
        run=doors.run_read_only,
        small=_size(10, processes=1),
        full=_size(100),
        target="writes 503, reads 200, half writes 0",
    ),
    Row(
        number="9",
        fault="Redis at its memory limit",
        run=lost_servers.run_full_redis,
        small=_size(30, processes=1, latency_ms=800),
        full=_size(300, threads=8, latency_ms=1000),
        target="new work 503; accepted work completes by itself",
        peers="bare Dramatiq: livelock until somebody raises the limit",
    ),
    Row(
        number="2a",
        fault="FLUSHALL at half way",
        run=lost_servers.run_flush,
        small=_size(120),
        full=_size(2_000, processes=4, threads=8, latency_ms=400, longest_s=200.0),
        target="lost 0, all back on the road ≤ 15 s",
        peers="bare Dramatiq: lost 904 of 2,000",
    ),
    Row(
        number="2b",
        fault="Redis killed, started again without files",
        run=lost_servers.run_replaced,
        small=_size(120, outage_s=1),
        full=_size(1_000, processes=4, threads=8, latency_ms=400, outage_s=15),
        target="lost 0, all back on the road ≤ 15 s",
        peers="bare Dramatiq: lost 144 of 200",
    ),
    Row(
        number="unheard",
        fault="replies to committed claims and ends lost",
        run=network.run_unheard,
        small=_size(24, processes=1, faults=2, latency_ms=50),
        full=_size(300, threads=8, faults=10, latency_ms=200),
        target="claimed again ≤ 15 s, no crash counted",
    ),
    Row(
        number="T5",
        fault="connections reset, fetch replies lost",
        run=network.run_cut,
        small=_size(40, faults=2, latency_ms=100, outage_s=0.3),
        full=_size(400, threads=8, faults=6, latency_ms=300, outage_s=2),
        target="lost 0, no crash counted",
        peers="Dramatiq: such messages wait until that process dies",
    ),
    Row(
        number="13",
        fault="network silent, to Redis, then to Postgres",
        run=network.run_silent,
        small=_size(40, latency_ms=500, outage_s=4),
        full=_size(600, threads=8, latency_ms=2000, outage_s=60, longest_s=200.0),
        target="first job ends ≤ 30 s after it speaks again",
    ),
    Row(
        number="5b",
        fault="SIGTERM and SIGKILL at once",
        run=killed.run_no_drain,
        small=_size(20, latency_ms=1000, **_HASTE),
        full=_size(200, threads=16, latency_ms=4000),
        target="as row 1",
        peers="bare Dramatiq: 8 of 16 stranded until its rescue",
    ),
    Row(
        number="14",
        fault="a process stands still beyond its lease",
        run=killed.run_stopped,
        small=_size(20, latency_ms=1000, **_HASTE),
        full=_size(200, threads=16, latency_ms=4000, outage_s=10),
        target="the late one writes nothing",
        peers="Dramatiq: runs twice (issue #692)",
    ),
    Row(
        number="14b",
        fault="calls longer than a lease",
        run=killed.run_long,
        small=_size(4, processes=1, latency_ms=16_000),
        full=_size(64, threads=16, latency_ms=25_000),
        target="billed once",
        peers="Dramatiq with a full prefetch: runs twice (issue #692)",
    ),
    Row(
        number="8",
        fault="jobs that kill their process",
        run=poison.run_poison,
        small=_size(12, threads=3, latency_ms=700, **_HASTE),
        full=_size(300, processes=3, threads=8, faults=3, latency_ms=1000, longest_s=240.0),
        target="dead after ≤ 3 deliveries, innocents dead 0",
        peers="Dramatiq: redelivered for ever; Sidekiq Pro: 3 in 72 h",
    ),
    Row(
        number="3a",
        fault="Postgres restarted",
        run=lost_servers.run_restart,
        small=_size(80, latency_ms=400, outage_s=1),
        full=_size(600, processes=4, threads=8, faults=2, latency_ms=400, outage_s=5),
        target="billed again 0, first job ends ≤ 5 s after it answers",
    ),
    Row(
        number="3b",
        fault="Postgres killed",
        run=lost_servers.run_postmaster,
        small=_size(80, latency_ms=400, outage_s=1),
        full=_size(600, processes=4, threads=8, faults=2, latency_ms=400, outage_s=5),
        target="billed again 0, first job ends ≤ 5 s after it answers",
    ),
)
"""In the order in which they run: those that kill Postgres last, since then leases are young."""
