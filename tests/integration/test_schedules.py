"""Schedules over HTTP and on their page: each seller's own, and nothing that means nothing."""

from __future__ import annotations

import pytest

from tests.integration.test_api_jobs import BODY
from tests.support.jobs import query
from tests.support.web import Web, open_web

pytestmark = pytest.mark.servers

PATH = "/api/v1/stores/ebay/schedule"
OFF = {"channel": "ebay", "every": "off", "age_days": None, "looked_on": None, "next_on": None}


@pytest.fixture
def web(database_url, redis_url):
    with open_web(database_url, redis_url) as made:
        yield made


def put(web: Web, body: object, *, path: str = PATH, key: str = ""):
    return web.client.put(path, json=body, headers={"Authorization": f"Bearer {key or web.key}"})


def test_a_store_is_off_until_its_seller_says_otherwise(web: Web):
    assert web.get(PATH).json == OFF
    assert query(web.deps, "SELECT * FROM app.schedule") == []
    shown = put(web, {"every": "weekly", "age_days": 180}).json
    assert (shown["every"], shown["age_days"]) == ("weekly", 180)
    assert shown["next_on"] is not None
    assert web.get(PATH).json == shown
    assert put(web, {"every": "off"}).json == OFF


def test_schedules_are_each_sellers_own(web: Web):
    other = web.make_other_key()
    put(web, {"every": "monthly"})
    assert web.get(PATH, key=other).json == OFF
    put(web, {"every": "weekly"}, key=other)
    assert web.get(PATH).json["every"] == "monthly"


def test_only_stores_with_listings_are_listed(web: Web):
    put(web, {"every": "monthly"})
    assert web.get("/api/v1/schedules").json == {"items": []}
    web.post("/api/v1/jobs", json=BODY)
    listed = web.get("/api/v1/schedules").json["items"]
    assert [(one["channel"], one["every"]) for one in listed] == [("ebay", "monthly")]


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"every": "hourly"}, "every"),
        ({}, "every"),
        ({"every": "weekly", "age_days": 29}, "age_days"),
        ({"every": "weekly", "age_days": -1}, "age_days"),
        ({"every": "weekly", "age_days": "30"}, "age_days"),
        ({"every": "weekly", "age_days": 10**30}, "age_days"),
        ({"every": "rules", "age_days": 90}, "age_days"),
        ({"every": "weekly", "hour": 3}, "hour"),
    ],
)
def test_what_means_nothing_is_named_and_changes_nothing(web: Web, body, named):
    answer = put(web, body)
    assert answer.status_code == 422
    assert [one["pointer"].removeprefix("#/") for one in answer.json["errors"]] == [named]
    assert query(web.deps, "SELECT * FROM app.schedule") == []


def test_an_unknown_channel_is_named(web: Web):
    answer = put(web, {"every": "weekly"}, path="/api/v1/stores/amazone/schedule")
    assert answer.status_code == 404
    assert "amazone" in answer.json["detail"]
    assert query(web.deps, "SELECT * FROM app.store") == []


def test_rules_changed_before_the_schedule_was_made_are_no_change(web: Web):
    put(web, {"every": "rules"})
    first = query(web.deps, "SELECT known_rules ? 'ebay.title.max' FROM app.schedule")
    assert first == [(True,)]


def test_the_page_shows_and_saves_each_store(web: Web):
    browser = web.sign_in()
    assert "No store yet" in browser.get("/schedules").text
    web.post("/api/v1/jobs", json=BODY)
    page = browser.get("/schedules").text
    assert "Not looked at by itself" in page
    token = page.split('name="csrf_token" value="', 1)[1].split('"', 1)[0]

    def save(**form: str):
        return browser.post("/schedules/ebay", data={"csrf_token": token, **form})

    assert save(every="weekly", age_days="").status_code == 303
    assert "Next look:" in browser.get("/schedules").text
    for age_days in ("0", "-1", "many", "²", "99999999999999999999"):
        wrong = save(every="weekly", age_days=age_days)
        assert wrong.status_code == 422
        assert "The schedule was not saved" in wrong.text
    assert save(every="sometimes").status_code == 422
    assert save(every="rules", age_days="").status_code == 303
    page = browser.get("/schedules").text
    assert "when the next rule begins" in page or "None is announced today" in page


def test_null_is_no_schedule(web: Web):
    headers = {"Authorization": f"Bearer {web.key}", "Content-Type": "application/json"}
    answer = web.client.put(PATH, data="null", headers=headers)
    assert answer.status_code == 422
    assert answer.json["errors"] == [{"pointer": "#", "message": "an object is expected here"}]
