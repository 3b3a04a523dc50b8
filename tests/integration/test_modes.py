"""What each mode touches and pays for, through the services, in the simulator's own books."""

from __future__ import annotations

from typing import Any

import pytest

from domain.brief import Mode
from services.submit import get_job, submit_job
from tests.support.groq_sim import running_groq
from tests.support.jobs import (
    make_listing,
    make_long_listing,
    make_order,
    make_wish,
    make_worker,
    query,
)
from tests.support.llm_door import open_groq_deps

pytestmark = pytest.mark.servers

GOOD = "Northfold Merino Wool Beanie, Green"


@pytest.fixture
def groq():
    with running_groq() as simulator:
        yield simulator


@pytest.fixture
def deps(database_url, redis_url, groq):
    with open_groq_deps(database_url, redis_url, groq) as made:
        yield made


@pytest.fixture
def run(deps, seller):
    worker = make_worker(deps)

    def run(listing, mode: Mode, **more) -> dict[str, Any]:
        order = make_order(listing, wish=make_wish("groq", mode=mode), **more)
        job_id = submit_job(deps, seller.id, order).job_id
        worker.run(job_id)
        return get_job(deps, seller.id, job_id)

    return run


def list_touched(deps) -> set[str]:
    """Fields that were asked for or proposed, whatever became of them."""
    return {name for (name,) in query(deps, "SELECT DISTINCT field FROM app.suggestion_field")}


def test_fix_makes_no_call_for_a_listing_that_passes(run, groq):
    job = run(make_listing(title=GOOD), Mode.FIX)
    assert (job["state"], job["outcome"], job["cost_microusd"]) == ("completed", "already_good", 0)
    assert groq.ledger()["calls"] == 0


def test_fix_touches_the_field_with_a_finding_alone(run, groq, deps):
    job = run(make_long_listing(), Mode.FIX)
    assert job["outcome"] == "improved"
    assert list_touched(deps) == {"title"}
    assert groq.ledger()["billed_calls"] == 1


def test_fix_leaves_a_field_with_mere_advice_alone(run, groq):
    listing = make_listing(title=GOOD, description="See www.example.com for more of it.")
    assert run(listing, Mode.FIX)["outcome"] == "already_good"
    assert groq.ledger()["calls"] == 0
    run(listing, Mode.IMPROVE)
    assert groq.ledger()["billed_calls"] >= 1


def test_improve_makes_no_call_where_there_is_no_advice_either(run, groq):
    assert run(make_listing(title=GOOD), Mode.IMPROVE)["outcome"] == "already_good"
    assert groq.ledger()["calls"] == 0


def test_rewrite_asks_for_every_field_but_those_the_seller_keeps(run, groq, deps):
    listing = make_long_listing(description="A rib-knit beanie. 🎁")
    run(listing, Mode.REWRITE, voice={"locks": ["title"]})
    assert list_touched(deps) == {"description"}
    assert groq.ledger()["billed_calls"] >= 1
