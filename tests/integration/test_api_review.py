"""Listings and suggestions over HTTP: pages, decisions, undo, and nobody else's."""

from __future__ import annotations

import re
from typing import Any

import pytest

from core.ids import new_id
from tests.integration.test_api_jobs import BODY, TITLE
from tests.support.web import Web, open_web

pytestmark = pytest.mark.servers


@pytest.fixture
def web(database_url, redis_url):
    with open_web(database_url, redis_url) as made:
        yield made


@pytest.fixture
def suggestion(web: Web) -> Any:
    job = web.post("/api/v1/jobs", json=BODY)
    web.work()
    found = web.get(job.location).json
    return web.get(f"/api/v1/suggestions/{found['suggestion_id']}").json


def test_listings_come_in_pages_that_join_without_gap_or_twin(web: Web):
    for number in range(5):
        listing = {"sku": f"S-{number}", "title": "Beanie"}
        web.post("/api/v1/jobs", json={"channel": "ebay", "listing": listing})
    seen: list[str] = []
    page = web.get("/api/v1/listings?limit=2").json
    while page:
        seen += [one["id"] for one in page["items"]]
        cursor = page["next"]
        page = web.get(f"/api/v1/listings?limit=2&cursor={cursor}").json if cursor else None
    assert len(seen) == len(set(seen)) == 5
    assert seen == sorted(seen, reverse=True)


def test_listings_are_filtered(web: Web, suggestion):
    web.post("/api/v1/jobs", json={"channel": "etsy", "listing": {"sku": "E", "title": "Beanie"}})
    by_channel = web.get("/api/v1/listings?channel=ebay").json["items"]
    suggested = web.get("/api/v1/listings?state=suggested").json["items"]
    assert [one["id"] for one in by_channel] == [suggestion["listing_id"]]
    assert [one["id"] for one in suggested] == [suggestion["listing_id"]]


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=x", "limit"),
        ("cursor=%00", "cursor"),
        ("cursor=AAAA", "cursor"),
        ("channel=kmart", "channel"),
        ("state=sad", "state"),
        ("page=2", "page"),
    ],
)
def test_a_bad_query_names_its_parameter(web: Web, query, parameter):
    answer = web.get(f"/api/v1/listings?{query}")
    assert answer.status_code == 422
    assert answer.json["errors"][0]["parameter"] == parameter


def test_a_listing_shows_findings_revisions_and_suggestion(web: Web, suggestion):
    found = web.get(f"/api/v1/listings/{suggestion['listing_id']}").json
    assert found["suggestion"]["id"] == suggestion["id"]
    assert found["findings"][0]["rule"].startswith("ebay.")
    assert [one["origin"] for one in found["revisions"]] == ["api"]


def test_accepting_changes_the_text_and_undo_brings_it_back(web: Web, suggestion):
    path = f"/api/v1/suggestions/{suggestion['id']}"
    decided = web.post(f"{path}/decisions", json={"decisions": {"title": "accept"}})
    assert decided.status_code == 200
    [title] = [one for one in decided.json["fields"] if one["field"] == "title"]
    assert title["action"] == "accept"
    listing = f"/api/v1/listings/{suggestion['listing_id']}"
    assert web.get(listing).json["fields"]["title"] == title["after"]
    assert web.post(f"{path}/undo").json["status"] == "open"
    assert web.get(listing).json["fields"]["title"] == TITLE


def test_an_edit_is_checked_against_the_rules(web: Web, suggestion):
    path = f"/api/v1/suggestions/{suggestion['id']}/decisions"
    long = web.post(path, json={"decisions": {"title": {"edit": "A beanie " * 20}}})
    assert (long.status_code, long.json["errors"][0]["pointer"]) == (
        422,
        "#/decisions/title/edit",
    )
    good = web.post(path, json={"decisions": {"title": {"edit": "Northfold Beanie, Green"}}})
    assert good.status_code == 200
    [title] = [one for one in good.json["fields"] if one["field"] == "title"]
    assert (title["action"], title["final"]) == ("edit", "Northfold Beanie, Green")


def test_a_rejection_keeps_the_text_and_closes_the_suggestion(web: Web, suggestion):
    decisions = {one["field"]: {"reject": "I like mine"} for one in suggestion["fields"]}
    path = f"/api/v1/suggestions/{suggestion['id']}/decisions"
    assert web.post(path, json={"decisions": decisions}).json["status"] == "rejected"
    again = web.post(path, json={"decisions": {"title": "accept"}})
    assert (again.status_code, again.json["code"]) == (409, "conflict")


@pytest.mark.parametrize(
    ("decisions", "pointers"),
    [
        ({}, {""}),
        ({"colour": "accept"}, {"/colour"}),
        ({"title": "maybe"}, {"/title"}),
        ({"title": None}, {"/title"}),
        ({"title": ["accept"]}, {"/title"}),
        ({"title": {"edit": 7}}, {"/title", "/title/edit", "/title/reject"}),
        (
            {"title": {"edit": ["a", 7]}},
            {"/title", "/title/edit", "/title/edit/1", "/title/reject"},
        ),
        ({"title": {"accept": True}}, {"/title", "/title/accept", "/title/edit", "/title/reject"}),
        ({"title": {"edit": "x", "reject": "y"}}, {"/title", "/title/edit", "/title/reject"}),
        ({"subtitle": "accept"}, {"/subtitle"}),
    ],
)
def test_bad_decisions_change_nothing_and_are_named_by_their_place(
    web: Web, suggestion, decisions, pointers
):
    """No name of a type of ours stands in a pointer or in the text."""
    path = f"/api/v1/suggestions/{suggestion['id']}"
    answer = web.post(f"{path}/decisions", json={"decisions": decisions})
    assert answer.status_code == 422
    found = [one["pointer"] for one in answer.json["errors"]]
    assert set(found) <= {f"#/decisions{one}" for one in pointers}
    assert found
    assert len({(one["pointer"], one["message"]) for one in answer.json["errors"]}) == len(found)
    assert not re.search(r"literal|EditIn|RejectIn|constrained|function-", answer.text)
    assert web.get(path).json == suggestion


def test_another_sellers_things_look_like_nothing(web: Web, suggestion):
    other = web.make_other_key()
    for kind, known in [
        ("jobs", suggestion["job_id"]),
        ("listings", suggestion["listing_id"]),
        ("suggestions", suggestion["id"]),
    ]:
        foreign = web.get(f"/api/v1/{kind}/{known}", key=other)
        unknown = web.get(f"/api/v1/{kind}/{new_id()}", key=other)
        assert foreign.status_code == unknown.status_code == 404
        assert _without_id(foreign.json) == _without_id(unknown.json)
    assert web.get("/api/v1/listings", key=other).json["items"] == []
    assert web.get("/api/v1/jobs", key=other).json["items"] == []


def _without_id(problem: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in problem.items() if name != "request_id"}
