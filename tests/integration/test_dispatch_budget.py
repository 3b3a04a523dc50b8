"""The dispatcher sends no more work than the provider's budget can take soon."""

import pytest

from domain.budget.values import Booking, Cost, Reservation
from services.dispatch import Rounds, run_tick
from services.submit import submit_job
from tests.support.groq_sim import running_groq
from tests.support.jobs import execute, make_listing, make_order, make_seller, query
from tests.support.llm_door import open_groq_deps

pytestmark = pytest.mark.servers


@pytest.fixture
def deps(database_url, redis_url):
    limits = {"GROQ_TOKENS_PER_MINUTE": "60000"}
    with running_groq() as groq, open_groq_deps(database_url, redis_url, groq, **limits) as made:
        yield made


def add_jobs(deps, count, *, tokens):
    """Due jobs of the bulk lane that need so many tokens each."""
    seller = make_seller(deps, f"s{tokens}@example.com")
    for number in range(count):
        listing = make_listing(f"SKU-{tokens}-{number}", description=f"Hat {tokens} {number}")
        submit_job(deps, seller.id, make_order(listing))
    execute(
        deps,
        "UPDATE app.job SET est_tokens = :tokens, dispatched_at = NULL, lane = 'bulk'"
        " WHERE seller_id = :seller",
        tokens=tokens,
        seller=seller.id,
    )


def list_sent(deps):
    found = query(deps, "SELECT est_tokens FROM app.job WHERE dispatched_at IS NOT NULL")
    return sorted(tokens for (tokens,) in found)


def spend(deps, tokens):
    cost = Cost(input_tokens=tokens, output_tokens=0)
    assert isinstance(deps.door.budget.reserve(Booking(ticket="x", cost=cost)), Reservation)


def test_only_what_the_budget_can_take_within_seconds_is_sent(deps):
    add_jobs(deps, 6, tokens=1_500)
    spend(deps, 59_000)
    # 400 tokens are there and 3,000 flow back in 3 s: the third job is the one that crosses.
    assert run_tick(deps, Rounds()) == 3
    assert run_tick(deps, Rounds()) == 0


def test_work_without_a_language_model_is_not_held_back(deps):
    add_jobs(deps, 3, tokens=1_500)
    add_jobs(deps, 3, tokens=0)
    spend(deps, 59_400)
    deps.door.budget.pause(60, seen={})
    run_tick(deps, Rounds())
    assert list_sent(deps) == [0, 0, 0]


def test_a_long_pause_of_the_provider_holds_nothing_back(deps):
    add_jobs(deps, 3, tokens=1_500)
    deps.door.budget.pause(600, seen={})
    assert run_tick(deps, Rounds()) == 3
