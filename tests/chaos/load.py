"""Work for a row: jobs by file or one by one, and waiting for their ends."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from core.clock import monotonic_s, sleep, wait_until
from services.access import Seller
from services.imports import confirm_import
from services.submit import submit_job
from tests.chaos.stage import Scene
from tests.chaos.verdict import ENDED
from tests.support.jobs import execute, make_csv, make_long_listing, make_order, make_seller, upload

ON_THE_WIRE_S = 0.1
Sending = tuple[uuid.UUID, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much of a row is run.

    ``hasten`` makes the beats of what was killed old at once, instead of waiting for the lease.
    """

    jobs: int
    processes: int = 2
    threads: int = 4
    faults: int = 1
    wholes: int = 1
    outage_s: float = 0.0
    latency_ms: float = 200.0
    hasten: bool = False
    longest_s: float = 100.0
    seed: int = 4


def start_import(scene: Scene, jobs: int, *, longest_s: float = 100.0) -> uuid.UUID:
    """Upload and confirm a file of so many products; its jobs begin."""
    seller = make_seller(scene.deps)
    import_id = upload(scene.deps, seller, make_csv(jobs))
    ready = "app.import_file WHERE id = :id AND state = 'ready'"
    assert wait_until(lambda: scene.count(ready, id=import_id) == 1, timeout_s=longest_s)
    confirm_import(scene.deps, seller.id, import_id)
    return import_id


def submit_all(scene: Scene, jobs: int, *, mark: Callable[[int], str] = lambda _: "") -> Seller:
    """Submit so many single jobs of one seller; ``mark`` tells the simulator what to do wrong."""
    seller = make_seller(scene.deps)
    for number in range(jobs):
        listing = make_long_listing(f"SKU-{number}", mark=f"{number} {mark(number)}")
        submit_job(scene.deps, seller.id, make_order(listing))
    return seller


def wait_for_ended(scene: Scene, least: int, *, longest_s: float) -> bool:
    """Until so many optimize jobs have ended; whether they have."""
    ended = f"app.job WHERE kind = 'optimize' AND {ENDED}"
    return wait_until(lambda: scene.count(ended) >= least, timeout_s=longest_s, poll_s=0.1)


def wait_for_all(scene: Scene, jobs: int, *, longest_s: float) -> None:
    """Until all have ended and every import and batch is closed, or the time is up."""
    wait_for_ended(scene, jobs, longest_s=longest_s)
    open_ = "app.import_file WHERE state <> 'done'"
    wait_until(lambda: scene.count(open_) == 0, timeout_s=15, poll_s=0.1)


def wait_for_running(scene: Scene, least: int, *, longest_s: float = 60.0) -> bool:
    """Until so many jobs run."""
    running = "app.job WHERE state = 'running'"
    return wait_until(lambda: scene.count(running) >= least, timeout_s=longest_s, poll_s=0.05)


def wait_for_calls(scene: Scene, least: int, *, owners: Sequence[str] = ()) -> None:
    """Until so many calls of these processes, or of any, are under way; two seconds at most."""
    calls = (
        "app.llm_call c JOIN app.job j ON j.id = c.job_id WHERE c.state = 'planned'"
        " AND j.state = 'running' AND (:any OR j.lease_owner::text = ANY(:owners))"
    )
    keys = {"any": not owners, "owners": list(owners)}
    wait_until(lambda: scene.count(calls, **keys) >= least, timeout_s=2, poll_s=0.02)
    sleep(ON_THE_WIRE_S)


def make_beats_old(scene: Scene, owners: list[str]) -> None:
    """What a lease's time would bring about."""
    execute(
        scene.deps,
        "UPDATE app.worker_process SET beat_at = beat_at - interval '1 minute'"
        " WHERE id::text = ANY(:owners)",
        owners=owners,
    )


def list_sent(scene: Scene) -> set[Sending]:
    """Jobs that have been sent and wait for their claim, with the number of the sending."""
    rows = scene.query(
        "SELECT id, dispatch_no FROM app.job WHERE dispatched_at IS NOT NULL"
        " AND state IN ('available', 'retryable')"
    )
    return {(row[0], row[1]) for row in rows}


def time_returns(scene: Scene, sent: set[Sending], *, longest_s: float) -> list[float]:
    """Seconds until each of these sendings was claimed or sent anew."""
    started_s, left, times = monotonic_s(), set(sent), []

    def look() -> bool:
        nonlocal left
        still = left & list_sent(scene)
        times.extend([monotonic_s() - started_s] * (len(left) - len(still)))
        left = still
        return not left

    wait_until(look, timeout_s=longest_s)
    return times + [longest_s] * len(left)


def read_clock(scene: Scene) -> dt.datetime:
    """The database's own time."""
    [(now,)] = scene.query("SELECT clock_timestamp()")
    assert isinstance(now, dt.datetime)
    return now


def time_first_end(scene: Scene, since: dt.datetime, *, longest_s: float) -> float:
    """Seconds from then to the first job that was completed later."""
    first = (
        "SELECT extract(epoch FROM min(at) - CAST(:since AS timestamptz))::float8"
        " FROM app.chaos_move WHERE became = 'completed' AND at > CAST(:since AS timestamptz)"
    )
    wait_until(lambda: scene.query(first, since=since) != [(None,)], timeout_s=longest_s)
    [(seconds,)] = scene.query(first, since=since)
    return float(seconds) if seconds is not None else longest_s
