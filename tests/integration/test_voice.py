"""The seller's voice over HTTP, frozen into what is ordered, and kept by what is proposed."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from tests.integration.test_api_jobs import BODY
from tests.support.jobs import query
from tests.support.web import Web, open_web, upload

pytestmark = pytest.mark.servers

EMPTY = {"tone": "", "brands": [], "prefer": [], "avoid": [], "locks": [], "keywords": []}
SAID = {"tone": "calm", "brands": ["Northfold"], "avoid": ["gift"], "keywords": ["wool hat"]}


@pytest.fixture
def web(database_url, redis_url):
    with open_web(database_url, redis_url) as made:
        yield made


def put(web: Web, body: Mapping[str, object], **more: str):
    headers = {"Authorization": f"Bearer {more.get('key', web.key)}"}
    return web.client.put("/api/v1/voice", json=body, headers=headers)


def briefs(web: Web) -> list[dict[str, object]]:
    return [body for (body,) in query(web.deps, "SELECT body FROM app.brief ORDER BY created_at")]


def test_a_voice_is_replaced_whole_and_counts_its_changes(web: Web):
    assert web.get("/api/v1/voice").json == {**EMPTY, "version": 0}
    assert put(web, SAID).json == {**EMPTY, **SAID, "version": 1}
    assert put(web, SAID).json["version"] == 1
    assert put(web, {"avoid": ["cheap"]}).json == {**EMPTY, "avoid": ["cheap"], "version": 2}
    assert web.get("/api/v1/voice", key=web.make_other_key()).json["version"] == 0


@pytest.mark.parametrize(
    "body", [{"tine": "x"}, {"locks": ["colour"]}, {"tone": "x" * 201}, {"avoid": ["x"] * 51}]
)
def test_a_voice_that_says_what_cannot_be_is_refused(web: Web, body):
    assert put(web, body).status_code == 422


def test_a_job_works_from_the_voice_of_its_day_and_may_have_its_own(web: Web):
    put(web, SAID)
    assert web.post("/api/v1/jobs", json=BODY).status_code == 202
    own = {**BODY, "voice": {"avoid": ["warm"]}, "keywords": ["beanie"]}
    assert web.post("/api/v1/jobs", json=own).status_code == 202
    first, second = briefs(web)
    assert (first["avoid"], first["keywords"], first["style_version"]) == (
        ["gift"],
        ["wool hat"],
        1,
    )
    assert (second["avoid"], second["keywords"], second["tone"]) == (["warm"], ["beanie"], "calm")


def test_an_import_keeps_the_voice_it_was_sent_with(web: Web):
    put(web, {"locks": ["title"]})
    path = upload(web, channel="ebay", voice=json.dumps({"avoid": ["cap"]})).location
    put(web, {})
    web.work()
    assert web.get(path).json["options"]["voice"]["avoid"] == ["cap"]
    web.post(f"{path}/confirm")
    web.work()
    assert web.get("/api/v1/listings?state=suggested").json["items"] == []


def test_an_import_s_voice_that_cannot_be_is_refused_at_once(web: Web):
    answer = upload(web, channel="ebay", voice='{"avoid": "cap"}')
    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, "#/voice")
