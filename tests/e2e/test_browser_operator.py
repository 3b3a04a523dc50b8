"""The operator's page and the schedules in a real browser: nothing breaks or spills."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from services.access import create_signin_link, set_operator
from tests.e2e.test_browser_review import check_page
from tests.integration.test_api_jobs import BODY
from tests.integration.test_interventions import make_dead
from tests.support.browser import find_chromium, open_browser, open_page, serve
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
        set_operator(made.deps, made.seller.email, on=True)
        yield made


@pytest.mark.parametrize("width", [1200, 320])
def test_an_operator_looks_and_retries_and_a_seller_sets_a_schedule(web: Web, browser, width):
    make_dead(web.deps, web.seller, "A")
    web.post("/api/v1/jobs", json=BODY)
    with serve(web.app) as address, open_page(browser, address, width=width) as watched:
        page = watched.page
        page.goto(f"/signin/{create_signin_link(web.deps, web.seller.id)}")
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("link", name="Operator").click()
        expect(page.get_by_role("heading", name="This installation")).to_be_visible()
        check_page(page, width)
        bar = page.locator(".bar").bounding_box()
        assert bar is not None
        assert bar["height"] < 110, "two rows at most"
        page.get_by_role("button", name="Try all again").click()
        expect(page.get_by_role("status")).to_contain_text("run again")
        page.get_by_role("link", name="Schedules").click()
        page.get_by_label("How often").select_option("weekly")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("status")).to_contain_text("Saved")
        expect(page.get_by_text("Next look:")).to_be_visible()
        check_page(page, width)
        assert watched.faults == []
