"""A job under suspicion is run by nobody who runs others beside it; row 8 is the whole story."""

from __future__ import annotations

import pytest

from services.submit import submit_job
from tests.support.jobs import execute, make_order, make_seller, make_worker, open_deps, query

pytestmark = pytest.mark.servers


@pytest.fixture
def deps(database_url, redis_url):
    with open_deps(database_url, redis_url) as made:
        yield made


@pytest.fixture
def seller(deps):
    return make_seller(deps)


def test_an_ordinary_worker_refuses_a_suspect_whatever_message_names_it(deps, seller):
    job_id = submit_job(deps, seller.id, make_order()).job_id
    execute(deps, "UPDATE app.job SET crash_count = 2")
    worker = make_worker(deps)
    worker.alone = False
    worker.run(job_id)
    assert query(deps, "SELECT state, claim_no FROM app.job") == [("available", 0)]
    worker.alone = True
    worker.run(job_id)
    assert query(deps, "SELECT state, claim_no FROM app.job") == [("completed", 1)]
