"""While a provider fails: nothing is lost, no attempt is burnt, and every hop is stated."""

from __future__ import annotations

import pytest

from domain.breaker import FAILURES_IN_A_ROW
from domain.job import MAX_ATTEMPTS
from services.alarms import list_events
from services.llm_check import disable_llm
from services.review import get_suggestion
from services.submit import get_job, submit_job
from tests.support.groq_sim import running_groq
from tests.support.jobs import (
    execute,
    list_claimable,
    make_due,
    make_long_listing,
    make_order,
    make_wish,
    make_worker,
    query,
)
from tests.support.llm_door import break_model, let_outage_pass, open_groq_deps

pytestmark = pytest.mark.servers

SMALL, LARGE = "openai/gpt-oss-20b", "openai/gpt-oss-120b"


@pytest.fixture
def groq():
    with running_groq(hang_s=0.2, retry_after_s=0.02) as simulator:
        yield simulator


@pytest.fixture
def deps(database_url, redis_url, groq):
    with open_groq_deps(database_url, redis_url, groq) as made:
        yield made


@pytest.fixture
def worker(deps):
    return make_worker(deps)


def submit(deps, seller, engine="groq", key="SKU-1", lane="interactive"):
    order = make_order(make_long_listing(key, key), wish=make_wish(engine))
    job_id = submit_job(deps, seller.id, order).job_id
    execute(deps, "UPDATE app.job SET lane = :lane WHERE id = :id", lane=lane, id=job_id)
    return job_id


def read_waits(deps):
    return query(deps, "SELECT state, failures, crash_count, waits_for FROM app.job")


def test_the_next_model_is_asked_and_the_hop_is_stated(deps, seller, groq, worker):
    break_model(deps, 0)
    job_id = submit(deps, seller)
    worker.run(job_id)
    job = get_job(deps, seller.id, job_id)
    assert (job["state"], job["outcome"], job["engine"]) == ("completed", "improved", "groq")
    assert [call["model"] for call in groq.calls()] == [LARGE]
    [hop] = job["hops"]
    assert hop["llm"] == SMALL
    assert "failing" in hop["reason"]
    suggestion = get_suggestion(deps, seller.id, job["suggestion_id"])
    assert (suggestion["llm"], suggestion["hops"]) == (LARGE, [hop])


def test_without_a_hop_nothing_is_stated(deps, seller, worker):
    job_id = submit(deps, seller)
    worker.run(job_id)
    job = get_job(deps, seller.id, job_id)
    assert job["hops"] == []
    assert get_suggestion(deps, seller.id, job["suggestion_id"])["hops"] == []


@pytest.mark.parametrize("fault", ["500", "502", "503", "html"])
def test_the_failure_that_opens_the_breaker_leads_to_the_next_model(
    deps, seller, groq, worker, fault
):
    groq.set_faults(f"{fault}@1-{FAILURES_IN_A_ROW}")
    ids = [submit(deps, seller, key=f"SKU-{n}") for n in range(FAILURES_IN_A_ROW)]
    for job_id in ids:
        worker.run(job_id)
    assert get_job(deps, seller.id, ids[-1])["state"] == "completed"
    assert [call["model"] for call in groq.calls()] == [SMALL] * FAILURES_IN_A_ROW + [LARGE]


@pytest.mark.parametrize("fault", ["timeout", "reset"])
def test_who_does_not_answer_is_down(deps, seller, groq, worker, fault):
    groq.set_faults(fault)
    for n in range(FAILURES_IN_A_ROW):
        worker.run(submit(deps, seller, key=f"SKU-{n}"))
    assert deps.doors[0].breaker.find_outage_s() is not None


def test_a_seller_of_groq_alone_waits_and_never_gets_rules(deps, seller, groq, worker):
    break_model(deps, 0)
    break_model(deps, 1)
    let_outage_pass(deps, seconds=3600)
    job_id = submit(deps, seller)
    for _ in range(3 * MAX_ATTEMPTS):
        worker.run(job_id)
        make_due(deps)
    assert read_waits(deps) == [("available", 0, 0, "provider")]
    assert groq.ledger()["calls"] == 0
    assert query(deps, "SELECT count(*) FROM app.llm_call") == [(0,)]


@pytest.mark.parametrize(("lane", "outage_s"), [("interactive", 11), ("bulk", 121)])
def test_who_left_the_choice_waits_a_while_and_gets_rules_then(
    deps, seller, groq, worker, lane, outage_s
):
    break_model(deps, 0)
    break_model(deps, 1)
    job_id = submit(deps, seller, "auto", lane=lane)
    worker.run(job_id)
    assert read_waits(deps) == [("available", 0, 0, "provider")]
    make_due(deps)
    let_outage_pass(deps, seconds=outage_s)
    worker.run(job_id)
    job = get_job(deps, seller.id, job_id)
    assert (job["state"], job["outcome"], job["engine"]) == ("completed", "rules_fallback", "rules")
    assert {hop["llm"] for hop in job["hops"]} == {SMALL, LARGE}
    assert "failing" in job["error"]["message"]
    assert groq.ledger()["calls"] == 0


def test_an_outage_of_minutes_kills_no_job_and_costs_few_calls(deps, seller, groq, worker):
    """Row 4a: no dead letter, and one call in ten seconds; all is done once it is back."""
    groq.set_faults("503")
    ids = [submit(deps, seller, key=f"SKU-{n}", lane="bulk") for n in range(6)]
    for _ in range(8):
        for job_id in ids:
            worker.run(job_id)
        make_due(deps)
    opened = groq.ledger()["calls"]
    assert opened <= 2 * FAILURES_IN_A_ROW
    for round_no in range(1, 4):
        let_outage_pass(deps, seconds=60 * round_no, probe=True)
        for job_id in ids:
            worker.run(job_id)
        make_due(deps)
    assert groq.ledger()["calls"] <= opened + 3 * 2
    states = query(deps, "SELECT DISTINCT state FROM app.job")
    assert states == [("available",)]
    assert query(deps, "SELECT max(failures) < :most FROM app.job", most=MAX_ATTEMPTS) == [(True,)]
    assert query(deps, "SELECT DISTINCT kind FROM app.operator_event") == [("breaker_opened",)]

    groq.set_faults()
    execute(deps, "UPDATE app.job SET scheduled_at = clock_timestamp() + interval '1 hour'")
    execute(deps, "UPDATE app.job SET scheduled_at = clock_timestamp() WHERE id = :id", id=ids[0])
    let_outage_pass(deps, seconds=300, probe=True)
    worker.run(ids[0])
    assert len(list_claimable(deps)) == len(ids) - 1
    for job_id in list_claimable(deps):
        worker.run(job_id)
    assert query(deps, "SELECT DISTINCT state, outcome FROM app.job") == [("completed", "improved")]
    assert groq.ledger()["billed_calls"] == len(ids)
    assert "breaker_closed" in {one["kind"] for one in list_events(deps)}


def test_a_failed_probe_costs_no_attempt(deps, seller, groq, worker):
    groq.set_faults("500")
    break_model(deps, 0)
    break_model(deps, 1)
    job_id = submit(deps, seller, lane="bulk")
    for _ in range(2 * MAX_ATTEMPTS):
        let_outage_pass(deps, probe=True)
        worker.run(job_id)
        make_due(deps)
    assert read_waits(deps) == [("available", 0, 0, "provider")]
    assert groq.ledger()["calls"] >= 2 * MAX_ATTEMPTS


@pytest.mark.parametrize("fault", ["429", "498"])
def test_who_says_slow_down_is_not_down(deps, seller, groq, worker, fault):
    groq.set_faults(fault)
    for n in range(2 * FAILURES_IN_A_ROW):
        worker.run(submit(deps, seller, key=f"SKU-{n}"))
    assert {call["model"] for call in groq.calls()} == {SMALL}
    assert deps.doors[0].breaker.find_outage_s() is None
    assert list_events(deps, kind="breaker_opened") == []


@pytest.mark.parametrize(
    ("fault", "kind", "key"),
    [
        ("401", "provider_refused", "groq"),
        ("403", "provider_refused", "groq"),
        ("blocked", "provider_refused", "groq"),
        ("404", "model_retired", SMALL),
    ],
)
def test_who_is_shut_out_is_told_once(deps, seller, groq, worker, fault, kind, key):
    groq.set_faults(fault)
    for n in range(3):
        worker.run(submit(deps, seller, "auto", key=f"SKU-{n}"))
    event = list_events(deps)[-1]
    assert (event["kind"], event["key"], event["level"]) == (kind, key, "error")
    assert groq.ledger()["calls"] == (2 if fault == "404" else 1)


def test_a_refused_key_stops_other_processes_too(database_url, redis_url, deps, seller, groq):
    groq.set_faults("401")
    make_worker(deps).run(submit(deps, seller, "auto"))
    with open_groq_deps(database_url, redis_url, groq) as other:
        make_worker(other).run(submit(deps, seller, "auto", key="SKU-2"))
    assert groq.ledger()["calls"] == 1


def test_a_model_that_is_gone_leaves_the_rest_of_the_chain(deps, seller, groq, worker):
    groq.set_faults("404@1")
    job_id = submit(deps, seller)
    worker.run(job_id)
    job = get_job(deps, seller.id, job_id)
    assert (job["state"], job["engine"]) == ("completed", "groq")
    assert [hop["llm"] for hop in job["hops"]] == [SMALL]
    assert "no model" in job["hops"][0]["reason"]


def test_a_disabled_model_is_not_asked(deps, seller, groq, worker):
    disable_llm(deps, SMALL, "the provider lists it no more")
    deps.disabled.forget()
    job_id = submit(deps, seller)
    worker.run(job_id)
    assert [call["model"] for call in groq.calls()] == [LARGE]
    assert "out of use" in get_job(deps, seller.id, job_id)["hops"][0]["reason"]


def test_a_paid_answer_is_used_though_nobody_can_be_asked(deps, seller, groq, worker):
    worker.run(submit(deps, seller))
    break_model(deps, 0)
    break_model(deps, 1)
    listing = make_long_listing("SKU-1", "SKU-1")
    job_id = submit_job(deps, seller.id, make_order(listing, wish=make_wish("groq"))).job_id
    worker.run(job_id)
    assert get_job(deps, seller.id, job_id)["state"] == "completed"
    assert groq.ledger()["calls"] == 1


def test_a_probe_that_is_not_made_is_the_next_ones(deps, seller, groq, worker):
    break_model(deps, 0)
    break_model(deps, 1)
    let_outage_pass(deps, probe=True)
    job_id = submit(deps, seller)
    worker.paying = False
    worker.run(job_id)
    assert groq.ledger()["calls"] == 0
    worker.paying = True
    worker.run(job_id)
    assert groq.ledger()["calls"] == 1


def test_a_larger_model_costs_no_more_than_twice_the_estimate(deps, seller, groq, worker):
    """Asked first it may cost all of that; a repair is the smaller one's, if it can be paid."""
    break_model(deps, 0)
    let_outage_pass(deps, seconds=600)
    groq.set_faults("refusal@1")
    job_id = submit(deps, seller)
    worker.run(job_id)
    assert read_waits(deps) == [("available", 0, 0, "provider")]
    assert query(
        deps, "SELECT scheduled_at < clock_timestamp() + interval '12 seconds' FROM app.job"
    ) == [(True,)]
    let_outage_pass(deps, probe=True)
    make_due(deps)
    worker.run(job_id)
    asked = [call["model"] for call in groq.calls()]
    job = get_job(deps, seller.id, job_id)
    assert (asked, job["state"], job["outcome"]) in (
        ([LARGE, SMALL], "completed", "improved"),
        ([LARGE], "completed", "refused"),
    )
    [(spent, most)] = query(deps, "SELECT sum(cost_pico)::bigint, max(est_pico) FROM app.llm_call")
    assert 0 < spent <= most
    assert most == query(deps, "SELECT est_pico FROM app.llm_call WHERE model = :m", m=LARGE)[0][0]
