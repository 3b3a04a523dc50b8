"""What no retry mends: each ends with a clear reason on the job, nothing lost, no thread stuck."""

from __future__ import annotations

import pytest

from core.clock import monotonic_s
from core.errors import InvalidFieldError
from domain.prompts import request as prompts
from services.failures import sum_unanswered
from services.import_show import get_import
from services.submit import get_job, submit_job
from simulators.groq import shape
from tests.support.groq_sim import running_groq
from tests.support.jobs import (
    import_all,
    make_csv,
    make_due,
    make_listing,
    make_long_listing,
    make_order,
    make_wish,
    make_worker,
    open_deps,
    query,
)
from tests.support.llm_door import open_groq_deps

pytestmark = pytest.mark.servers


@pytest.fixture
def groq():
    with running_groq(key="gsk_test") as simulator:
        yield simulator


@pytest.fixture
def deps(database_url, redis_url, groq):
    with open_groq_deps(database_url, redis_url, groq) as made:
        yield made


def run(deps, seller, listing=None, engine="groq"):
    order = make_order(listing or make_long_listing(), wish=make_wish(engine))
    job_id = submit_job(deps, seller.id, order).job_id
    began_s = monotonic_s()
    make_worker(deps).run(job_id)
    assert monotonic_s() - began_s < 3.0, "a thread was held up"
    return get_job(deps, seller.id, job_id)


def test_a_wrong_key_names_the_setting(database_url, redis_url, groq, seller):
    with open_groq_deps(database_url, redis_url, groq, GROQ_API_KEY="gsk_wrong") as deps:
        job = run(deps, seller)
    assert (job["state"], job["error"]["code"]) == ("discarded", "llm_refused")
    assert "GROQ_API_KEY" in job["error"]["message"]
    assert "gsk_wrong" not in job["error"]["message"]


def test_the_right_key_is_not_blamed_for_the_wrong_one(database_url, redis_url, groq, seller):
    with open_groq_deps(database_url, redis_url, groq, GROQ_API_KEY="gsk_wrong") as deps:
        assert run(deps, seller)["state"] == "discarded"
    with open_groq_deps(database_url, redis_url, groq) as deps:
        assert run(deps, seller, make_listing("other"))["state"] == "completed"


def test_a_retired_model_is_refused_at_the_start(database_url, redis_url):
    with (
        pytest.raises(InvalidFieldError, match="shut off by its provider on 2026-08-16") as caught,
        open_deps(database_url, redis_url, GROQ_MODEL="llama-3.1-8b-instant"),
    ):
        pass
    assert "openai/gpt-oss-20b" in caught.value.remedy


def test_models_that_are_all_gone_say_so(deps, seller, groq):
    groq.set_faults("404")
    job = run(deps, seller)
    assert (job["state"], job["error"]["code"]) == ("discarded", "llm_refused")
    assert "no model 'openai/gpt-oss-20b'" in job["error"]["message"]
    assert len(job["hops"]) == 2


def test_a_schema_that_is_refused_is_not_asked_twice(deps, seller, groq, monkeypatch):
    """A fault of ours: it is said, and no other call is made for this listing."""
    monkeypatch.setattr(
        prompts,
        "build_schema",
        lambda fields: {
            "type": "object",
            "properties": {name: {"type": "string", "maxLength": 80} for name in fields},
            "required": list(fields),
            "additionalProperties": False,
        },
    )
    job = run(deps, seller)
    assert (job["state"], job["error"]["code"]) == ("discarded", "llm_bad_request")
    assert "maxLength" in job["error"]["message"]
    assert groq.ledger()["calls"] == 1
    assert query(deps, "SELECT state, cost_pico FROM app.llm_call") == [("failed", None)]


def test_a_spend_cap_that_is_hit_stops_an_import_with_the_reason(deps, seller, groq):
    groq.set_faults("blocked")
    import_id = import_all(deps, seller, make_csv(5), engine="groq")
    [(reason,)] = query(deps, "SELECT halt_reason FROM app.batch")
    assert "monthly spend limit" in reason
    assert "console.groq.com/settings/billing" in reason
    states = query(
        deps, "SELECT state, count(*) FROM app.job WHERE kind = 'optimize' GROUP BY 1 ORDER BY 1"
    )
    assert states == [("cancelled", 4), ("discarded", 1)]
    assert groq.ledger()["calls"] == 1
    assert query(deps, "SELECT state FROM app.import_file WHERE id = :id", id=import_id) == [
        ("done",)
    ]


def test_a_refused_form_of_our_requests_is_not_asked_for_every_listing(
    deps, seller, groq, monkeypatch
):
    """Three calls of each model of the chain; then the rest is halted, and the operator told."""
    monkeypatch.setattr(shape, "_UNSUPPORTED", frozenset({"temperature"}))
    import_all(deps, seller, make_csv(12), engine="groq")
    assert groq.ledger()["calls"] == 6
    [(reason,)] = query(deps, "SELECT halt_reason FROM app.batch")
    assert "the form of our requests (400 invalid_request)" in reason
    assert "No listing is at fault" in reason
    kinds = query(deps, "SELECT DISTINCT kind, level FROM app.operator_event")
    assert kinds == [("provider_refused", "error")]


def test_a_spend_cap_leaves_the_others_to_the_rules(deps, seller, groq):
    groq.set_faults("blocked")
    import_all(deps, seller, make_csv(5), engine="auto")
    assert query(
        deps, "SELECT outcome, count(*) FROM app.job WHERE kind = 'optimize' GROUP BY 1"
    ) == [("rules_fallback", 5)]
    assert groq.ledger()["calls"] == 1


def test_a_listing_larger_than_the_context_is_cut_to_what_matters(deps, seller, groq):
    """The longest description there may be: the title is still written, in one call that fits."""
    huge = make_long_listing(description="A rib-knit beanie of merino wool. " * 2_900)
    job = run(deps, seller, huge)
    assert (job["state"], job["engine"]) == ("completed", "groq")
    [call] = groq.calls()
    assert call["usage"]["prompt"] < 20_000


def test_what_is_too_long_or_dropped_is_counted(deps, seller):
    title = "Northfold beanie soft rib knit green merino wool warm winter hat " * 2
    long = "<p>A rib-knit beanie of merino wool.</p><script>x</script> " * 1_600
    rows = ["sku,title,description", f"A,{title},{long}", f"B,{title},{'x' * 100_001}", ""]
    import_id = import_all(deps, seller, "\r\n".join(rows).encode(), engine="groq")
    shown = get_import(deps, seller.id, import_id)
    assert (shown["estimate"]["jobs"], shown["estimate"]["refused"]) == (1, 1)
    assert shown["progress"]["counts"]["too_long_description"] == 1


def test_a_call_without_an_answer_is_summed(deps, seller, groq):
    groq.set_faults("reset@1-1")
    import_id = import_all(deps, seller, make_csv(1), engine="groq")
    batch_id = get_import(deps, seller.id, import_id)["batch_id"]
    calls, most_pico = sum_unanswered(deps, seller.id, batch_id)
    assert calls == 1
    assert most_pico > 0


def test_a_listing_that_no_plan_takes_is_refused_with_the_number(database_url, redis_url, seller):
    with (
        running_groq(tokens_per_minute=1_000) as small,
        open_groq_deps(database_url, redis_url, small, GROQ_TOKENS_PER_MINUTE="1000") as deps,
    ):
        job = run(deps, seller)
        assert small.ledger()["calls"] == 0
    assert (job["state"], job["error"]["code"]) == ("discarded", "llm_bad_request")
    assert "1,000" in job["error"]["message"]


def test_a_provider_s_smaller_limit_than_ours_is_refused_with_its_number(
    database_url, redis_url, seller
):
    """413: the plan is smaller than the settings say."""
    with (
        running_groq(tokens_per_minute=1_000) as small,
        open_groq_deps(database_url, redis_url, small) as deps,
    ):
        job = run(deps, seller)
        assert small.ledger()["calls"] <= 2
    assert (job["state"], job["error"]["code"]) == ("discarded", "llm_bad_request")
    assert "1000" in job["error"]["message"]


@pytest.mark.parametrize("engine", ["auto", "groq"])
def test_a_listing_of_odd_characters_is_sent_whole(deps, seller, groq, engine):
    odd = make_listing(title="Mütze \u202e 帽子 🧢 " * 12, description="\ufeff\u0378 end")
    job = run(deps, seller, odd, engine)
    assert job["state"] == "completed"
    make_due(deps)
