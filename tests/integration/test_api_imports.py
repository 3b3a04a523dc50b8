"""A seller's file over HTTP: in, looked at, confirmed, worked on, and back."""

from __future__ import annotations

import pytest

from tests.support.jobs import query
from tests.support.web import CSV, Web, open_web, upload
from web.uploads import clean_name

pytestmark = pytest.mark.servers


@pytest.fixture
def web(database_url, redis_url):
    with open_web(database_url, redis_url) as made:
        yield made


def test_a_file_goes_in_and_comes_back_with_what_was_approved(web: Web):
    taken = upload(web, channel="ebay")
    assert taken.status_code == 202
    assert taken.json["state"] == "received"
    path = taken.location
    assert web.get(f"{path}/export").status_code == 409
    web.work()
    seen = web.get(path).json
    assert (seen["state"], seen["products"], seen["channel"]) == ("ready", 2, "ebay")
    assert seen["estimate"]["engine"] == "rules"
    assert web.get(f"{path}/export").json["code"] == "conflict"
    confirmed = web.post(f"{path}/confirm")
    assert (confirmed.status_code, confirmed.location) == (202, path)
    web.work()
    web.work()
    done = web.get(path).json
    assert (done["state"], done["progress"]["finished"]) == ("done", 2)
    untouched = web.get(f"{path}/export")
    assert untouched.data == CSV.encode()
    [open_one] = web.get("/api/v1/listings?state=suggested").json["items"]
    web.post(
        f"/api/v1/suggestions/{open_one['suggestion_id']}/decisions",
        json={"decisions": {"title": {"edit": "Northfold Beanie"}}},
    )
    full = web.get(f"{path}/export?form=full")
    assert full.data.decode().splitlines()[1].startswith("A-1,Northfold Beanie,A rib-knit")
    assert full.headers["Content-Disposition"] == "attachment; filename=shop-full.csv"
    assert full.mimetype == "text/csv"
    assert b"FREE SHIPPING" in web.get(f"{path}/export?form=revert").data
    assert [one["id"] for one in web.get("/api/v1/imports").json["items"]] == [done["id"]]


def test_a_supplement_for_another_channel_is_never_the_full_file_unasked(web: Web):
    path = upload(web, "handle,title,tags\nx,A,b\n", channel="google").location
    web.work()
    web.post(f"{path}/confirm")
    web.work()
    web.work()
    answer = web.get(f"{path}/export?form=supplement")
    assert answer.headers["Listwright-Form"] == "supplement"
    assert "shop-google.csv" in answer.headers["Content-Disposition"]


def test_an_import_is_cancelled(web: Web):
    path = upload(web, channel="ebay").location
    assert web.post(f"{path}/cancel").json["state"] == "cancelled"
    assert web.post(f"{path}/confirm").status_code == 409


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"channel": "kmart"}, "channel"),
        ({"mode": "wild"}, "mode"),
        ({"engine": "magic"}, "engine"),
        ({"fields": "title,colour"}, "fields"),
        ({"limit": "-1"}, "limit"),
        ({"limit": "²"}, "limit"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_bad_option_is_refused_before_anything_is_stored(web: Web, form, field):
    answer = upload(web, **form)
    assert answer.status_code == 422
    assert answer.json["errors"][0]["pointer"] == f"#/{field}"
    assert query(web.deps, "SELECT count(*) FROM app.import_file") == [(0,)]


def test_no_file_and_an_empty_file_are_refused(web: Web):
    for answer in (upload(web, ""), web.post("/api/v1/imports", data={"channel": "ebay"})):
        assert answer.status_code == 422
        assert answer.json["errors"][0]["pointer"] == "#/file"
    assert query(web.deps, "SELECT count(*) FROM app.import_file") == [(0,)]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"\x89PNG\r\n\x1a\n" + b"\x00\x01" * 500, ""),
        (b"sku,colour\nA,red\n", "title"),
        (b'sku,title\nA,"open\nB,c\n', ""),
    ],
)
def test_a_file_that_cannot_be_read_fails_with_the_reason(web: Web, content, says):
    path = upload(web, content, channel="ebay").location
    web.work()
    failed = web.get(path).json
    if failed["state"] == "failed":
        assert failed["error"]["message"]
        assert says in failed["error"]["message"] + failed["error"]["remedy"]
        assert web.get(f"{path}/export").status_code == 409
    else:
        assert failed["problems"]


def test_a_file_over_the_limit_is_refused_and_forgotten(database_url, redis_url):
    with open_web(database_url, redis_url, MAX_UPLOAD_BYTES="2048") as web:
        answer = upload(web, CSV * 20, channel="ebay")
        assert (answer.status_code, answer.json["code"]) == (413, "too_large")
        large = upload(web, b"x" * 3_000_000, channel="ebay")
        assert (large.status_code, large.json["code"]) == (413, "too_large")
        for told in (answer.json, large.json):
            assert told["detail"] == "The file is larger than 2048 bytes."
            assert told["remedy"].startswith("Split it")
        assert query(web.deps, "SELECT count(*) FROM app.import_file") == [(0,)]


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("../../etc/passwd.csv", "passwd.csv"),
        ("C:\\shop\\käse.csv", "käse.csv"),
        ('a"b\r\nX: y.csv', 'a"bX: y.csv'),
        ("x" * 300 + ".csv", "x" * 196 + ".csv"),
    ],
)
def test_a_files_name_is_cleaned(sent, kept):
    assert clean_name(sent) == kept


def test_another_sellers_import_looks_like_nothing(web: Web):
    path = upload(web, channel="ebay").location
    other = web.make_other_key()
    assert web.get(path, key=other).status_code == 404
    assert web.get(f"{path}/export", key=other).status_code == 404
    assert web.post(f"{path}/confirm", key=other).status_code == 404
    assert web.post(f"{path}/cancel", key=other).status_code == 404
