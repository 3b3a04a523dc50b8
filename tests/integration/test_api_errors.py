"""Every error of the API has one shape, an id, and tells nothing that is not the caller's."""

from __future__ import annotations

from typing import Any

import pytest

from core.ids import new_id
from services.deps import build_web_deps
from tests.support.jobs import build_settings
from tests.support.web import Web, open_web
from web.auth import Access, access
from web.factory import create_app
from web.problems import PROBLEMS

pytestmark = pytest.mark.servers

MEMBERS = {"type", "title", "status", "detail", "code", "request_id", "errors", "remedy"}


@pytest.fixture
def web(database_url, redis_url):
    with open_web(database_url, redis_url) as made:
        yield made


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v1/nothing", 404),
        ("GET", "/api/v1/jobs/7", 404),
        ("DELETE", "/api/v1/jobs", 405),
        ("GET", "/api/v1/jobs", 401),
        ("POST", "/api/v1/imports", 401),
    ],
)
def test_errors_without_a_view_or_a_key_have_the_shape_too(web: Web, method, path, status):
    answer = web.client.open(path, method=method)
    assert answer.status_code == status
    assert answer.mimetype == "application/problem+json"
    assert set(answer.json) == MEMBERS
    assert answer.json["status"] == status
    assert answer.json["code"] in PROBLEMS
    assert answer.json["type"].endswith(f"/errors#{answer.json['code']}")
    assert answer.json["request_id"] == answer.headers["X-Request-Id"]


def test_a_wrong_method_names_the_right_ones(web: Web):
    assert "POST" in web.client.delete("/api/v1/jobs").headers["Allow"]


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer lw_x_y", "Basic abc", "Bearer " + "k" * 5000, "Bearer ü"]
)
def test_a_wrong_key_is_refused_with_what_to_do(web: Web, header):
    answer = web.client.get("/api/v1/listings", headers={"Authorization": header})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert "flask seller create" in answer.json["remedy"]


def test_a_session_cookie_does_not_open_the_api(web: Web):
    browser = web.sign_in()
    assert browser.get("/api/v1/listings").status_code == 401
    assert browser.post("/api/v1/jobs", json={}).status_code == 401


def test_a_fault_of_ours_shows_no_detail_and_is_logged_with_the_request_id(web: Web, capsys):
    @access(Access.PUBLIC)
    def broken() -> str:
        message = "secret /home/path"
        raise RuntimeError(message)

    web.app.add_url_rule("/api/v1/broken", "broken", broken)
    answer = web.client.get("/api/v1/broken", headers={"X-Request-Id": "trace-me-1234"})
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text
    assert answer.json["request_id"] == "trace-me-1234"
    logged = capsys.readouterr()
    assert "trace-me-1234" in logged.out + logged.err
    assert "secret /home/path" in logged.out + logged.err


def test_a_view_that_declares_no_rule_is_not_served(web: Web):
    web.app.add_url_rule("/api/v1/forgotten", "forgotten", lambda: "open")
    assert web.client.get("/api/v1/forgotten").status_code == 403


@pytest.mark.parametrize("sent", ["", "short", "x" * 200, "a b c d e f g h", "<script>alert(1)"])
def test_a_strange_request_id_is_replaced(web: Web, sent):
    answer = web.client.get("/healthz", headers={"X-Request-Id": sent})
    assert answer.headers["X-Request-Id"] != sent


def test_the_platforms_request_id_wins(web: Web):
    headers = {"X-Railway-Request-Id": "railway-0001", "X-Request-Id": "mine-00001"}
    assert web.client.get("/healthz", headers=headers).headers["X-Request-Id"] == "railway-0001"


def test_a_database_that_is_away_is_a_503_with_retry_after(redis_url):
    deps = build_web_deps(build_settings("postgresql://nobody@127.0.0.1:9/none", redis_url))
    client: Any = create_app(deps=deps).test_client()
    headers = {"Authorization": "Bearer lw_0123456789_secret"}
    answer = client.get(f"/api/v1/jobs/{new_id()}", headers=headers)
    assert (answer.status_code, answer.json["code"]) == (503, "unavailable")
    assert int(answer.headers["Retry-After"]) > 0
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json["ready"]) == (503, False)
    assert ready.json["checks"]["postgres"] != "ok"
    assert client.get("/healthz").status_code == 200
    deps.database.dispose()
