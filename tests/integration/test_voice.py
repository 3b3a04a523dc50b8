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


STORE = "/api/v1/stores/ebay/voice"


def put_store(web: Web, body: object, path: str = STORE):
    headers = {"Authorization": f"Bearer {web.key}"}
    return web.client.put(path, json=body, headers=headers)


def test_a_store_has_wishes_of_its_own_and_the_rest_of_the_voice(web: Web):
    put(web, SAID)
    assert put_store(web, {"avoid": [], "locks": ["title"]}).status_code == 200
    shown = web.get(STORE).json
    assert shown["wishes"] == {"avoid": [], "locks": ["title"]}
    assert (shown["voice"]["tone"], shown["voice"]["avoid"]) == ("calm", [])
    assert web.get("/api/v1/stores/etsy/voice").json["voice"]["avoid"] == ["gift"]
    web.post("/api/v1/jobs", json=BODY)
    web.post("/api/v1/jobs", json={**BODY, "voice": {"locks": []}})
    first, second = briefs(web)
    assert (first["locks"], first["avoid"], first["tone"]) == (["title"], [], "calm")
    assert (second["locks"], second["avoid"]) == ([], [])
    assert put_store(web, {}).json["wishes"] == {}


@pytest.mark.parametrize(
    "body", [{"tine": "x"}, {"locks": ["colour"]}, {"tone": "x" * 201}, {"avoid": ["x"] * 51}, []]
)
def test_a_store_s_wishes_that_cannot_be_are_refused(web: Web, body):
    assert put_store(web, body).status_code == 422
    assert put_store(web, {}, "/api/v1/stores/kmart/voice").status_code == 404


@pytest.mark.parametrize("channel", ["shopify", ""])
def test_an_import_heeds_its_store_whoever_named_the_channel(web: Web, channel):
    """The file says itself that it is Shopify's: its store is known only once it is read."""
    path = "/api/v1/stores/shopify/voice"
    put(web, {"tone": "calm"})
    put_store(web, {"avoid": ["cap"], "tone": "warm", "prefer": ["sturdy"]}, path)
    shop = "Handle,Title,Body (HTML),Vendor,Type,Tags,Published\nm,Mug,Fine,N,Mug,a,TRUE\n"
    sent = upload(web, shop, channel=channel, voice=json.dumps({"tone": "dry"})).location
    web.work()
    voice = web.get(sent).json["options"]["voice"]
    assert (voice["tone"], voice["avoid"], voice["prefer"]) == ("dry", ["cap"], ["sturdy"])


def test_search_terms_count_in_the_score_of_every_listing_at_once(web: Web):
    web.post("/api/v1/jobs", json=BODY)
    web.work()
    [before] = web.get("/api/v1/listings").json["items"]
    put(web, {"keywords": ["zeppelin"]})
    web.work()
    [lower] = web.get("/api/v1/listings").json["items"]
    assert lower["score"] < before["score"]
    put_store(web, {"keywords": ["beanie"]})
    web.work()
    [higher] = web.get("/api/v1/listings").json["items"]
    assert higher["score"] > lower["score"]
    put(web, {"keywords": ["airship"]})
    assert web.work() == 0


def test_a_wish_that_changes_no_score_measures_nothing(web: Web):
    web.post("/api/v1/jobs", json=BODY)
    web.work()
    put(web, {"tone": "calm"})
    put_store(web, {"avoid": ["cap"]})
    assert web.work() == 0


def test_a_listing_scored_at_import_and_after_review_heeds_the_search_terms(web: Web):
    put(web, {"keywords": ["zeppelin"]})
    job = web.post("/api/v1/jobs", json=BODY)
    web.work()
    suggestion = web.get(f"/api/v1/suggestions/{web.get(job.location).json['suggestion_id']}").json
    [stored] = web.get("/api/v1/listings").json["items"]
    assert stored["score"] == suggestion["score_before"]
    path = f"/api/v1/suggestions/{suggestion['id']}/decisions"
    web.post(path, json={"decisions": {"title": "accept"}})
    [accepted] = web.get("/api/v1/listings").json["items"]
    assert accepted["score"] == suggestion["score_after"]
