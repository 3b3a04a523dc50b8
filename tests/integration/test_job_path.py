"""One job from submission to suggestion on real Postgres and Valkey, with the rules engine."""

from __future__ import annotations

import pytest

from services.submit import get_job, submit_job
from tests.support.jobs import make_listing, make_order, make_worker, query

pytestmark = pytest.mark.servers


def test_a_job_ends_completed_with_an_open_suggestion(deps, seller):
    accepted = submit_job(deps, seller.id, make_order())
    make_worker(deps).run(accepted.job_id)
    job = get_job(deps, seller.id, accepted.job_id)
    assert (job["state"], job["outcome"], job["engine"]) == ("completed", "improved", "rules")
    [(status, before, after)] = query(
        deps, "SELECT status, hard_before, hard_after FROM app.suggestion"
    )
    assert status == "open"
    assert after < before
    [(title,)] = query(deps, "SELECT after FROM app.suggestion_field WHERE field = 'title'")
    assert len(str(title)) <= 80


def test_a_listing_that_passes_is_left_alone(deps, seller):
    good = make_listing(title="Northfold Merino Wool Beanie, Green")
    accepted = submit_job(deps, seller.id, make_order(good))
    make_worker(deps).run(accepted.job_id)
    job = get_job(deps, seller.id, accepted.job_id)
    assert (job["outcome"], job["suggestion_id"]) == ("already_good", None)


def test_the_same_message_twice_runs_the_job_once(deps, seller):
    accepted = submit_job(deps, seller.id, make_order())
    worker = make_worker(deps)
    worker.run(accepted.job_id)
    worker.run(accepted.job_id)
    assert query(deps, "SELECT claim_no FROM app.job") == [(1,)]
    assert query(deps, "SELECT count(*) FROM app.suggestion") == [(1,)]


def test_the_same_work_asked_for_twice_is_one_job(deps, seller):
    first = submit_job(deps, seller.id, make_order())
    again = submit_job(deps, seller.id, make_order())
    assert first.job_id == again.job_id


def test_the_same_work_after_it_is_done_counts_as_reused(deps, seller):
    worker = make_worker(deps)
    worker.run(submit_job(deps, seller.id, make_order()).job_id)
    second = submit_job(deps, seller.id, make_order())
    worker.run(second.job_id)
    assert get_job(deps, seller.id, second.job_id)["reused"] is True
    assert query(deps, "SELECT status FROM app.suggestion ORDER BY id") == [
        ("superseded",),
        ("open",),
    ]
