"""The voice and muted rules in a real browser: said, seen, taken back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.test_browser_review import check_page, sign_in
from tests.integration.test_mutes import BODY, PROMO, SAID
from tests.support.browser import Scheme, find_chromium, open_browser, open_page, serve
from tests.support.web import Web, open_web

pytestmark = [
    pytest.mark.servers,
    pytest.mark.browser,
    pytest.mark.skipif(find_chromium() is None, reason="no Chromium on this machine"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as made:
        yield made


@pytest.fixture
def web(database_url, redis_url):
    with open_web(database_url, redis_url) as made:
        yield made


def make_listing(web: Web) -> str:
    web.post("/api/v1/jobs", json=BODY)
    [row] = web.get("/api/v1/listings").json["items"]
    path: str = f"/listings/{row['id']}"
    return path


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_seller_says_how_they_want_to_sound(web: Web, browser, scheme: Scheme):
    with serve(web.app) as address, open_page(browser, address, scheme=scheme) as watched:
        page = watched.page
        sign_in(web, page)
        page.get_by_role("link", name="Voice").click()
        page.get_by_label("What you want to be found by").fill("wool hat\nbeanie")
        page.get_by_role("textbox", name="Tone").fill("calm, plain")
        page.get_by_role("checkbox", name="Tags").check()
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("status")).to_contain_text("Saved")
        expect(page.get_by_label("What you want to be found by")).to_have_value("wool hat\nbeanie")
        expect(page.get_by_role("checkbox", name="Tags")).to_be_checked()
        page.get_by_role("link", name="eBay").click()
        page.get_by_label("What you want to be found by").fill("beanie")
        page.get_by_role("checkbox", name="Different on eBay").first.check()
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("status")).to_contain_text("Saved")
        assert web.get("/api/v1/stores/ebay/voice").json["wishes"] == {"keywords": ["beanie"]}
        assert watched.faults == []


def test_a_finding_is_fine_because_and_the_rule_holds_again(web: Web, browser):
    path = make_listing(web)
    with serve(web.app) as address, open_page(browser, address) as watched:
        page = watched.page
        sign_in(web, page)
        page.goto(path)
        findings = page.get_by_role("region", name="the rules say about it now")
        wrong = findings.get_by_role("listitem").filter(has_text=PROMO)
        wrong.get_by_text("This is fine", exact=False).first.click()
        wrong.get_by_label("This is fine because …").fill(SAID)
        wrong.get_by_role("button", name="Mute this rule").click()
        expect(page.get_by_role("status")).to_contain_text("Muted")
        muted = page.get_by_role("region", name="Muted by you")
        expect(muted).to_contain_text(SAID)
        expect(findings.get_by_role("listitem").filter(has_text=PROMO)).to_have_count(0)
        page.get_by_role("link", name="All rules you muted on Walmart").click()
        listed = page.get_by_role("region", name="Rules that do not hold for you on Walmart")
        expect(listed).to_contain_text(SAID)
        listed.get_by_role("button", name="Let it hold again").click()
        expect(page.get_by_role("status")).to_contain_text("holds again")
        expect(listed).not_to_contain_text(SAID)
        assert web.get("/api/v1/stores/walmart/mutes").json["mutes"] == []
        assert watched.faults == []


@pytest.mark.parametrize("width", [320, 1200])
def test_the_pages_fit_whatever_is_on_them(web: Web, browser, width):
    path = make_listing(web)
    long = "Freeshippingisthenameoftheband" * 15
    with serve(web.app) as address, open_page(browser, address, width=width) as watched:
        page = watched.page
        sign_in(web, page)
        page.goto(path)
        page.get_by_text("This is fine", exact=False).first.click()
        check_page(page, width)
        page.get_by_label("This is fine because …").first.fill(long)
        page.get_by_role("button", name="Mute this rule").first.click()
        check_page(page, width)
        for address_of in ("/voice", "/voice?channel=walmart", "/voice?channel=ebay"):
            page.goto(address_of)
            check_page(page, width)
        page.goto("/voice?channel=walmart")
        page.get_by_text("Mute a rule", exact=True).click()
        check_page(page, width)
        assert watched.faults == []
