"""Breaches in fields that may not be touched: each listing says which, and why."""

from __future__ import annotations

from typing import Any

import pytest

from domain.brief import Brief
from domain.listing import Listing
from domain.touchable import Untouched, find_untouched
from services.left_alone import list_left_alone
from tests.integration.test_voice_pages import send
from tests.support.briefs import DAY
from tests.support.jobs import import_all
from tests.support.web import Web, open_web

TITLE = "Northfold beanie soft rib knit green merino wool warm winter hat " * 3
BODY: dict[str, Any] = {"channel": "ebay", "listing": {"sku": "A", "title": TITLE, "tags": ["hat"]}}


@pytest.mark.parametrize(
    ("name", "wishes", "why"),
    [
        ("title", {}, None),
        ("brand", {}, Untouched.NO_TEXT),
        ("subtitle", {}, Untouched.NO_TEXT),
        ("title", {"locks": ("title",)}, Untouched.LOCKED),
        ("title", {"touch": ("tags",)}, Untouched.NOT_ASKED),
        ("description", {"channel": "amazon"}, Untouched.OTHER_SHOP),
        ("description", {"channel": "amazon", "touch": ("description",)}, None),
        ("seo_title", {"channel": "amazon"}, Untouched.OTHER_SHOP),
    ],
)
def test_why_a_field_stays_as_it_is(name, wishes, why):
    listing = Listing(
        key="A",
        fields={"title": TITLE, "description": "<p>Fine</p>", "seo_title": "Beanie"},
        attributes={"handle": "beanie"},
        html_fields=frozenset({"description"}),
    )
    given = {"channel": "shopify", **wishes}
    brief = Brief(listing=listing, as_of=DAY, rules_digest="", prompt_version="", **given)
    assert find_untouched(name, brief) == why


@pytest.fixture
def web(database_url, redis_url):
    with open_web(database_url, redis_url) as made:
        yield made


@pytest.mark.servers
def test_a_locked_field_is_left_alone_and_the_page_says_so_instead_of_all_is_well(web: Web):
    headers = {"Authorization": f"Bearer {web.key}"}
    web.client.put("/api/v1/voice", json={"locks": ["title"]}, headers=headers)
    job = web.post("/api/v1/jobs", json=BODY)
    web.work()
    done = web.get(job.location).json
    assert done["outcome"] == "already_good"
    shown = web.get(f"/api/v1/listings/{done['listing_id']}").json
    [finding] = [one for one in shown["findings"] if one["level"] == "hard"]
    assert (finding["field"], finding["left_alone"]) == ("title", "locked")
    browser = web.sign_in()
    asked = send(browser, f"/listings/{done['listing_id']}/optimize", mode="fix")
    web.work()
    page = browser.get(asked.location).text
    assert "Left alone: you locked this field" in page
    assert "Nothing that we may change" in page
    assert "keeps every rule" not in page
    web.client.put("/api/v1/voice", json={}, headers=headers)
    free = browser.get(f"/listings/{done['listing_id']}").text
    assert "Left alone" not in free


@pytest.mark.servers
def test_a_run_names_the_listings_it_left_alone(deps, seller):
    content = f"sku,title,description\nA,{TITLE},x\nB,Beanie,x\nC,{TITLE},x\n".encode()
    import_id = import_all(deps, seller, content, fields=("description",))
    found = list_left_alone(deps, seller.id, import_id)
    assert found == [
        {"listing": key, "field": "title", "rule": "ebay.title.max", "reason": "not_asked"}
        for key in "AC"
    ]
    assert list_left_alone(deps, seller.id, import_id, limit=1) == found[:1]
    free = import_all(deps, seller, content)
    assert list_left_alone(deps, seller.id, free) == []
