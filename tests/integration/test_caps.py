"""Caps on what may be spent: at a cap jobs wait, with a reason, and nothing fails."""

import pytest
import redis

from domain.budget.values import Caps
from services.caps import get_spending, set_caps
from services.submit import get_job, submit_job
from tests.support.groq_sim import running_groq
from tests.support.jobs import (
    execute,
    list_claimable,
    make_listing,
    make_order,
    make_seller,
    make_worker,
    query,
    run_all,
)
from tests.support.llm_door import open_groq_deps

pytestmark = pytest.mark.servers


@pytest.fixture
def groq():
    with running_groq() as simulator:
        yield simulator


@pytest.fixture
def open_with(database_url, redis_url, groq):
    def build(**settings):
        return open_groq_deps(database_url, redis_url, groq, **settings)

    return build


def submit_and_run(deps, seller, key):
    job_id = submit_job(
        deps, seller.id, make_order(make_listing(key, description=f"Hat {key}."))
    ).job_id
    run_all(deps, make_worker(deps))
    return job_id


def find_wait(deps, job_id):
    [row] = query(
        deps,
        "SELECT state, waits_for, failures, scheduled_at > clock_timestamp() + interval '1 s'"
        " FROM app.job WHERE id = :id",
        id=job_id,
    )
    return row


def test_at_its_cap_a_sellers_job_waits_and_a_higher_cap_wakes_it(open_with):
    with open_with() as deps:
        seller, other = make_seller(deps), make_seller(deps, "other@example.com")
        set_caps(deps, seller.id, Caps(day_pico=1))
        held = submit_and_run(deps, seller, "A")
        assert find_wait(deps, held) == ("available", "spend_cap", 0, True)
        assert held not in list_claimable(deps)
        free = submit_and_run(deps, other, "B")
        assert get_job(deps, other.id, free)["state"] == "completed"
        sellers = query(deps, "SELECT DISTINCT seller_id FROM app.llm_call")
        assert sellers == [(other.id,)]
        set_caps(deps, seller.id, Caps(day_pico=10**12))
        assert find_wait(deps, held) == ("available", None, 0, False)


def test_the_organisations_cap_holds_all_sellers_from_what_the_ledger_says(open_with, groq):
    with open_with(SPEND_MONTH_MAX_CENTS="1") as deps:
        seller = make_seller(deps)
        first = submit_and_run(deps, seller, "A")
        assert get_job(deps, seller.id, first)["state"] == "completed"
        spent = get_spending(deps, seller.id)
        assert spent.day_pico == spent.month_pico == groq.ledger()["cost_picousd"]
        execute(deps, "UPDATE app.llm_call SET cost_pico = 9999999999")
    with open_with(SPEND_MONTH_MAX_CENTS="1") as deps:
        with redis.Redis.from_url(deps.settings.redis_url) as client:
            client.flushdb()
        held = submit_and_run(deps, seller, "B")
        assert find_wait(deps, held)[:2] == ("available", "spend_cap")


def test_passing_a_share_of_a_cap_is_told_once(open_with):
    with open_with() as deps:
        seller = make_seller(deps)
        submit_and_run(deps, seller, "A")
        cost = get_spending(deps, seller.id).day_pico
        # The worker still remembers that there was no cap, for some seconds.
        deps.doors[0].purses.forget()
        set_caps(deps, seller.id, Caps(month_pico=cost * 6))
        for key in "BCD":
            submit_and_run(deps, seller, key)
        told = query(deps, "SELECT key, level FROM app.operator_event WHERE kind = 'budget'")
        assert [(key.rsplit(":", 1)[1], level) for key, level in told] == [("50", "warning")]
