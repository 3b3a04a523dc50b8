"""Every call is in the books, at the price of its day; nothing is bought twice or without leave."""

from __future__ import annotations

import datetime as dt

import pytest

from core.clock import today
from domain.catalogue import cost_picousd, get_llm_at_price
from domain.job import MAX_ATTEMPTS
from services.intervene import cancel_job, retry_job
from services.llm_write import MAX_CALLS, MAX_ESTIMATES
from services.reoptimize import RunWish, reoptimize
from services.submit import get_job, submit_job
from tests.support.groq_sim import running_groq
from tests.support.jobs import (
    execute,
    list_claimable,
    make_due,
    make_long_listing,
    make_order,
    make_seller,
    make_wish,
    make_worker,
    query,
)
from tests.support.llm_door import after_answer, open_groq_deps

pytestmark = pytest.mark.servers


@pytest.fixture
def groq():
    limits = {"tokens_per_minute": 100_000_000, "requests_per_minute": 100_000}
    with running_groq(seed=7, hang_s=0.05, retry_after_s=0.01, **limits) as simulator:
        yield simulator


@pytest.fixture
def deps(database_url, redis_url, groq):
    limits = {
        "GROQ_TOKENS_PER_MINUTE": "100000000",
        "GROQ_REQUESTS_PER_MINUTE": "100000",
    }
    with open_groq_deps(database_url, redis_url, groq, **limits) as made:
        yield made


@pytest.fixture
def worker(deps):
    return make_worker(deps)


def submit(deps, seller, engine="groq", key="SKU-1", channel="ebay", **wish):
    order = make_order(make_long_listing(key, key), channel=channel, wish=make_wish(engine, **wish))
    return submit_job(deps, seller.id, order).job_id


def run_off(deps, worker):
    """Run everything, and again what waits, until nothing can be claimed."""
    for _ in range(4 * MAX_ATTEMPTS):
        due = list_claimable(deps)
        if not due:
            return
        for job_id in due:
            worker.run(job_id)
        make_due(deps)


def cancel(deps, job_id) -> None:
    assert cancel_job(deps, job_id) == "running"


MIXED = ("500:0.08", "498:0.05", "length:0.1", "cut:0.06", "refusal:0.1", "leak:0.05")
MORE = ("json_failed:0.05", "html:0.03", "empty:0.03", "invent:0.1")


@pytest.mark.parametrize("engine", ["groq", "auto"])
def test_the_books_are_those_of_the_provider(deps, seller, groq, worker, engine):
    """A mixed run with faults: equal to the picodollar, call by call and job by job."""
    groq.set_faults(*MIXED, *MORE)
    ids = [
        submit(deps, seller, engine, key=f"SKU-{n}", channel=("ebay", "amazon")[n % 2])
        for n in range(40)
    ]
    run_off(deps, worker)
    theirs = groq.ledger()
    assert theirs["billed_calls"] > len(ids)
    assert theirs["cached_tokens"] > 0
    assert not list_claimable(deps)
    assert query(
        deps,
        "SELECT sum(cost_pico)::bigint, count(*), sum(prompt_tokens), sum(cached_tokens),"
        " sum(completion_tokens) FROM app.llm_call WHERE cost_pico > 0",
    ) == [
        (
            theirs["cost_picousd"],
            theirs["billed_calls"],
            theirs["prompt_tokens"],
            theirs["cached_tokens"],
            theirs["completion_tokens"],
        )
    ]
    assert query(deps, "SELECT count(*) FROM app.llm_call") == [(theirs["calls"],)]
    assert query(deps, "SELECT sum(cost_pico)::bigint FROM app.job") == [(theirs["cost_picousd"],)]
    check_prices(deps)
    check_bounds(deps)


def check_prices(deps) -> None:
    """What each call cost follows from its tokens and the price row it names."""
    rows = query(
        deps,
        "SELECT price_id, prompt_tokens, cached_tokens, completion_tokens, tier, cost_pico,"
        " reasoning_tokens, provider_request_id, headers FROM app.llm_call WHERE cost_pico > 0",
    )
    for price_id, prompt, cached, completion, tier, cost, reasoning, request_id, headers in rows:
        assert cost == cost_picousd(
            get_llm_at_price(price_id),
            prompt_tokens=prompt,
            cached_tokens=cached,
            completion_tokens=completion,
            tier=tier,
        )
        assert 0 < reasoning <= completion
        assert request_id
        assert "x-ratelimit-remaining-tokens" in headers


def check_bounds(deps) -> None:
    """No job took more than three answers or twice the estimate of its first call."""
    rows = query(
        deps,
        "SELECT count(*) FILTER (WHERE state = 'answered'), coalesce(sum(cost_pico), 0)::bigint,"
        " (array_agg(est_pico ORDER BY id))[1] FROM app.llm_call GROUP BY job_id",
    )
    assert max(answers for answers, _, _ in rows) == MAX_CALLS
    assert all(answers <= MAX_CALLS and cost <= MAX_ESTIMATES * est for answers, cost, est in rows)


def test_a_call_that_nobody_answered_is_marked_as_perhaps_billed(deps, seller, groq, worker):
    groq.set_faults("lost@1")
    job_id = submit(deps, seller)
    run_off(deps, worker)
    assert get_job(deps, seller.id, job_id)["state"] == "completed"
    [(lost, most), (_, _)] = query(
        deps, "SELECT error_code, est_pico FROM app.llm_call ORDER BY id"
    )
    assert lost == "llm_unanswered"
    [(ours,)] = query(deps, "SELECT sum(cost_pico)::bigint FROM app.llm_call")
    assert ours < groq.ledger()["cost_picousd"] <= ours + most


def test_a_failed_call_says_why(deps, seller, groq, worker):
    groq.set_faults("500@1")
    submit(deps, seller)
    run_off(deps, worker)
    [(code, detail)] = query(
        deps, "SELECT error_code, error_detail FROM app.llm_call WHERE state = 'failed'"
    )
    assert code == "llm_unavailable"
    assert "500" in detail


@pytest.mark.parametrize("fault", ["refusal", "length"])
def test_a_cancelled_job_buys_no_second_call(deps, seller, groq, worker, fault):
    groq.set_faults(fault)
    job_id = submit(deps, seller)
    after_answer(deps, lambda: cancel(deps, job_id))
    worker.run(job_id)
    assert groq.ledger()["calls"] == 1
    assert get_job(deps, seller.id, job_id)["state"] == "cancelled"
    assert query(deps, "SELECT state FROM app.llm_call") == [("answered",)]


def test_an_overtaken_job_buys_no_second_call(deps, seller, groq, worker):
    groq.set_faults("refusal")
    job_id = submit(deps, seller)
    after_answer(deps, lambda: execute(deps, "UPDATE app.job SET claim_no = claim_no + 1"))
    worker.run(job_id)
    assert groq.ledger()["calls"] == 1


def test_an_answer_that_stays_too_long_is_asked_for_once_more_with_more_room(
    deps, seller, groq, worker
):
    groq.set_faults("length")
    job_id = submit(deps, seller)
    run_off(deps, worker)
    job = get_job(deps, seller.id, job_id)
    assert (job["state"], job["error"]["code"]) == ("discarded", "llm_bad_output")
    [(first, second)] = query(
        deps, "SELECT min(completion_tokens), max(completion_tokens) FROM app.llm_call"
    )
    assert 1.09 * first < second <= 1.6 * first
    assert groq.ledger()["calls"] == 2


def test_a_person_s_retry_asks_anew_where_the_answers_were_of_no_use(deps, seller, groq, worker):
    groq.set_faults("length")
    job_id = submit(deps, seller)
    run_off(deps, worker)
    groq.set_faults()
    retry_job(deps, job_id, seller_id=seller.id)
    run_off(deps, worker)
    job = get_job(deps, seller.id, job_id)
    assert (job["state"], job["outcome"]) == ("completed", "improved")
    assert groq.ledger()["calls"] == 3
    assert job["cost_microusd"] == round(groq.ledger()["cost_picousd"] / 1e6)


def test_equal_work_is_bought_once_and_a_variant_is_new_work(deps, seller, groq, worker):
    for _ in range(3):
        submit(deps, seller)
        run_off(deps, worker)
    assert groq.ledger()["calls"] == 1
    job_id = submit(deps, seller, variant=1)
    run_off(deps, worker)
    assert groq.ledger()["calls"] == 2
    assert get_job(deps, seller.id, job_id)["cost_microusd"] > 0
    submit(deps, seller, variant=1)
    run_off(deps, worker)
    assert groq.ledger()["calls"] == 2


def test_one_seller_s_answers_are_not_another_s(deps, seller, groq, worker):
    for one in (seller, make_seller(deps, "other@example.com")):
        submit(deps, one)
        run_off(deps, worker)
    assert groq.ledger()["calls"] == 2


def test_re_optimizing_an_unchanged_listing_costs_nothing(deps, seller, groq, worker):
    submit(deps, seller)
    run_off(deps, worker)
    assert groq.ledger()["calls"] == 1
    execute(
        deps,
        "UPDATE app.suggestion SET status = 'superseded', created_at = created_at"
        " - interval '90 days'",
    )
    execute(deps, "UPDATE app.listing SET open_suggestion_id = NULL")
    execute(deps, "DELETE FROM app.job")
    summary = reoptimize(deps, RunWish(everything=True))
    assert summary.submitted == 1
    make_due(deps)
    run_off(deps, worker)
    assert query(deps, "SELECT state, outcome, cost_pico FROM app.job") == [
        ("completed", "improved", 0)
    ]
    assert groq.ledger()["calls"] == 1


def test_the_price_is_that_of_the_day(deps, seller, groq, worker):
    submit(deps, seller)
    run_off(deps, worker)
    [(price_id,)] = query(deps, "SELECT price_id FROM app.llm_call")
    model, _, day = price_id.rpartition("@")
    assert model == "openai/gpt-oss-20b"
    assert dt.date.fromisoformat(day) <= today()
