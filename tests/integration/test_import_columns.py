"""Columns the seller names: followed, remembered for the same header, taken back; and problems."""

from __future__ import annotations

import csv
import io
import json

import pytest

from tests.support.web import Web, open_web, upload

pytestmark = pytest.mark.servers

ODD = "Code,Was es ist,Notiz\nA,Roter Becher,Steingut\nB,Blauer Becher,Steingut\n"
CHOICE = json.dumps({"title": "Was es ist", "sku": "Code"})


@pytest.fixture
def web(database_url, redis_url):
    with open_web(database_url, redis_url) as made:
        yield made


def read(web: Web, content: str = ODD, **form: str):
    path = upload(web, content, channel="ebay", **form).location
    web.work()
    return web.get(path).json


def titles(web: Web) -> set[str]:
    return {one["title"] for one in web.get("/api/v1/listings").json["items"]}


def test_named_columns_are_followed_and_hold_for_the_next_file_with_that_header(web: Web):
    assert read(web)["state"] == "failed"
    assert read(web, mapping=CHOICE)["state"] == "ready"
    assert titles(web) == {"Roter Becher", "Blauer Becher"}
    again = read(web)
    assert again["state"] == "ready"
    assert any("chose them for shop.csv" in note for note in again["notes"])
    assert again["options"]["mapping"] == {"title": ["Was es ist"], "sku": ["Code"]}
    third = read(web, mapping="title=Notiz")
    assert third["state"] == "ready"
    assert "Steingut" in titles(web)
    assert read(web)["options"]["mapping"] == {"title": ["Notiz"]}


def test_automatic_ends_what_was_remembered(web: Web):
    content = "sku,title,Name\nA,Red mug,Mug red\n"
    assert read(web, content, mapping="title=Name")["state"] == "ready"
    assert titles(web) == {"Mug red"}
    read(web, content, mapping="auto")
    assert titles(web) == {"Red mug"}
    assert not any("chose" in note for note in read(web, content)["notes"])


def test_another_seller_s_choice_is_not_remembered(web: Web):
    read(web, mapping=CHOICE)
    web.key = web.make_other_key()
    assert read(web)["state"] == "failed"


def test_a_column_the_file_lacks_ends_the_import_with_its_name(web: Web):
    failed = read(web, mapping="title=Nirgends")
    assert failed["state"] == "failed"
    assert failed["error"]["field"] == "mapping"
    assert "Nirgends" in failed["error"]["message"]


def test_a_choice_that_cannot_be_read_is_refused_at_once(web: Web):
    answer = upload(web, ODD, mapping='{"titel": "x"}')
    assert answer.status_code == 422
    assert answer.json["errors"][0]["pointer"] == "#/mapping"


def test_problems_come_as_a_csv_that_starts_no_formula(web: Web):
    seen = read(web, "sku,title\nA,Red mug\n=cmd,Blue mug,extra,=1+1\n" + "A,x\n" * 150)
    path = f"/api/v1/imports/{seen['id']}/problems"
    answer = web.get(path)
    assert (answer.status_code, answer.mimetype) == (200, "text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))
    assert len(rows) == seen["problems_total"] > len(seen["problems"])
    assert rows[0]["line"] == str(seen["problems"][0]["line"])
    assert not any(cell.startswith("=") for row in rows for cell in row.values())
    page = web.sign_in().get(f"/imports/{seen['id']}").text
    assert f"/imports/{seen['id']}/problems" in page
    assert web.get(path, key=web.make_other_key()).status_code == 404


SHOP = "Handle,Title,Body (HTML),Vendor,Type,Tags,Published\nmug,Red mug,<p>Fine</p>,N,Mug,a,TRUE\n"


def test_a_format_is_recognised_with_a_confidence_and_can_be_named(web: Web):
    seen = read(web, SHOP)
    assert (seen["format"], seen["confidence"] > 0.6) == ("shopify", True)
    named = read(web, SHOP, profile=" Generic ")
    assert (named["format"], named["options"]["profile"]) == ("generic", "generic")


def test_a_named_format_holds_for_the_next_file_with_that_header_until_auto(web: Web):
    read(web, SHOP, profile="generic")
    again = read(web, SHOP)
    assert again["format"] == "generic"
    assert any("Read as generic, as you chose for shop.csv" in note for note in again["notes"])
    assert read(web, SHOP, profile="auto")["format"] == "shopify"
    assert read(web, SHOP)["format"] == "shopify"


def test_format_and_columns_are_remembered_side_by_side(web: Web):
    read(web, SHOP, mapping="title=Vendor")
    read(web, SHOP, profile="generic")
    last = read(web, SHOP)
    assert (last["format"], last["options"]["mapping"]) == ("generic", {"title": ["Vendor"]})


@pytest.mark.parametrize("name", ["shopfy", "../generic", "x" * 5000, "generic\x00"])
def test_an_unknown_format_is_refused_naming_those_there_are(web: Web, name):
    answer = upload(web, SHOP, profile=name)
    assert answer.status_code == 422
    assert answer.json["errors"][0]["pointer"] == "#/profile"
    assert "shopify_new" in answer.json["remedy"]
    assert len(answer.text) < 2000
