"""The workload that the scaler sees is the one that Postgres has."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from core.ids import new_id
from services.deps import Deps
from services.scale_observe import count_serving, observe_workload
from services.submit import submit_job
from tests.support.jobs import (
    claim,
    execute,
    list_claimable,
    make_listing,
    make_order,
    make_seller,
    make_worker,
    open_deps,
)

pytestmark = pytest.mark.servers


@pytest.fixture
def deps(database_url: str, redis_url: str) -> Iterator[Deps]:
    lanes = {"SCALER_LANES": "interactive,bulk,scheduled"}
    with open_deps(database_url, redis_url, **lanes) as made:
        yield made


def submit(deps: Deps, seller, count: int, *, lane: str = "bulk", made_ago_s: float = 0.0) -> None:
    """Jobs of a lane, as if they had been asked for a while ago."""
    before = set(list_claimable(deps))
    for number in range(count):
        key = f"{lane}-{made_ago_s}-{number}-{seller.id}"
        submit_job(deps, seller.id, make_order(make_listing(key)))
    for job_id in set(list_claimable(deps)) - before:
        execute(
            deps,
            "UPDATE app.job SET lane = :lane,"
            " created_at = created_at - make_interval(secs => :ago),"
            " scheduled_at = scheduled_at - make_interval(secs => :ago) WHERE id = :id",
            lane=lane,
            ago=made_ago_s,
            id=job_id,
        )


def finish(deps: Deps, *, held_s: float, state: str = "completed") -> None:
    """End all claimed jobs, as if each had held its thread for so long."""
    execute(
        deps,
        "UPDATE app.job SET state = :state, finalized_at = clock_timestamp(),"
        " attempted_at = clock_timestamp() - make_interval(secs => :held) WHERE state = 'running'",
        state=state,
        held=held_s,
    )


def add_call(deps: Deps, job_id, *, state: str, ago_s: float = 5, tokens: int = 0) -> None:
    execute(
        deps,
        "INSERT INTO app.llm_call (seller_id, job_id, step, claim_no, state, model, prompt_tokens,"
        " completion_tokens, finished_at) VALUES (:seller, :job, 1, 1, :state, 'm', :tokens, 0,"
        " clock_timestamp() - make_interval(secs => :ago))",
        seller=new_id(),
        job=job_id,
        state=state,
        tokens=tokens,
        ago=ago_s,
    )


def test_nothing_to_do(deps):
    workload = observe_workload(deps, ahead_s=60)
    assert (workload.urgent_waiting, workload.bulk_waiting, workload.running) == (0, 0, 0)
    assert workload.service_s is None
    assert workload.calls_per_job is None
    assert workload.connections_max == 200


def test_the_backlog_per_lane_and_its_oldest(deps):
    seller = make_seller(deps)
    submit(deps, seller, 3, lane="bulk", made_ago_s=40)
    submit(deps, seller, 2, lane="interactive", made_ago_s=7)
    submit(deps, seller, 1, lane="files")
    workload = observe_workload(deps, ahead_s=60)
    assert (workload.urgent_waiting, workload.bulk_waiting) == (2, 3)
    assert workload.urgent_oldest_s == pytest.approx(7, abs=1)
    assert workload.bulk_oldest_s == pytest.approx(40, abs=1)


def test_work_counts_before_it_is_due_but_only_shortly_before(deps):
    seller = make_seller(deps)
    submit(deps, seller, 2)
    soon, _later = list_claimable(deps)
    later = "UPDATE app.job SET scheduled_at = clock_timestamp() + interval '10 minutes'"
    execute(deps, later)
    execute(deps, "UPDATE app.job SET scheduled_at = clock_timestamp() + interval '30 s'"
            " WHERE id = :id", id=soon)  # fmt: skip
    workload = observe_workload(deps, ahead_s=60)
    assert workload.bulk_waiting == 1
    assert workload.bulk_oldest_s == 0


def test_work_that_waits_for_people_is_no_backlog(deps):
    idle, busy = make_seller(deps), make_seller(deps, "other@example.com")
    submit(deps, idle, 2)
    submit(deps, busy, 1)
    execute(deps, "UPDATE app.seller SET paused_at = clock_timestamp() WHERE id = :id", id=idle.id)
    assert observe_workload(deps, ahead_s=60).bulk_waiting == 1


def test_running_and_how_long_a_job_holds_its_thread(deps):
    seller, worker = make_seller(deps), make_worker(deps)
    submit(deps, seller, 4)
    jobs = list_claimable(deps)
    for job_id in jobs[:2]:
        claim(worker, job_id)
    finish(deps, held_s=3.0)
    claim(worker, jobs[2])
    add_call(deps, jobs[0], state="answered", tokens=1200)
    add_call(deps, jobs[1], state="answered", tokens=800)
    add_call(deps, jobs[1], state="failed")
    add_call(deps, jobs[3], state="failed", ago_s=120)
    workload = observe_workload(deps, ahead_s=60)
    assert workload.running == 1
    assert workload.bulk_waiting == 1
    assert workload.service_s == pytest.approx(3.0, abs=0.1)
    assert workload.calls_per_job == 1.5
    assert workload.tokens_per_call == 1000
    assert (workload.calls_answered, workload.calls_failed) == (2, 1)


def test_jobs_of_the_rules_engine_make_no_calls(deps):
    seller, worker = make_seller(deps), make_worker(deps)
    submit(deps, seller, 1)
    claim(worker, list_claimable(deps)[0])
    finish(deps, held_s=0.1)
    assert observe_workload(deps, ahead_s=60).calls_per_job == 0


def test_arrivals_of_the_urgent_lane(deps):
    seller = make_seller(deps)
    submit(deps, seller, 6, lane="interactive", made_ago_s=10)
    assert observe_workload(deps, ahead_s=60).urgent_per_s == pytest.approx(6 / 30)
    submit(deps, seller, 30, lane="interactive", made_ago_s=60)
    assert observe_workload(deps, ahead_s=60).urgent_per_s == pytest.approx(36 / 90)


def test_one_import_is_backlog_and_no_trend(deps):
    seller = make_seller(deps)
    submit(deps, seller, 12, made_ago_s=30)
    assert observe_workload(deps, ahead_s=60).bulk_per_s == 0
    for minute in range(1, 8):
        submit(deps, seller, 6, made_ago_s=minute * 60 + 30)
    assert observe_workload(deps, ahead_s=60).bulk_per_s == pytest.approx(6 / 60)


def test_listings_that_needed_nothing_never_arrived(deps):
    seller = make_seller(deps)
    submit(deps, seller, 5, lane="interactive")
    execute(deps, "UPDATE app.job SET state = 'completed', finalized_at = clock_timestamp()")
    workload = observe_workload(deps, ahead_s=60)
    assert workload.urgent_per_s == 0
    assert workload.service_s is None


def test_only_live_workers_of_the_scaled_lanes_serve(deps):
    live, lost, draining = (make_worker(deps) for _ in range(3))
    execute(
        deps,
        "UPDATE app.worker_process SET beat_at = beat_at - interval '1 hour' WHERE id = :id",
        id=lost.process_id,
    )
    execute(
        deps,
        "UPDATE app.worker_process SET draining_at = clock_timestamp() WHERE id = :id",
        id=draining.process_id,
    )
    assert live.process_id != lost.process_id
    assert count_serving(deps) == 1


def test_what_the_provider_s_day_has_left_is_what_the_ledger_has_not_used(database_url, redis_url):
    limits = {"GROQ_REQUESTS_PER_DAY": "1000", "GROQ_TOKENS_PER_DAY": "200000"}
    with open_deps(database_url, redis_url, GROQ_API_KEY="simulated", **limits) as deps:
        job_id = new_id()
        add_call(deps, job_id, state="answered", tokens=1500)
        add_call(deps, job_id, state="failed")
        add_call(deps, job_id, state="unmade")
        execute(
            deps,
            "UPDATE app.llm_call SET planned_at = planned_at - interval '25 hours'"
            " WHERE state = 'failed'",
        )
        workload = observe_workload(deps, ahead_s=60)
        assert (workload.requests_left, workload.tokens_left) == (999, 198_500)
    with open_deps(database_url, redis_url, **limits) as deps:
        workload = observe_workload(deps, ahead_s=60)
        assert (workload.requests_left, workload.tokens_left) == (None, None)


def test_waiting_for_the_provider_s_budget_is_no_work(deps):
    seller = make_seller(deps)
    submit(deps, seller, 1)
    [job_id] = list_claimable(deps)
    claim(make_worker(deps), job_id)
    finish(deps, held_s=10)
    add_call(deps, job_id, state="answered")
    assert observe_workload(deps, ahead_s=60).service_s == pytest.approx(10, abs=0.5)
    execute(deps, "UPDATE app.llm_call SET sent_at = clock_timestamp() - interval '4 seconds'")
    assert observe_workload(deps, ahead_s=60).service_s == pytest.approx(4, abs=0.5)
