"""The operator's page: what is there and why, in words; dead letters that may be tried again."""

from __future__ import annotations

import json

import pytest

from core.clock import today
from core.ids import new_id
from domain.alarms import Alarm, AlarmKind
from models import scaler_decision as decisions
from models import scaler_state as states
from services.access import set_operator
from services.alarms import raise_alarm
from services.reoptimize import RunWish, reoptimize
from tests.integration.test_api_jobs import BODY
from tests.integration.test_interventions import get_state, make_dead
from tests.support.jobs import execute, query
from tests.support.web import Web, open_web

pytestmark = pytest.mark.servers


@pytest.fixture
def web(database_url, redis_url):
    with open_web(database_url, redis_url) as made:
        set_operator(made.deps, made.seller.email, on=True)
        yield made


def read(browser) -> tuple[str, str]:
    """The page, and the token its forms carry."""
    answer = browser.get("/operator")
    assert answer.status_code == 200
    return answer.text, answer.text.split('name="csrf_token" value="', 1)[1].split('"', 1)[0]


def test_an_installation_without_anything_says_so(web: Web):
    page, _ = read(web.sign_in())
    for said in (
        "No scaler has run here",
        "every job that ended has a result",
        "No run yet",
        "By lane",
    ):
        assert said in page


def test_the_link_is_there_for_operators_alone(web: Web):
    browser = web.sign_in()
    assert 'href="/operator"' in browser.get("/listings").text
    set_operator(web.deps, web.seller.email, on=False)
    assert 'href="/operator"' not in browser.get("/listings").text


def test_dead_letters_by_reason_come_back_by_reason_or_one_by_one(web: Web):
    first = make_dead(web.deps, web.seller, "A")
    second = make_dead(web.deps, web.seller, "B", code="llm_refused")
    third = make_dead(web.deps, web.seller, "C", code="llm_refused")
    browser = web.sign_in()
    page, token = read(browser)
    assert "llm_refused" in page
    assert "internal_error" in page
    form = {"csrf_token": token}
    answer = browser.post(f"/operator/jobs/{second}/retry", data=form)
    assert answer.status_code == 303
    assert [get_state(web.deps, one) for one in (first, second, third)] == [
        "discarded",
        "available",
        "discarded",
    ]
    answer = browser.post("/operator/dead-letters/retry", data={**form, "reason": "internal_error"})
    assert answer.location == "/operator?notice=retried#dead"
    assert get_state(web.deps, first) == "available"
    assert get_state(web.deps, third) == "discarded"


def test_a_retry_that_names_no_reason_retries_nothing(web: Web):
    dead = make_dead(web.deps, web.seller, "A")
    browser = web.sign_in()
    _, token = read(browser)
    answer = browser.post("/operator/dead-letters/retry", data={"csrf_token": token})
    assert answer.status_code == 422
    assert get_state(web.deps, dead) == "discarded"


def test_those_that_kept_no_reason_come_back_too(web: Web):
    dead = make_dead(web.deps, web.seller, "A")
    execute(web.deps, "UPDATE app.job SET error_code = NULL")
    browser = web.sign_in()
    page, token = read(browser)
    assert "no reason kept" in page
    browser.post("/operator/dead-letters/retry", data={"csrf_token": token, "reason": ""})
    assert get_state(web.deps, dead) == "available"


def test_decisions_of_the_scaler_stand_there_with_their_reason(web: Web):
    last = {
        "wanted": 3,
        "outcome": "applied",
        "reason": "900 waiting, 3 needed",
        "asked": 1,
        "running": None,
        "serving": 1,
    }
    with web.deps.database.transaction(system="test") as session:
        holder = new_id()
        assert states.take_lease(session, "local", holder=holder, lease_s=60)
        assert states.save_state(session, "local", holder=holder, state={states.LAST: last})
        states.set_override(session, "local", replicas=4, minutes=5)
        for wanted, applied in ((3, True), (9, False)):
            decisions.insert_decision(
                session,
                adapter="local",
                replicas=1,
                wanted=wanted,
                applied=applied,
                reason=f"<b>because</b> {wanted}",
                inputs={},
            )
    page, _ = read(web.sign_in())
    for said in ("900 waiting, 3 needed", "1 → 3", "1 → 9", "Not changed", "Set by hand: 4"):
        assert said in page
    assert "&lt;b&gt;because&lt;/b&gt; 9" in page
    execute(web.deps, "UPDATE app.scaler SET lease_expires_at = clock_timestamp()")
    assert "No scaler at work" in read(web.sign_in())[0]


def test_targets_are_told_apart_and_only_a_missing_scaler_is_an_alarm(web: Web):
    last = {"wanted": 1, "outcome": "unchanged", "reason": "0 waiting.", "asked": 1}
    last |= {"running": None, "serving": 1}
    rows = (
        ("railway:svc-1", {**last, "once": True}),
        ("railway:svc-1:dry-run", last),
        ("local", last),
    )
    with web.deps.database.transaction(system="test") as session:
        for target, shown in rows:
            holder = new_id()
            assert states.take_lease(session, target, holder=holder, lease_s=60)
            state = {states.LAST: shown}
            assert states.save_state(session, target, holder=holder, state=state)
        decisions.insert_decision(
            session,
            adapter="railway:svc-1",
            replicas=1,
            wanted=2,
            applied=False,
            reason="refused: Railway does not answer: 9 waiting",
            inputs={},
        )
    free = "UPDATE app.scaler SET lease_expires_at = clock_timestamp()"
    execute(web.deps, f"{free} WHERE target <> 'local'")
    page, _ = read(web.sign_in())
    assert "No scaler at work" not in page
    assert "One round by hand" in page
    assert '<td data-label="Of" class="nowrap">railway:svc-1</td>' in page
    assert page.index("<strong>local</strong>") < page.index("<strong>railway:svc-1</strong>")
    assert page.count("<dt>Running</dt>") == 2, "on one machine, who serves is what runs"
    assert "0 waiting.." not in page
    execute(web.deps, free)
    assert read(web.sign_in())[0].count("No scaler at work") == 1


def test_alarms_and_runs_stand_there(web: Web):
    raise_alarm(
        web.deps, Alarm(kind=AlarmKind.NO_WORKERS, key="bulk", message="nobody serves bulk")
    )
    reoptimize(web.deps, RunWish(everything=True))
    page, _ = read(web.sign_in())
    assert "nobody serves bulk" in page
    assert "no workers" in page
    assert "looked at 0, due 0, submitted 0" in page
    stored = query(web.deps, "SELECT day, summary FROM app.reoptimize_run")
    assert stored[0][0] == today()
    assert json.dumps(stored[0][1])


def test_the_language_model_s_budget_and_breaker_are_read_and_never_used(database_url, redis_url):
    with open_web(database_url, redis_url, GROQ_API_KEY="simulated") as web:
        set_operator(web.deps, web.seller.email, on=True)
        browser = web.sign_in()
        page, _ = read(browser)
        assert "openai/gpt-oss-20b" in page
        assert ">990<" in page, "the limit less what is left untouched"
        [meter, *_] = web.deps.meters
        meter.budget.pause(600.0, seen={})
        assert "Paused for 10 min" in read(browser)[0]
        meter.breaker.refuse("the key is not valid", seconds=60, everywhere=True)
        meter.breaker.look_again()  # type: ignore[attr-defined]
        assert "the key is not valid" in read(browser)[0]


def test_without_a_key_nothing_is_spent_and_without_redis_nothing_is_known(web: Web, database_url):
    assert "No key is set" in read(web.sign_in())[0]
    with open_web(database_url, "redis://127.0.0.1:1/0", GROQ_API_KEY="simulated") as away:
        page, _ = read(away.sign_in())
        assert "Redis does not answer. Jobs are kept" in page
        assert "each worker goes by what it knows itself" in page


def test_who_works_and_what_was_done_lately_stand_there(web: Web):
    browser = web.sign_in()
    assert "0 jobs were completed and 0 discarded." in read(browser)[0]
    web.post("/api/v1/jobs", json=BODY)
    web.work()
    make_dead(web.deps, web.seller, "A")
    page, _ = read(browser)
    assert "1 job was completed and 1 discarded; they waited 0." in page
    assert web.worker.process_id.hex[-8:] in page
    execute(web.deps, "UPDATE app.worker_process SET beat_at = beat_at - interval '60 seconds'")
    assert "Silent for 60 s" in read(browser)[0]
    execute(web.deps, "UPDATE app.worker_process SET draining_at = clock_timestamp()")
    assert "Ending" in read(browser)[0]
