"""The pages as a browser without scripts meets them."""

from __future__ import annotations

import re
from typing import Any

import pytest

from core.ids import new_id
from services.access import create_signin_link
from tests.house.test_routes import read_token
from tests.integration.test_api_jobs import BODY, TITLE
from tests.support.web import CSV, Web, build_form, open_web, upload

pytestmark = pytest.mark.servers


@pytest.fixture
def web(database_url, redis_url):
    with open_web(database_url, redis_url) as made:
        yield made


@pytest.fixture
def suggestion(web: Web) -> Any:
    job = web.post("/api/v1/jobs", json=BODY)
    web.work()
    return web.get(f"/api/v1/suggestions/{web.get(job.location).json['suggestion_id']}").json


def post(browser, path: str, **data: str):
    return browser.post(path, data={"csrf_token": read_token(browser), **data})


def test_signing_in_with_a_key_leads_where_one_wanted_to_go(web: Web):
    browser = web.client
    sent_away = browser.get("/imports?x=1")
    assert sent_away.status_code == 303
    page = browser.get(sent_away.location).text
    wanted = re.search(r'name="next" value="([^"]+)"', page)
    assert wanted is not None
    entered = browser.post("/signin", data={"key": f" {web.key} ", "next": wanted.group(1)})
    assert (entered.status_code, entered.location) == (303, "/imports?x=1")
    cookie = entered.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert web.key not in cookie
    assert browser.get("/imports").status_code == 200


@pytest.mark.parametrize(
    "wanted", ["//evil.example", "https://evil.example", "/\\evil.example", "\\\\x", "/a\tb", "x"]
)
def test_signing_in_never_leads_to_another_site(web: Web, wanted):
    entered = web.client.post("/signin", data={"key": web.key, "next": wanted})
    assert entered.location == "/listings"


@pytest.mark.parametrize("key", ["", "lw_nope_nope", "\x00", "lw_\x00_x", "k" * 300])
def test_a_wrong_key_is_said_clearly(web: Web, key):
    answer = web.client.post("/signin", data={"key": key})
    assert answer.status_code == 401
    assert "You are not signed in" in answer.text
    assert "API key" in answer.text


def test_a_link_signs_in_once_and_a_preview_does_not_use_it_up(web: Web):
    path = f"/signin/{create_signin_link(web.deps, web.seller.id)}"
    assert web.client.get(path).status_code == 200
    assert web.client.post(path).status_code == 303
    again = web.client.post(path)
    assert again.status_code == 401
    assert "was used, or is too old" in again.text


def test_https_makes_the_cookie_secure_and_bound_to_the_host(database_url, redis_url):
    with open_web(database_url, redis_url, PUBLIC_URL="https://shop.example") as web:
        link = create_signin_link(web.deps, web.seller.id)
        entered = web.client.post(f"/signin/{link}", headers={"Origin": "https://shop.example"})
        assert entered.headers["Set-Cookie"].startswith("__Host-listwright=")
        assert "Secure" in entered.headers["Set-Cookie"]
        assert "Domain" not in entered.headers["Set-Cookie"]
        assert "max-age" in entered.headers["Strict-Transport-Security"]


def test_signing_out_ends_the_session_everywhere(web: Web):
    browser = web.sign_in()
    cookie = browser.get_cookie("listwright")
    assert cookie is not None
    post(browser, "/signout")
    browser.set_cookie("listwright", cookie.value)
    assert browser.get("/listings").status_code == 303


def test_a_newcomer_is_told_what_to_do(web: Web):
    page = web.sign_in().get("/listings").text
    assert "Nothing here yet" in page
    assert "Send your first file" in page


def test_a_suggestion_is_reviewed_field_by_field_and_undone(web: Web, suggestion):
    browser = web.sign_in()
    listings = browser.get("/listings").text
    assert "To review" in listings
    path = f"/listings/{suggestion['listing_id']}"
    page = browser.get(path).text
    assert "<del>" in page
    assert "rules, no language model" in page
    assert "/ 80 characters" in page
    assert "ebay.title.max" in page
    decide = f"/suggestions/{suggestion['id']}/decide"
    accepted = post(browser, decide, field="title", action="accept")
    assert accepted.status_code == 303
    assert accepted.location == f"{path}?notice=accepted#field-title"
    assert "Accepted" in browser.get(accepted.location).text
    undone = post(browser, f"/suggestions/{suggestion['id']}/undo")
    assert "Taken back" in browser.get(undone.location).text
    assert web.get(f"/api/v1{path}").json["fields"]["title"] == TITLE


def test_an_edit_that_breaks_a_rule_says_so_and_keeps_what_was_typed(web: Web, suggestion):
    browser = web.sign_in()
    decide = f"/suggestions/{suggestion['id']}/decide"
    typed = "My very own <b>words</b> " * 10
    answer = post(browser, decide, field="title", action="edit", text=typed)
    assert answer.status_code == 422
    assert "Not saved" in answer.text
    assert "at most 80" in answer.text
    assert "My very own &lt;b&gt;words&lt;/b&gt;" in answer.text
    saved = post(browser, decide, field="title", action="edit", text="Northfold Beanie\r\n")
    assert saved.status_code == 303


@pytest.mark.parametrize(
    ("data", "status"),
    [
        ({"field": "title", "action": "burn"}, 422),
        ({"field": "nothing", "action": "accept"}, 422),
        ({"action": "accept"}, 422),
        ({"field": "title", "action": "edit", "text": "a\x00b"}, 422),
        ({"field": "title", "action": "reject", "reason": "a\x00b"}, 422),
    ],
)
def test_odd_decisions_change_nothing(web: Web, suggestion, data, status):
    answer = post(web.sign_in(), f"/suggestions/{suggestion['id']}/decide", **data)
    assert answer.status_code == status
    assert web.get(f"/api/v1/suggestions/{suggestion['id']}").json["status"] == "open"


def test_accept_all_closes_the_suggestion_and_a_second_time_is_a_conflict(web: Web, suggestion):
    browser = web.sign_in()
    path = f"/suggestions/{suggestion['id']}/accept-all"
    assert post(browser, path).status_code == 303
    again = post(browser, path)
    assert again.status_code == 409
    assert "not open" in again.text


def test_text_of_listings_is_never_markup(web: Web):
    attack = "<script>alert(1)</script><img src=x onerror=alert(2)>"
    listing = {"sku": attack[:50], "title": attack, "attributes": {attack: attack}}
    web.post("/api/v1/jobs", json={"channel": "ebay", "listing": listing})
    web.work()
    browser = web.sign_in()
    [one] = web.get("/api/v1/listings").json["items"]
    for path in ("/listings", f"/listings/{one['id']}"):
        page = browser.get(path).text
        assert "<script>alert" not in page
        assert "<img" not in page


def test_a_suggestion_can_be_asked_for_and_its_progress_watched(web: Web, suggestion):
    browser = web.sign_in()
    asked = post(browser, f"/listings/{suggestion['listing_id']}/optimize", mode="rewrite")
    assert asked.status_code == 303
    page = browser.get(asked.location).text
    poll = re.search(r'data-poll="([^"]+)"', page)
    assert poll is not None
    assert 'http-equiv="refresh"' in page
    assert browser.get(poll.group(1)).json["over"] is False
    web.work()
    assert browser.get(poll.group(1)).json["over"] is True
    assert "data-poll=" not in browser.get(asked.location).text


def test_a_file_goes_through_its_page(web: Web):
    browser = web.sign_in()
    body, kind = build_form(
        {"file": ("shop.csv", CSV), "channel": "ebay", "csrf_token": read_token(browser)}
    )
    sent = browser.post("/imports", data=body, content_type=kind)
    assert sent.status_code == 303
    path = sent.location
    assert "Waiting to be read" in browser.get(path).text
    web.work()
    ready = browser.get(path).text
    assert "Ready to begin" in ready
    assert "Costs at most" in ready
    post(browser, f"{path}/confirm")
    assert browser.get(f"{path}/progress").json["over"] is False
    web.work()
    web.work()
    done = browser.get(path).text
    assert "What came of it" in done
    assert "Only the changes" in done
    assert post(browser, f"{path}/accept-all").status_code == 303
    web.work()
    full = browser.get(f"{path}/export?form=full")
    assert full.headers["Content-Disposition"] == "attachment; filename=shop-full.csv"
    assert b"FREE SHIPPING" not in full.data
    assert "shop.csv" in browser.get("/imports").text


def test_etsy_takes_no_file_back_so_text_to_paste_comes_first(web: Web):
    path = upload(web, "sku,title,description,tags\nM-1,Mug,A mug.,cup\n", channel="etsy").location
    web.work()
    web.post(f"{path}/confirm")
    web.work()
    web.work()
    browser = web.sign_in()
    page = browser.get(path.removeprefix("/api/v1")).text
    forms = re.findall(r"export\?form=([a-z]+)", page)
    assert forms[0] == "paste"
    for form in forms:
        assert web.get(f"{path}/export?form={form}").status_code == 200


@pytest.mark.parametrize(
    ("parts", "says"),
    [
        ({"file": ("a.csv", "")}, "file is empty"),
        ({}, "No file was sent"),
        ({"file": ("a.csv", CSV), "channel": "kmart"}, "no channel"),
        ({"file": ("a.csv", CSV), "limit": "x"}, "not a number"),
    ],
)
def test_a_bad_upload_is_said_on_the_form(web: Web, parts, says):
    browser = web.sign_in()
    body, kind = build_form({**parts, "csrf_token": read_token(browser)})
    answer = browser.post("/imports", data=body, content_type=kind)
    assert answer.status_code == 422
    assert says in answer.text
    assert "Your export, as it is" in answer.text


def test_a_file_that_cannot_be_read_says_why(web: Web):
    path = upload(web, "a,b\n1,2\n", channel="ebay").location
    web.work()
    page = web.sign_in().get(path.removeprefix("/api/v1")).text
    assert "could not be read" in page
    assert "title" in page


def test_a_file_without_a_marketplace_is_asked_for_one(web: Web):
    path = upload(web, "sku,title,description\nA,Red mug,Plain\n").location
    web.work()
    page = web.sign_in().get(f"/imports/{path.rsplit('/', 1)[1]}").text
    assert "Which marketplace is it for?" in page
    assert "could not be read." not in page
    assert "Nothing in the file says for which marketplace it is" in page


@pytest.mark.parametrize(
    "query", ["?channel=%00", "?channel=kmart", "?state=x", "?cursor=%00", "?cursor=zzz"]
)
def test_a_bad_address_is_a_plain_error_page(web: Web, query):
    answer = web.sign_in().get(f"/listings{query}")
    assert answer.status_code == 422
    assert "Something in the request is wrong" in answer.text


def test_errors_are_pages_for_people(web: Web):
    browser = web.sign_in()
    for path in ("/nothing", f"/listings/{new_id()}", "/listings/7"):
        answer = browser.get(path)
        assert answer.status_code == 404
        assert "There is nothing here" in answer.text
        assert answer.headers["X-Request-Id"] in answer.text


def test_pages_work_without_redis(database_url):
    with open_web(database_url, "redis://127.0.0.1:9/0") as web:
        web.post("/api/v1/jobs", json=BODY)
        browser = web.sign_in()
        assert "FREE SHIPPING" in browser.get("/listings").text
        assert browser.get("/imports").status_code == 200


def test_counts_are_kept_as_json_and_forgotten_after_a_decision(web: Web, suggestion):
    import redis  # noqa: PLC0415

    browser = web.sign_in()
    browser.get("/listings")
    with redis.Redis.from_url(web.deps.settings.cache_url) as client:
        name = f"listwright:web:listing-counts:{web.seller.id}"
        assert client.get(name) == b'{"ebay": {"listings": 1, "suggested": 1, "hard": 1}}'
        assert 0 < client.ttl(name) <= 5
        post(browser, f"/suggestions/{suggestion['id']}/accept-all")
        assert client.get(name) is None


def test_static_files_may_be_kept_for_ever_under_their_own_address(web: Web):
    page = web.client.get("/signin").text
    for path in re.findall(r'(?:href|src)="(/static/[^"]+)"', page):
        found = web.client.get(path)
        assert found.status_code == 200
        assert "immutable" in found.headers["Cache-Control"]
        again = web.client.get(path, headers={"If-None-Match": found.headers["ETag"]})
        assert again.status_code == 304
    assert web.client.get("/static/old/app.css").headers["Cache-Control"] == "public, max-age=300"
    assert web.client.get("/static/x/../factory.py").status_code == 404
    assert web.client.get("/favicon.ico").mimetype == "image/svg+xml"


def test_pages_hold_nothing_inline(web: Web, suggestion):
    browser = web.sign_in()
    for path in ("/signin", "/listings", f"/listings/{suggestion['listing_id']}", "/imports"):
        page = browser.get(path).text
        assert "style=" not in page
        assert not re.search(r"<script(?![^>]*src=)", page)
        assert not re.search(r"\son[a-z]+=", page)
