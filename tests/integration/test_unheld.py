"""What runs under a living process's name although none of its threads has it is given back."""

from __future__ import annotations

import pytest

from core.errors import UnavailableError
from models import job as jobs
from services.process import give_back_unheld
from services.submit import submit_job
from tests.support.groq_sim import running_groq
from tests.support.jobs import (
    execute,
    make_long_listing,
    make_order,
    make_worker,
    put_into_batch,
    query,
    run_all,
    sum_counts,
    try_claim,
)
from tests.support.llm_door import open_groq_deps

pytestmark = pytest.mark.servers

STATE = "SELECT state, claim_no, crash_count, failures, lease_owner FROM app.job"
PLANNED = (
    "INSERT INTO app.llm_call (seller_id, job_id, step, claim_no, state, model)"
    " SELECT seller_id, id, 1, 1, 'planned', 'm' FROM app.job"
)


@pytest.fixture
def job_id(deps, seller):
    return submit_job(deps, seller.id, make_order()).job_id


def test_a_claim_whose_reply_was_lost_is_given_back_by_its_own_process(deps, job_id, monkeypatch):
    worker = make_worker(deps)
    claim = jobs.claim_job

    def claim_unheard(*arguments, **more):
        claim(*arguments, **more)
        raise UnavailableError("the reply was lost")

    with monkeypatch.context() as patched:
        patched.setattr(jobs, "claim_job", claim_unheard)
        worker.run(job_id)
    assert query(deps, STATE) == [("running", 1, 0, 0, worker.process_id)]
    assert give_back_unheld(deps, worker.process_id, worker.hands) == 1
    assert query(deps, STATE) == [("available", 1, 0, 0, None)]
    make_worker(deps).run(job_id)
    assert query(deps, "SELECT state FROM app.job") == [("completed",)]


def test_what_a_thread_has_in_hand_is_left_alone_and_others_jobs_too(deps, job_id):
    worker = make_worker(deps)
    with worker.hands.hold(job_id):
        assert try_claim(worker, job_id) is not None
        assert give_back_unheld(deps, worker.process_id, worker.hands) == 0
    stranger = make_worker(deps)
    assert give_back_unheld(deps, stranger.process_id, stranger.hands) == 0
    assert query(deps, "SELECT state FROM app.job") == [("running",)]


def test_a_second_message_does_not_let_go_of_what_the_first_one_holds(deps, job_id):
    worker = make_worker(deps)
    with worker.hands.hold(job_id):
        assert try_claim(worker, job_id) is not None
        worker.run(job_id)
        assert give_back_unheld(deps, worker.process_id, worker.hands) == 0


def test_its_planned_call_may_be_billed_and_its_cancellation_is_counted(deps, seller, job_id):
    batch_id = put_into_batch(deps, seller, job_id)
    worker = make_worker(deps)
    assert try_claim(worker, job_id) is not None
    execute(deps, PLANNED)
    execute(deps, "UPDATE app.job SET cancel_requested_at = clock_timestamp()")
    assert give_back_unheld(deps, worker.process_id, worker.hands) == 1
    assert query(deps, "SELECT state FROM app.job") == [("cancelled",)]
    assert query(deps, "SELECT state FROM app.llm_call") == [("unknown",)]
    assert sum_counts(deps, seller, batch_id) == {"cancelled": 1}


def test_a_call_planned_under_an_earlier_claim_does_not_stay_planned(
    database_url, redis_url, seller
):
    """Its process lost the reply to the plan, and gave the job back without a call."""
    with running_groq() as groq, open_groq_deps(database_url, redis_url, groq) as deps:
        submit_job(deps, seller.id, make_order(make_long_listing()))
        execute(deps, "UPDATE app.job SET claim_no = 1")
        execute(deps, PLANNED)
        run_all(deps, make_worker(deps))
        assert query(deps, "SELECT state FROM app.llm_call ORDER BY id") == [
            ("unknown",),
            ("answered",),
        ]
