"""Who may run a job: one claim wins, a late loser writes nothing, the sweeper alone takes back."""

from __future__ import annotations

import threading
import uuid

import pytest

from domain.brief import Brief
from domain.job import MAX_CRASHES
from models import brief as briefs
from models import job as jobs
from services.access import Seller
from services.deps import Deps
from services.dispatch import STALE_S
from services.optimize import run_optimize
from services.process import end_process, start_draining
from services.submit import get_job, submit_job
from tests.support.jobs import (
    Worker,
    claim,
    execute,
    lose_process,
    make_listing,
    make_order,
    make_worker,
    put_into_batch,
    query,
    sum_counts,
    sweep,
    try_claim,
    wait_for_old_postgres,
)

pytestmark = pytest.mark.servers


@pytest.fixture
def job_id(deps: Deps, seller: Seller) -> uuid.UUID:
    return submit_job(deps, seller.id, make_order()).job_id


def test_of_many_workers_one_wins(deps, seller):
    ids = [
        submit_job(deps, seller.id, make_order(make_listing(f"SKU-{n}"))).job_id for n in range(5)
    ]
    won: list[uuid.UUID] = []
    start = threading.Barrier(6)

    def race() -> None:
        worker = make_worker(deps)
        start.wait()
        won.extend(job_id for job_id in ids if try_claim(worker, job_id))

    threads = [threading.Thread(target=race) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == sorted(ids)
    assert query(deps, "SELECT DISTINCT claim_no FROM app.job") == [(1,)]


@pytest.mark.parametrize(
    "held",
    [
        "UPDATE app.job SET scheduled_at = clock_timestamp() + interval '1 minute'",
        "UPDATE app.job SET cancel_requested_at = clock_timestamp()",
        "UPDATE app.job SET state = 'cancelled', finalized_at = clock_timestamp()",
        "UPDATE app.job SET pool = 'run-x'",
        "UPDATE app.seller SET paused_at = clock_timestamp()",
        "UPDATE app.batch SET halted_at = clock_timestamp()",
    ],
)
def test_what_is_held_is_not_claimed(deps, seller, job_id, held):
    put_into_batch(deps, seller, job_id)
    execute(deps, held)
    worker = make_worker(deps)
    assert try_claim(worker, job_id) is None
    worker.run(job_id)
    assert query(deps, "SELECT claim_no FROM app.job") == [(0,)]


def test_what_runs_is_never_claimed_even_when_its_owner_is_dead(deps, job_id):
    dead = make_worker(deps)
    claim(dead, job_id)
    lose_process(dead)
    assert try_claim(make_worker(deps), job_id) is None


def test_a_late_loser_writes_nothing(deps, seller, job_id):
    batch_id = put_into_batch(deps, seller, job_id)
    late, next_one = make_worker(deps), make_worker(deps)
    old = claim(late, job_id)
    lose_process(late)
    sweep(deps)
    next_one.run(job_id)
    before = query(deps, "SELECT * FROM app.suggestion"), sum_counts(deps, seller, batch_id)
    run_claimed(deps, old, late)
    assert before == (
        query(deps, "SELECT * FROM app.suggestion"),
        sum_counts(deps, seller, batch_id),
    )
    assert before[1]["completed"] == 1
    assert query(deps, "SELECT claim_no, state, lease_owner FROM app.job") == [
        (2, "completed", None)
    ]


def run_claimed(deps: Deps, job: jobs.JobRow, worker: Worker) -> None:
    """What a worker does after its claim."""
    with deps.database.transaction(seller=job.seller_id) as session:
        body = briefs.get_brief(session, job.seller_id, str(job.brief_hash))
    run_optimize(deps, job, Brief.from_json(body), worker)


def test_a_late_loser_can_neither_release_nor_retry_nor_discard(deps, job_id):
    late = make_worker(deps)
    old = claim(late, job_id)
    lose_process(late)
    sweep(deps)
    current = claim(make_worker(deps), job_id)
    with deps.database.transaction(seller=old.seller_id) as session:
        assert not jobs.release_job(session, old, wait_s=0)
        assert not jobs.retry_job(session, old, wait_s=0, error_code="x", error_detail="y")
    assert query(deps, "SELECT state, claim_no, failures FROM app.job") == [
        ("running", current.claim_no, 0)
    ]


def test_a_dead_process_gives_its_jobs_back_as_a_crash(deps, seller, job_id):
    dead = make_worker(deps)
    claim(dead, job_id)
    execute(
        deps,
        "INSERT INTO app.llm_call (seller_id, job_id, step, claim_no, state, model)"
        " VALUES (:seller, :job, 1, 1, 'planned', 'm'), (:seller, :job, 1, 1, 'failed', 'm')",
        seller=seller.id,
        job=job_id,
    )
    lose_process(dead)
    sweep(deps)
    assert query(
        deps,
        "SELECT state, crash_count, failures, lease_owner, dispatched_at, error_code FROM app.job",
    ) == [("available", 1, 0, None, None, "worker_lost")]
    assert query(deps, "SELECT state FROM app.llm_call ORDER BY id") == [("unknown",), ("failed",)]


def test_a_living_process_keeps_its_jobs(deps, job_id):
    claim(make_worker(deps), job_id)
    sweep(deps)
    assert query(deps, "SELECT state FROM app.job") == [("running",)]


def test_a_process_that_was_asked_to_end_has_not_crashed(deps, job_id):
    ending = make_worker(deps)
    claim(ending, job_id)
    start_draining(deps, ending.process_id)
    end_process(deps, ending.process_id)
    lose_process(ending)
    sweep(deps)
    assert query(deps, "SELECT state, crash_count FROM app.job") == [("available", 0)]


def test_a_job_past_its_deadline_is_taken_back_from_a_living_process(deps, job_id):
    claim(make_worker(deps), job_id, max_run_s=-1)
    sweep(deps)
    assert query(deps, "SELECT state, crash_count FROM app.job") == [("available", 1)]


def test_the_third_crash_discards_and_is_counted(deps, seller, job_id):
    batch_id = put_into_batch(deps, seller, job_id)
    for _ in range(MAX_CRASHES + 1):
        doomed = make_worker(deps)
        claim(doomed, job_id)
        lose_process(doomed)
        sweep(deps)
    job = get_job(deps, seller.id, job_id)
    assert (job["state"], job["error"]["code"]) == ("discarded", "worker_lost")
    assert sum_counts(deps, seller, batch_id) == {"discarded": 1}
    assert try_claim(make_worker(deps), job_id) is None


def test_nothing_is_taken_back_while_postgres_is_younger_than_a_lease(deps, job_id):
    dead = make_worker(deps)
    claim(dead, job_id)
    lose_process(dead)
    wait_for_old_postgres(deps)
    [(age_s,)] = query(
        deps, "SELECT extract(epoch FROM clock_timestamp() - pg_postmaster_start_time())::float8"
    )
    execute(deps, "UPDATE app.worker_process SET beat_at = beat_at - interval '1 year'")

    def rescue(stale_s: float) -> int:
        with deps.database.transaction(system="sweep") as session:
            return len(
                jobs.rescue_jobs(
                    session, pool=deps.pool, stale_s=stale_s, max_crashes=MAX_CRASHES, limit=9
                )
            )

    assert rescue(age_s + 60) == 0
    assert rescue(STALE_S) == 1


def test_cancelling_a_running_job_ends_it_whatever_it_does_next(deps, seller):
    def start(key: str) -> jobs.JobRow:
        accepted = submit_job(deps, seller.id, make_order(make_listing(key)))
        job = claim(make_worker(deps), accepted.job_id)
        with deps.database.transaction(seller=seller.id) as session:
            jobs.request_cancel(session, seller.id, job_id=accepted.job_id)
        return job

    released, retried, finished = (start(f"SKU-{n}") for n in range(3))
    with deps.database.transaction(seller=seller.id) as session:
        jobs.release_job(session, released, wait_s=0)
        jobs.retry_job(session, retried, wait_s=0, error_code="x", error_detail="y")
    run_claimed(deps, finished, make_worker(deps))
    assert query(deps, "SELECT DISTINCT state FROM app.job") == [("cancelled",)]
    assert query(deps, "SELECT finalized_at FROM app.job WHERE finalized_at IS NULL") == []
    assert query(deps, "SELECT count(*) FROM app.suggestion") == [(0,)]
    shown = get_job(deps, seller.id, finished.id)
    assert (shown["suggestion_id"], shown["outcome"]) == (None, None)
