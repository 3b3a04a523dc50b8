"""Jobs over HTTP: taken in once, whatever is sent, and refused with field, reason and remedy."""

from __future__ import annotations

import threading
import uuid

import pytest

from tests.support.jobs import query
from tests.support.web import Web, open_web

pytestmark = pytest.mark.servers

TITLE = "FREE SHIPPING!!! Northfold Merino Wool Beanie Hat for Men and Women " * 2
BODY = {
    "channel": "ebay",
    "listing": {
        "sku": "A-1",
        "title": TITLE,
        "description": "A rib-knit beanie of merino wool.",
        "bullets": ["Warm"],
        "tags": [],
        "attributes": {"color": "Green", "weight_g": 80},
        "brand": "Northfold",
    },
}


@pytest.fixture
def web(database_url, redis_url):
    with open_web(database_url, redis_url) as made:
        yield made


def test_a_job_is_taken_in_done_and_shown(web: Web):
    taken = web.post("/api/v1/jobs", json=BODY)
    assert taken.status_code == 202
    assert taken.json == {"id": taken.json["id"], "state": "available"}
    assert taken.location == f"/api/v1/jobs/{taken.json['id']}"
    assert int(taken.headers["Retry-After"]) > 0
    web.work()
    job = web.get(taken.location).json
    assert (job["state"], job["outcome"], job["engine"]) == ("completed", "improved", "rules")
    assert job["suggestion_id"]
    assert job["cost_microusd"] == 0
    assert [one["id"] for one in web.get("/api/v1/jobs").json["items"]] == [job["id"]]


def test_only_the_fields_sent_exist(web: Web):
    web.post("/api/v1/jobs", json={"channel": "ebay", "listing": {"sku": "B", "title": "Beanie"}})
    [listing] = web.get("/api/v1/listings").json["items"]
    found = web.get(f"/api/v1/listings/{listing['id']}").json
    assert found["fields"] == {"title": "Beanie"}
    assert found["attributes"] == {"sku": "B"}


def test_empty_fields_that_were_sent_exist_and_numbers_become_text(web: Web):
    web.post("/api/v1/jobs", json=BODY)
    [listing] = web.get("/api/v1/listings").json["items"]
    found = web.get(f"/api/v1/listings/{listing['id']}").json
    assert found["fields"]["tags"] == []
    assert found["attributes"]["weight_g"] == "80"
    assert found["attributes"]["brand"] == "Northfold"


def test_a_known_listing_is_optimized_by_its_id(web: Web):
    web.post("/api/v1/jobs", json=BODY)
    web.work()
    [listing] = web.get("/api/v1/listings").json["items"]
    again = web.post("/api/v1/jobs", json={"listing_id": listing["id"], "mode": "rewrite"})
    assert again.status_code == 202
    web.work()
    assert web.get(again.location).json["listing_id"] == listing["id"]


def test_the_same_key_gives_the_same_answer_and_no_second_job(web: Web):
    headers = {"Idempotency-Key": "order-1"}
    first = web.post("/api/v1/jobs", json=BODY, headers=headers)
    web.work()
    again = web.post("/api/v1/jobs", json=BODY, headers=headers)
    assert (again.status_code, again.json, again.location) == (202, first.json, first.location)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers
    assert query(web.deps, "SELECT count(*) FROM app.job") == [(1,)]


def test_the_same_key_with_another_body_is_refused(web: Web):
    headers = {"Idempotency-Key": "order-1"}
    web.post("/api/v1/jobs", json=BODY, headers=headers)
    other = web.post("/api/v1/jobs", json={**BODY, "mode": "rewrite"}, headers=headers)
    assert (other.status_code, other.json["code"]) == (422, "idempotency_mismatch")
    assert other.json["errors"][0]["header"] == "Idempotency-Key"


def test_parallel_requests_with_one_key_make_one_job(web: Web):
    answers: list[str] = []

    def send() -> None:
        sent = web.post("/api/v1/jobs", json=BODY, headers={"Idempotency-Key": "twice"})
        answers.append(sent.json["id"])

    threads = [threading.Thread(target=send) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 6
    assert len(set(answers)) == 1
    assert query(web.deps, "SELECT count(*) FROM app.job") == [(1,)]


def test_a_key_that_is_too_long_is_refused(web: Web):
    sent = web.post("/api/v1/jobs", json=BODY, headers={"Idempotency-Key": "k" * 256})
    assert sent.status_code == 422
    assert (
        web.post("/api/v1/jobs", json=BODY, headers={"Idempotency-Key": "k" * 255}).status_code
        == 202
    )


def test_a_job_is_taken_in_while_redis_is_away(database_url):
    with open_web(database_url, "redis://127.0.0.1:9/0") as web:
        taken = web.post("/api/v1/jobs", json=BODY)
        assert taken.status_code == 202
        web.worker.run(uuid.UUID(taken.json["id"]))
        assert web.get(taken.location).json["state"] == "completed"
        ready = web.client.get("/readyz")
        assert ready.status_code == 200
        assert ready.json["checks"]["redis"] != "ok"


@pytest.mark.parametrize(
    ("body", "status", "pointer", "says"),
    [
        ('{"channel":', 400, None, "line 1"),
        ("NaN", 400, None, "not JSON"),
        ("[" * 100_000, 400, None, "deep"),
        ("[]", 422, "#", "object"),
        ("{}", 422, "#", "exactly one"),
        ('{"channel": "ebay"}', 422, "#", "exactly one"),
        ('{"listing": {"sku": "A"}}', 422, "#", "amazon, ebay"),
        ('{"channel": "kmart", "listing": {"sku": "A"}}', 422, "#/channel", "'amazon', 'ebay'"),
        ('{"channel": "ebay", "listing": {}}', 422, "#/listing/sku", "needed"),
        ('{"channel": "ebay", "listing": {"sku": " "}}', 422, "#/listing/sku", "1 character"),
        (
            '{"channel": "ebay", "listing": {"sku": "A", "tilte": "x"}}',
            422,
            "#/listing/tilte",
            "no such",
        ),
        ('{"channel": "ebay", "listing": {"sku": "A"}, "x": 1}', 422, "#/x", "no such"),
        (
            r'{"channel": "ebay", "listing": {"sku": "A", "title": "a\u0000b"}}',
            422,
            "#/listing/title",
            "U+0000",
        ),
        (
            r'{"channel": "ebay", "listing": {"sku": "A", "tags": ["a\u001bb"]}}',
            422,
            "#/listing/tags/0",
            "U+001B",
        ),
        (
            r'{"channel": "ebay", "listing": {"sku": "A", "title": "\ud800"}}',
            422,
            "#/listing/title",
            "Unicode",
        ),
        ('{"listing_id": "7"}', 422, "#/listing_id", "our ids"),
        (
            '{"channel": "ebay", "listing": {"sku": "A"}, "fields": ["x"]}',
            422,
            "#/fields/0",
            "title",
        ),
    ],
)
def test_bad_input_names_field_reason_and_remedy(web: Web, body, status, pointer, says):
    sent = web.post("/api/v1/jobs", data=body, content_type="application/json")
    assert sent.status_code == status
    assert sent.mimetype == "application/problem+json"
    problem = sent.json
    assert says in problem["detail"]
    if pointer:
        assert problem["errors"][0]["pointer"] == pointer
        assert problem["remedy"]
    assert query(web.deps, "SELECT count(*) FROM app.job") == [(0,)]


def test_a_cell_that_is_too_long_is_refused_and_one_of_40000_is_not(web: Web):
    long = {"sku": "A", "description": "a" * 100_001}
    sent = web.post("/api/v1/jobs", json={"channel": "ebay", "listing": long})
    assert sent.json["errors"][0]["pointer"] == "#/listing/description"
    fits = {"sku": "A", "title": "Beanie", "description": "ab " * 13_333}
    assert web.post("/api/v1/jobs", json={"channel": "ebay", "listing": fits}).status_code == 202


def test_a_body_over_the_limit_is_refused_without_being_read(web: Web):
    sent = web.post("/api/v1/jobs", data="x" * (2**20 + 1), content_type="application/json")
    assert (sent.status_code, sent.json["code"]) == (413, "too_large")
    assert "1 MB" in sent.json["detail"]


def test_the_channel_of_a_known_listing_cannot_be_changed(web: Web):
    web.post("/api/v1/jobs", json=BODY)
    [listing] = web.get("/api/v1/listings").json["items"]
    sent = web.post("/api/v1/jobs", json={"listing_id": listing["id"], "channel": "etsy"})
    assert (sent.status_code, sent.json["errors"][0]["pointer"]) == (422, "#/channel")
