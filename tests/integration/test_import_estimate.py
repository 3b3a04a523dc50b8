"""What an import will cost and take is said before; the most valuable part may have the model."""

from __future__ import annotations

import re

import pytest

from core.errors import InvalidFieldError
from domain.catalogue import get_llm
from services.import_show import get_import
from services.imports import confirm_import
from tests.support.groq_sim import running_groq
from tests.support.jobs import make_worker, query, run_all, upload
from tests.support.llm_door import open_groq_deps
from tests.support.web import open_web

pytestmark = pytest.mark.servers

FREE_PLAN = {
    "GROQ_REQUESTS_PER_MINUTE": "30",
    "GROQ_TOKENS_PER_MINUTE": "8000",
    "GROQ_REQUESTS_PER_DAY": "1000",
    "GROQ_TOKENS_PER_DAY": "200000",
}
TITLE = "Northfold beanie soft rib knit green merino wool warm winter hat "


@pytest.fixture
def groq():
    with running_groq() as simulator:
        yield simulator


@pytest.fixture
def deps(database_url, redis_url, groq):
    with open_groq_deps(database_url, redis_url, groq) as made:
        yield made


def make_priced(prices: list[str]) -> bytes:
    """A file of products that need writing, with these prices; an empty one is no price."""
    rows = [f"SKU-{n},{TITLE * 2}{n},{price}" for n, price in enumerate(prices)]
    return "\r\n".join(["sku,title,price", *rows, ""]).encode()


def read(deps, seller, content, **options):
    import_id = upload(deps, seller, content, **options)
    run_all(deps, make_worker(deps))
    shown = get_import(deps, seller.id, import_id)
    assert shown["state"] == "ready"
    return import_id, shown["estimate"]


def test_the_free_plan_s_weeks_are_said_before_anything_is_spent(
    database_url, redis_url, groq, seller
):
    with open_groq_deps(database_url, redis_url, groq, **FREE_PLAN) as deps:
        _, estimate = read(deps, seller, make_priced(["1.00"] * 900))
    assert estimate["calls"] == 900
    assert estimate["duration_s"] > 86_400
    assert "days" in estimate["duration"] or "hours" in estimate["duration"]
    assert 30 <= estimate["calls_a_day"] <= 300
    assert groq.ledger()["calls"] == 0


def test_a_run_within_the_limits_takes_minutes(deps, seller):
    _, estimate = read(deps, seller, make_priced(["1.00"] * 5))
    assert (estimate["duration_s"], estimate["duration"]) == (0, "minutes")


def test_what_is_paid_for_already_is_not_estimated_again(deps, seller, groq):
    content = make_priced(["1.00"] * 3)
    import_id, first = read(deps, seller, content)
    assert first["calls"] == 3
    confirm_import(deps, seller.id, import_id)
    run_all(deps, make_worker(deps))
    calls = groq.ledger()["calls"]
    assert calls >= 3
    again_id, again = read(deps, seller, content)
    assert (again["calls"], again["cost_microusd"]) == (0, 0)
    confirm_import(deps, seller.id, again_id)
    run_all(deps, make_worker(deps))
    assert groq.ledger()["calls"] == calls


def test_the_most_is_that_of_the_dearest_model_that_may_be_asked(deps, seller):
    _, estimate = read(deps, seller, make_priced(["1.00"] * 3))
    dearest = get_llm("openai/gpt-oss-120b")
    assert estimate["cost_microusd"] == -(-estimate["tokens"] * dearest.price_out // 10**6)


def test_rules_take_no_time_and_cost_nothing(deps, seller):
    _, estimate = read(deps, seller, make_priced(["1.00"] * 5), engine="rules")
    assert (estimate["calls"], estimate["cost_microusd"]) == (0, 0)
    assert estimate["calls_a_day"] is None


def list_engines(deps) -> dict[str, str]:
    return dict(
        query(
            deps,
            "SELECT p.source_key, j.engine FROM app.job j"
            " JOIN app.listing l ON l.id = j.subject_id JOIN app.product p ON p.id = l.product_id"
            " WHERE j.kind = 'optimize'",
        )
    )


@pytest.mark.parametrize("when", ["upload", "confirm"])
def test_the_most_valuable_have_the_model_and_all_others_the_rules(deps, seller, groq, when):
    content = make_priced(["5.00", "", "70.00", "5.00", "9.99", "0.10"])
    options = {"llm_top": 3} if when == "upload" else {}
    import_id, estimate = read(deps, seller, content, **options)
    assert estimate["calls"] == (3 if when == "upload" else 6)
    confirm_import(deps, seller.id, import_id, llm_top=3 if when == "confirm" else None)
    run_all(deps, make_worker(deps))
    assert list_engines(deps) == {
        "SKU-0": "groq",
        "SKU-1": "rules",
        "SKU-2": "groq",
        "SKU-3": "rules",
        "SKU-4": "groq",
        "SKU-5": "rules",
    }
    assert groq.ledger()["billed_calls"] == 3
    done = get_import(deps, seller.id, import_id)
    assert done["state"] == "done"
    assert groq.ledger()["cost_picousd"] <= estimate["cost_microusd"] * 1e6


@pytest.mark.parametrize(("top", "calls"), [(0, 0), (100, 4)])
def test_none_and_more_than_there_are(deps, seller, groq, top, calls):
    import_id, estimate = read(deps, seller, make_priced(["1.00"] * 4), llm_top=top)
    assert estimate["calls"] == calls
    confirm_import(deps, seller.id, import_id)
    run_all(deps, make_worker(deps))
    assert groq.ledger()["billed_calls"] == calls


@pytest.mark.parametrize("engine", ["groq", "rules"])
def test_it_contradicts_an_engine_that_was_chosen(deps, seller, engine):
    with pytest.raises(InvalidFieldError, match="engine auto"):
        upload(deps, seller, make_priced(["1.00"]), engine=engine, llm_top=1)
    import_id, _ = read(deps, seller, make_priced(["1.00"]), engine=engine)
    with pytest.raises(InvalidFieldError, match="engine auto"):
        confirm_import(deps, seller.id, import_id, llm_top=1)
    assert get_import(deps, seller.id, import_id)["state"] == "ready"


def test_the_page_says_how_long_and_lets_the_most_valuable_be_chosen(database_url, redis_url, groq):
    more = {**FREE_PLAN, "GROQ_API_KEY": "gsk_test", "GROQ_BASE_URL": groq.url}
    with open_web(database_url, redis_url, **more) as web:
        import_id, estimate = read(web.worker.deps, web.seller, make_priced(["1.00"] * 900))
        browser = web.sign_in()
        page = browser.get(f"/imports/{import_id}").text
        assert estimate["duration"] in page
        assert f"Language model for the {estimate['calls_a_day']} most valuable" in page
        [token] = set(re.findall(r'name="csrf_token" value="([^"]+)"', page))
        sent = {"csrf_token": token, "llm_top": "7"}
        assert browser.post(f"/imports/{import_id}/confirm", data=sent).status_code == 303
        shown = get_import(web.deps, web.seller.id, import_id)
        assert (shown["state"], shown["options"]["llm_top"]) == ("confirmed", 7)
