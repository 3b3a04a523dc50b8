"""A seller's way through the pages in a real browser: nothing breaks or spills."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from services.access import create_signin_link
from tests.integration.test_api_jobs import BODY
from tests.support.browser import Scheme, find_chromium, open_browser, open_page, serve
from tests.support.web import CSV, Web, open_web, upload

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


def sign_in(web: Web, page: Page) -> None:
    page.goto(f"/signin/{create_signin_link(web.deps, web.seller.id)}")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Listings", level=1)).to_be_visible()


def make_suggestion(web: Web) -> str:
    job = web.post("/api/v1/jobs", json=BODY)
    web.work()
    listing_id: str = web.get(job.location).json["listing_id"]
    return listing_id


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_seller_reviews_a_listing_and_takes_it_back(web: Web, browser, scheme: Scheme):
    make_suggestion(web)
    with serve(web.app) as address, open_page(browser, address, scheme=scheme) as watched:
        page = watched.page
        sign_in(web, page)
        page.get_by_role("row").get_by_role("link").first.click()
        card = page.get_by_role("article", name="Title")
        expect(card.locator("del").first).to_be_visible()
        expect(card.locator("ins, .text").first).to_be_visible()
        card.get_by_role("button", name="Accept").click()
        expect(page.get_by_role("status")).to_contain_text("Accepted")
        expect(card.get_by_text("Accepted", exact=True)).to_be_visible()
        page.get_by_role("button", name="Undo").click()
        expect(page.get_by_role("status")).to_contain_text("Taken back")
        expect(card.get_by_role("button", name="Accept")).to_be_visible()
        assert watched.faults == []


def test_the_colours_follow_the_system(web: Web, browser):
    grounds = []
    for scheme in ("light", "dark"):
        with serve(web.app) as address, open_page(browser, address, scheme=scheme) as watched:
            watched.page.goto("/signin")
            grounds.append(watched.page.evaluate("getComputedStyle(document.body).backgroundColor"))
            assert watched.faults == []
    assert grounds[0] != grounds[1]


def test_typing_an_edit_counts_characters_and_a_rule_is_explained(web: Web, browser):
    listing_id = make_suggestion(web)
    with serve(web.app) as address, open_page(browser, address) as watched:
        page = watched.page
        sign_in(web, page)
        page.goto(f"/listings/{listing_id}")
        card = page.get_by_role("article", name="Title")
        card.get_by_text("Edit", exact=True).click()
        box = card.get_by_label("Your own title")
        box.fill("x" * 90)
        expect(card.get_by_text("90 / 80 characters")).to_have_class(re.compile("over"))
        box.fill("Northfold Merino Beanie, Green")
        expect(card.get_by_text("30 / 80 characters")).to_be_visible()
        card.get_by_role("button", name="Save my text").click()
        expect(card.get_by_text("Edited by you")).to_be_visible()
        assert watched.faults == []


def test_the_keyboard_alone_suffices_to_accept(web: Web, browser):
    listing_id = make_suggestion(web)
    with serve(web.app) as address, open_page(browser, address) as watched:
        page = watched.page
        sign_in(web, page)
        page.goto(f"/listings/{listing_id}")
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
        for _ in range(40):
            if page.evaluate("document.activeElement.value") == "accept":
                break
            page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        expect(page.get_by_role("status")).to_contain_text("Accepted")


def test_progress_moves_by_itself_until_the_file_is_ready(web: Web, browser):
    with serve(web.app) as address, open_page(browser, address) as watched:
        page = watched.page
        sign_in(web, page)
        page.get_by_role("link", name="Files").click()
        page.get_by_label("Your export, as it is").set_input_files(
            {"name": "shop.csv", "mimeType": "text/csv", "buffer": CSV.encode()}
        )
        page.get_by_label("Channel to optimize for").select_option("ebay")
        page.get_by_role("button", name="Send and look at it").click()
        expect(page.get_by_role("progressbar")).to_be_visible()
        web.work()
        page.get_by_role("button", name="Confirm and begin").click()
        web.work()
        web.work()
        expect(page.get_by_role("heading", name="Take your file back")).to_be_visible()
        with page.expect_download() as download:
            page.get_by_role("link", name="Download").last.click()
        assert download.value.suggested_filename == "shop-full.csv"
        assert watched.faults == []


@pytest.mark.parametrize("width", [320, 1200])
def test_pages_fit_and_every_control_has_a_name(web: Web, browser, width):
    listing_id = make_suggestion(web)
    import_id = upload(web, channel="ebay").json["id"]
    web.work()
    with serve(web.app) as address, open_page(browser, address, width=width) as watched:
        page = watched.page
        page.goto("/signin")
        check_page(page, width)
        sign_in(web, page)
        paths = [
            "/listings",
            f"/listings/{listing_id}",
            "/imports",
            f"/imports/{import_id}",
            "/errors",
        ]
        for path in paths:
            page.goto(path)
            check_page(page, width)
        assert watched.faults == []


def check_page(page: Page, width: int) -> None:
    """Nothing spills sideways; one main heading; controls have names; no id stands twice."""
    assert page.evaluate("document.documentElement.scrollWidth") <= width, page.url
    expect(page.get_by_role("main")).to_have_count(1)
    expect(page.get_by_role("heading", level=1)).to_have_count(1)
    unnamed = page.evaluate(
        """() => [...document.querySelectorAll('input:not([type=hidden]), select, textarea')]
             .filter(one => !one.labels.length && !one.ariaLabel).map(one => one.outerHTML)"""
    )
    assert unnamed == []
    empty = page.evaluate(
        """() => [...document.querySelectorAll('a, button, summary')]
             .filter(one => !one.textContent.trim() && !one.ariaLabel).map(one => one.outerHTML)"""
    )
    assert empty == []
    twice = page.evaluate(
        """() => { const ids = [...document.querySelectorAll('[id]')].map(one => one.id);
             return ids.filter((id, at) => ids.indexOf(id) !== at) }"""
    )
    assert twice == []
    assert page.evaluate("document.documentElement.lang") == "en"
