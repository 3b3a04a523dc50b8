"""An audit over HTTP: findings at once, nothing stored, plain words for what is too much."""

from __future__ import annotations

import io

import pytest

import services.audit
from domain.audit.report import FINDING_KEYS
from tests.support.jobs import query
from tests.support.web import CSV, Web, build_form, open_web

pytestmark = pytest.mark.servers


@pytest.fixture
def web(database_url, redis_url):
    with open_web(database_url, redis_url) as made:
        yield made


def send(web: Web, content: str | bytes = CSV, **form: str):
    body = content.encode() if isinstance(content, str) else content
    return web.post(
        "/api/v1/audits",
        data={"file": (io.BytesIO(body), "shop.csv"), **form},
        content_type="multipart/form-data",
    )


def test_findings_come_at_once_and_nothing_is_stored(web: Web):
    answer = send(web, channel="ebay", on="2026-11-22")
    assert answer.status_code == 200
    assert (answer.json["channel"], answer.json["as_of"]) == ("ebay", "2026-11-22")
    assert (answer.json["rows"], answer.json["products"], answer.json["truncated"]) == (2, 2, False)
    [finding] = [one for one in answer.json["findings"] if one["rule"] == "ebay.title.max"]
    assert tuple(finding) == FINDING_KEYS
    assert (finding["line"], finding["product"], finding["column"]) == (2, "A-1", "title")
    assert answer.json["counts"]["hard"] >= 1
    assert answer.json["packs"][0]["level"] == "hard"
    assert query(web.deps, "SELECT count(*) FROM app.import_file") == [(0,)]


def test_all_channels_are_checked_in_one_request(web: Web):
    found = {one["channel"] for one in send(web, channel="all").json["findings"]}
    assert {"amazon", "ebay"} <= found


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"channel": "tradera"}, "channel"),
        ({}, "channel"),
        ({"channel": "ebay", "on": "22.11.2026"}, "on"),
        ({"channel": "ebay", "store": "Germany"}, "store"),
    ],
)
def test_a_wrong_wish_is_named(web: Web, form, field):
    answer = send(web, **form)
    assert answer.status_code == 422
    assert field in answer.text


def test_a_file_that_cannot_be_read_says_why(web: Web):
    answer = send(web, b"PK\x03\x04 no csv", channel="ebay")
    assert answer.status_code == 400
    assert answer.json["code"] == "bad_file"


def test_a_large_file_is_sent_to_the_imports(web: Web, monkeypatch):
    monkeypatch.setattr(services.audit, "MAX_NOW_BYTES", len(CSV) * 2)
    assert send(web, channel="ebay").status_code == 200
    answer = send(web, channel="all")
    assert answer.status_code == 413
    assert "/api/v1/imports" in answer.json["remedy"]


def test_a_file_above_this_door_s_own_limit_hears_of_that_limit(web: Web):
    content = b"sku,title\n" + b"x" * (services.audit.MAX_NOW_BYTES + 2_000_000)
    body, kind = build_form({"file": ("shop.csv", content)})
    answer = web.post("/api/v1/audits", data=body, content_type=kind)
    assert (answer.status_code, answer.json["code"]) == (413, "too_large")
    assert answer.json["detail"] == "The file is larger than 10 MB."
    assert answer.json["remedy"].startswith("Send it as an import")


@pytest.mark.parametrize("path", ["/api/v1/jobs", "/api/v1/audits", "/api/v1/imports"])
def test_broken_json_comes_with_what_to_send(web: Web, path):
    answer = web.post(path, data="{", content_type="application/json")
    assert answer.status_code in (400, 422)
    assert "multipart/form-data" in answer.json["remedy"]


def test_many_rows_in_few_bytes_are_too_much_as_well(web: Web, monkeypatch):
    monkeypatch.setattr(services.audit, "MAX_NOW_ROWS", 1)
    answer = send(web, channel="ebay")
    assert answer.status_code == 413
    assert "more than 1 rows" in answer.json["detail"]


def test_the_list_of_findings_ends_somewhere_and_says_so(web: Web, monkeypatch):
    whole = send(web, channel="all").json
    monkeypatch.setattr(services.audit, "MAX_NOW_FINDINGS", 3)
    cut = send(web, channel="all").json
    assert (len(cut["findings"]), cut["truncated"]) == (3, True)
    assert (cut["counts"], cut["packs"]) == (whole["counts"], whole["packs"])
    assert f"{len(whole['findings']) - 3} more" in cut["notes"][-1]


def test_a_key_is_needed(web: Web):
    answer = web.client.post("/api/v1/audits", data={"file": (io.BytesIO(b"x"), "x.csv")})
    assert answer.status_code == 401
