"""Every route declares who may call it, and keeps to it: one sweep over all of them."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from werkzeug.routing import Rule

from core.ids import new_id
from services.access import create_signin_link, set_operator
from services.deps import build_web_deps
from tests.integration.test_api_jobs import BODY
from tests.support.jobs import build_settings, make_seller
from tests.support.web import Web, open_web, upload
from web.auth import Access, find_access
from web.factory import create_app
from web.requests import HEADERS

pytestmark = pytest.mark.servers

UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})
PUBLIC = {
    "account.explain_errors",
    "account.open_link",
    "account.sign_in",
    "account.sign_in_with_key",
    "account.sign_in_with_link",
    "assets.show_asset",
    "assets.show_favicon",
    "health.show_alive",
    "health.show_ready",
    "openapi.spec",
}
IDS = {
    "job_id": "job",
    "listing_id": "listing",
    "suggestion_id": "suggestion",
    "import_id": "import",
}


@pytest.fixture(scope="module")
def rules() -> list[Rule]:
    settings = build_settings("postgresql://nobody@127.0.0.1:9/none", "redis://127.0.0.1:9/0")
    deps = build_web_deps(settings)
    app = create_app(deps=deps)
    deps.database.dispose()
    with app.app_context():
        for rule in app.url_map.iter_rules():
            rule.access = find_access(rule.endpoint)  # type: ignore[attr-defined]
    return list(app.url_map.iter_rules())


@pytest.fixture
def web(database_url, redis_url):
    with open_web(database_url, redis_url) as made:
        yield made


@pytest.fixture
def known(web: Web) -> dict[str, str]:
    """Ids of things that a first seller has."""
    job = web.post("/api/v1/jobs", json=BODY)
    web.work()
    shown = web.get(job.location).json
    return {
        "job": shown["id"],
        "listing": shown["listing_id"],
        "suggestion": shown["suggestion_id"],
        "import": upload(web, channel="ebay").json["id"],
    }


def of(rules: list[Rule], access: Access) -> Iterator[tuple[Rule, str]]:
    """Each method of each rule with this access."""
    for rule in rules:
        if rule.access is access:  # type: ignore[attr-defined]
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield rule, method


def fill(rule: Rule, ids: dict[str, str]) -> str:
    """The rule's address with these ids (by kind), random ones for the others."""
    values: dict[str, object] = {
        name: uuid.UUID(ids[IDS[name]]) for name in rule.arguments & IDS.keys()
    }
    values |= dict.fromkeys(rule.arguments - values.keys(), "x")
    built = rule.build(values)
    assert built is not None
    return built[1]


def random_ids() -> dict[str, str]:
    return {kind: str(new_id()) for kind in IDS.values()}


def test_every_route_declares_its_rule(rules):
    undeclared = [rule.rule for rule in rules if rule.access is None]
    assert undeclared == []


def test_only_these_routes_are_public(rules):
    assert {rule.endpoint for rule, _ in of(rules, Access.PUBLIC)} == PUBLIC


def test_the_api_wants_keys_and_pages_want_sessions(rules):
    for rule, _ in of(rules, Access.KEY):
        assert rule.rule.startswith("/api/")
    for rule, _ in of(rules, Access.SESSION):
        assert not rule.rule.startswith("/api/")
    for rule, _ in of(rules, Access.OPERATOR):
        assert rule.rule.startswith("/operator")


def test_every_id_in_an_address_is_swept(rules):
    swept = {"digest", "name", "token", "channel"} | IDS.keys()
    assert {name for rule in rules for name in rule.arguments} <= swept


def test_without_a_key_or_session_nothing_opens(web: Web, rules):
    for rule, method in of(rules, Access.KEY):
        answer = web.client.open(fill(rule, random_ids()), method=method)
        assert answer.status_code == 401, rule.rule
    for rule, method in (*of(rules, Access.SESSION), *of(rules, Access.OPERATOR)):
        answer = web.client.open(fill(rule, random_ids()), method=method)
        assert answer.status_code == 303, rule.rule
        assert answer.location.startswith("/signin")


def test_for_sellers_the_operators_pages_are_not_there(web: Web, rules, known):
    browser, token = sign_in_other(web)
    swept = 0
    for rule, method in of(rules, Access.OPERATOR):
        form = {"csrf_token": token, "reason": "internal_error"}
        answer = browser.open(fill(rule, known), method=method, data=form)
        assert answer.status_code == 404, rule.rule
        assert "Operator" not in answer.text
        swept += 1
    assert swept >= 3
    set_operator(web.deps, "other@example.com", on=True)
    assert browser.get("/operator").status_code == 200
    set_operator(web.deps, "other@example.com", on=False)
    assert browser.get("/operator").status_code == 404


def test_another_sellers_ids_look_like_ids_of_nothing(web: Web, rules, known):
    other = web.make_other_key()
    browser, token = sign_in_other(web)
    swept = 0
    for rule, method in of(rules, Access.KEY):
        if rule.arguments & IDS.keys():
            body = {"decisions": {"title": "accept"}}
            send: dict[str, Any] = {"json": body} if method in UNSAFE else {}
            foreign = web.client.open(
                fill(rule, known),
                method=method,
                headers={"Authorization": f"Bearer {other}"},
                **send,
            )
            unknown = web.client.open(
                fill(rule, random_ids()),
                method=method,
                headers={"Authorization": f"Bearer {other}"},
                **send,
            )
            assert (foreign.status_code, unknown.status_code) == (404, 404), rule.rule
            assert strip(foreign.text, foreign) == strip(unknown.text, unknown), rule.rule
            swept += 1
    for rule, method in of(rules, Access.SESSION):
        if rule.arguments & IDS.keys():
            form = {"csrf_token": token, "action": "accept", "field": "title"}
            foreign = browser.open(fill(rule, known), method=method, data=form)
            unknown = browser.open(fill(rule, random_ids()), method=method, data=form)
            assert (foreign.status_code, unknown.status_code) == (404, 404), rule.rule
            assert strip(foreign.text, foreign) == strip(unknown.text, unknown), rule.rule
            swept += 1
    assert swept >= 20


def strip(text: str, answer) -> str:
    """The answer without its request id."""
    return text.replace(answer.headers["X-Request-Id"], "")


def sign_in_other(web: Web):
    """A browser of another seller, and the token its forms carry."""
    client = web.app.test_client()
    seller = make_seller(web.deps, "other@example.com")
    client.post(f"/signin/{create_signin_link(web.deps, seller.id)}")
    return client, read_token(client)


def read_token(client) -> str:
    """The token that the forms of a signed-in browser carry."""
    page: str = client.get("/imports").text
    return page.split('name="csrf_token" value="', 1)[1].split('"', 1)[0]


def test_unsafe_pages_without_the_forms_token_change_nothing(web: Web, rules, known):
    browser = web.sign_in()
    set_operator(web.deps, web.seller.email, on=True)
    for rule, method in (*of(rules, Access.SESSION), *of(rules, Access.OPERATOR)):
        if method in UNSAFE:
            for data in ({}, {"csrf_token": "wrong"}, {"csrf_token": "ü"}):
                answer = browser.open(fill(rule, known), method=method, data=data)
                assert answer.status_code == 403, rule.rule


def test_unsafe_pages_from_another_site_change_nothing(web: Web, rules, known):
    browser = web.sign_in()
    token = read_token(browser)
    strange = [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
    ]
    set_operator(web.deps, web.seller.email, on=True)
    for access in (Access.SESSION, Access.OPERATOR, Access.PUBLIC):
        for rule, method in of(rules, access):
            if method in UNSAFE:
                for headers in strange:
                    answer = browser.open(
                        fill(rule, known),
                        method=method,
                        data={"csrf_token": token},
                        headers=headers,
                    )
                    assert answer.status_code == 403, (rule.rule, headers)


def test_every_answer_carries_the_strict_headers(web: Web, rules):
    browser = web.sign_in()
    for rule in rules:
        answer = browser.get(fill(rule, random_ids()))
        for name, value in HEADERS.items():
            assert answer.headers[name] == value, rule.rule
        assert answer.headers["X-Request-Id"]
        assert "unsafe" not in answer.headers["Content-Security-Policy"]
