"""The page of the voice and of muted rules, as a browser without scripts meets it."""

from __future__ import annotations

import re

import pytest

from core.clock import today
from core.ids import new_id
from tests.house.test_routes import read_token
from tests.integration.test_mutes import BODY, PROMO, SAID
from tests.support.web import CSV, Web, build_form, open_web

pytestmark = pytest.mark.servers


@pytest.fixture
def web(database_url, redis_url):
    with open_web(database_url, redis_url) as made:
        yield made


def send(browser, path: str, **data):
    return browser.post(path, data={"csrf_token": read_token(browser), **data})


def make_listing(web: Web, **changes) -> str:
    web.post("/api/v1/jobs", json={**BODY, **changes})
    [row] = web.get("/api/v1/listings").json["items"]
    path: str = f"/listings/{row['id']}"
    return path


def test_a_voice_is_saved_and_shown_again(web: Web):
    browser = web.sign_in()
    saved = send(
        browser,
        "/voice",
        tone=" calm ",
        keywords="wool hat\r\nbeanie, cap",
        avoid="gift",
        brands="GoPro",
        prefer="",
        locks=["title", "tags"],
    )
    assert (saved.status_code, saved.location) == (303, "/voice?notice=voice_saved")
    voice = web.get("/api/v1/voice").json
    assert voice["keywords"] == ["wool hat", "beanie", "cap"]
    assert (voice["tone"], voice["locks"]) == ("calm", ["title", "tags"])
    page = browser.get(saved.location).text
    assert "Saved." in page
    assert "wool hat\nbeanie\ncap" in page
    assert re.search(r'value="tags" checked', page)


@pytest.mark.parametrize(
    "data",
    [
        {"tone": "x" * 201},
        {"avoid": "\n".join(map(str, range(51)))},
        {"keywords": "x" * 101},
        {"locks": "colour"},
        {"keywords": "a\x00b"},
    ],
)
def test_what_a_voice_cannot_say_is_explained_and_what_was_typed_is_kept(web: Web, data):
    browser = web.sign_in()
    answer = send(browser, "/voice", **{"prefer": "sturdy <b>", **data})
    assert answer.status_code == 422
    assert "Not saved" in answer.text
    assert "sturdy &lt;b&gt;" in answer.text
    assert web.get("/api/v1/voice").json["version"] == 0


def test_a_store_differs_only_in_what_is_ticked(web: Web):
    browser = web.sign_in()
    send(browser, "/voice", tone="calm", avoid="gift")
    send(browser, "/stores/ebay/voice", own=["avoid", "locks"], avoid="", tone="loud", locks="tags")
    shown = web.get("/api/v1/stores/ebay/voice").json
    assert shown["wishes"] == {"avoid": [], "locks": ["tags"]}
    assert (shown["voice"]["tone"], shown["voice"]["avoid"]) == ("calm", [])
    page = browser.get("/voice?channel=ebay").text
    assert re.search(r'name="own" value="avoid" checked', page)
    assert not re.search(r'name="own" value="tone" checked', page)
    odd = send(browser, "/stores/ebay/voice", own=["nothing", "version"])
    assert odd.status_code == 303
    assert web.get("/api/v1/stores/ebay/voice").json["wishes"] == {}


def test_a_rule_is_muted_on_a_finding_and_holds_again(web: Web):
    path = make_listing(web)
    browser = web.sign_in()
    listing_id = path.rsplit("/", 1)[1]
    assert "This is fine because" in browser.get(path).text
    data = {"rule": PROMO, "reason": SAID, "listing_id": listing_id}
    muted = send(browser, "/stores/walmart/mute", **data)
    assert (muted.status_code, muted.location) == (303, f"{path}?notice=muted#findings")
    page = browser.get(muted.location).text
    assert "Muted by you" in page
    assert SAID in page
    kept = browser.get("/voice?channel=walmart").text
    assert PROMO in kept
    assert SAID in kept
    back = send(browser, "/stores/walmart/unmute", rule=PROMO, listing_id=listing_id)
    assert back.location.startswith(path)
    assert "Muted by you" not in browser.get(back.location).text


def test_what_was_proposed_before_a_mute_is_out_of_date(web: Web):
    poster = {"sku": "P-1", "title": "Northfold Poster 50 x 70 cm - FREE SHIPPING!!!"}
    path = make_listing(web, listing={**poster, "brand": "Northfold", "description": "BUY NOW!!!"})
    web.work()
    browser = web.sign_in()
    page = browser.get(path).text
    assert "Out of date" not in page
    listing_id = path.rsplit("/", 1)[1]
    send(browser, "/stores/walmart/mute", rule=PROMO, reason=SAID, listing_id=listing_id)
    page = browser.get(path).text
    assert f"Muted by you on {today().day} {today():%B %Y}" in page
    assert "this was written before you muted wmt.title.promo" in page
    assert "Propose anew without it" in page
    send(browser, f"{path}/optimize")
    web.work()
    assert "Out of date" not in browser.get(path).text


@pytest.mark.parametrize(
    ("rule", "reason", "says"),
    [
        (PROMO, " ", "without a reason"),
        ("nope", "x", "no rule"),
        ("wmt.title.max", "x", "cannot be muted"),
        (PROMO, "a\x00b", "one line"),
        ("<script>alert(1)</script>", "x", "no rule"),
    ],
)
def test_a_rule_that_cannot_be_muted_says_why_where_it_was_asked(web: Web, rule, reason, says):
    path = make_listing(web)
    browser = web.sign_in()
    for more in ({}, {"listing_id": path.rsplit("/", 1)[1]}):
        answer = send(browser, "/stores/walmart/mute", rule=rule, reason=reason, **more)
        assert answer.status_code == 422
        assert "Not muted" in answer.text
        assert says in answer.text
        assert "<script>alert" not in answer.text
    assert web.get("/api/v1/stores/walmart/mutes").json["mutes"] == []


def test_what_is_not_there_is_not_found(web: Web):
    browser = web.sign_in()
    assert browser.get("/voice?channel=kmart").status_code == 404
    assert send(browser, "/stores/kmart/voice").status_code == 404
    assert send(browser, "/stores/walmart/unmute", rule=PROMO).status_code == 404
    gone = send(browser, "/stores/walmart/mute", rule="x", reason="y", listing_id=str(new_id()))
    assert gone.status_code == 404
    assert send(browser, "/stores/all/mute").status_code == 404


def test_a_file_is_sent_with_its_format_and_wishes_of_its_own(web: Web):
    browser = web.sign_in()
    body, kind = build_form(
        {
            "file": ("shop.csv", CSV),
            "channel": "ebay",
            "profile": "meta_catalog",
            "voice_avoid": "cap\r\nhat",
            "voice_tone": "dry",
            "csrf_token": read_token(browser),
        }
    )
    sent = browser.post("/imports", data=body, content_type=kind)
    assert sent.status_code == 303
    web.work()
    shown = web.get(f"/api/v1{sent.location}").json
    assert shown["format"] == "meta_catalog"
    assert (shown["options"]["voice"]["avoid"], shown["options"]["voice"]["tone"]) == (
        ["cap", "hat"],
        "dry",
    )
    page = browser.get(sent.location).text
    assert "Meta catalogue" in page
    assert "as you said" in page
