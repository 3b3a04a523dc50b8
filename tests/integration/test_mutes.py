"""Rules that a seller overrides: kept with their reason, heeded everywhere, shown apart."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

import services.remeasure
from core.ids import new_id
from domain.job import JobKind
from models import listing as listings
from services.muting import add_mute, get_mutes, put_mutes
from services.remeasure import run_remeasure
from tests.support.jobs import claim, execute, list_claimable, query, run_all
from tests.support.web import Web, open_web, upload

pytestmark = pytest.mark.servers

PROMO = "wmt.title.promo"
SAID = "Free Shipping is the name of the band"
TITLE = "Northfold Free Shipping Tour Poster, 50 x 70 cm"
BODY = {"channel": "walmart", "listing": {"sku": "P-1", "title": TITLE, "brand": "Northfold"}}
PATH = "/api/v1/stores/walmart/mutes"
CSV = f'sku,title,brand\nP-1,"{TITLE}",Northfold\nP-2,Northfold Mug,Northfold\n'


@pytest.fixture
def web(database_url, redis_url):
    with open_web(database_url, redis_url) as made:
        yield made


def put(web: Web, *mutes: dict[str, Any], path: str = PATH, **body: Any):
    headers = {"Authorization": f"Bearer {web.key}"}
    return web.client.put(path, json={"mutes": list(mutes), **body}, headers=headers)


def mute(web: Web) -> None:
    assert put(web, {"rule": PROMO, "reason": SAID}).status_code == 200


def show_first(web: Web) -> Any:
    [row, *_] = web.get("/api/v1/listings").json["items"]
    return web.get(f"/api/v1/listings/{row['id']}").json


def rules_of(findings: list[dict[str, Any]]) -> set[str]:
    return {one["rule"] for one in findings}


def test_mutes_are_replaced_whole_and_keep_their_reason_and_day(web: Web):
    assert web.get(PATH).json["mutes"] == []
    mute(web)
    shown = web.get(PATH).json
    [one] = shown["mutes"]
    assert (one["rule"], one["reason"]) == (PROMO, SAID)
    assert PROMO in shown["mutable"]
    execute(
        web.deps,
        """UPDATE app.store SET mutes = jsonb_set(mutes, '{0,since}', '"2026-01-02"')""",
    )
    [old] = web.get(PATH).json["mutes"]
    again = put(web, {**old, "reason": "another"}, {"rule": "wmt.title.year", "reason": "x"})
    assert again.json["mutes"][0]["since"] == "2026-01-02"
    assert put(web).json["mutes"] == []


@pytest.mark.parametrize(
    ("entry", "pointer", "says"),
    [
        ({"rule": "nope", "reason": "x"}, "#/mutes/0/rule", "no rule 'nope' of walmart"),
        ({"rule": "amz.title.promo", "reason": "x"}, "#/mutes/0/rule", "of walmart"),
        ({"rule": "wmt.title.max", "reason": "x"}, "#/mutes/0/rule", "own machine"),
        ({"rule": PROMO, "reason": "  "}, "#/mutes/0/reason", "without a reason"),
        ({"rule": PROMO}, "#/mutes/0/reason", "needed"),
        ({"rule": PROMO, "reason": "x" * 501}, "#/mutes/0/reason", "at most 500"),
        ({"rule": PROMO, "reason": "a\nb"}, "#/mutes/0/reason", "one line"),
        ({"rule": PROMO, "reason": "a\x00b"}, "#/mutes/0/reason", "control character"),
        ({"rule": PROMO, "reason": "x", "why": "y"}, "#/mutes/0/why", "no such field"),
        ({"rule": "x'; DROP TABLE app.store; --", "reason": "x"}, "#/mutes/0/rule", "no rule"),
    ],
)
def test_a_bad_mute_is_named_with_its_place_and_changes_nothing(web: Web, entry, pointer, says):
    mute(web)
    answer = put(web, entry)
    assert answer.status_code == 422
    [error] = answer.json["errors"]
    assert error["pointer"] == pointer
    assert says in error["message"]
    assert answer.json["remedy"]
    assert [one["rule"] for one in web.get(PATH).json["mutes"]] == [PROMO]


@pytest.mark.parametrize("body", [{"mutes": None}, {"mutes": [7]}, {"mutes": {}}, {"x": []}, []])
def test_an_odd_body_is_refused(web: Web, body):
    answer = web.client.put(PATH, json=body, headers={"Authorization": f"Bearer {web.key}"})
    assert answer.status_code == 422


def test_a_channel_there_is_not_has_no_mutes(web: Web):
    for name in ("kmart", "x" * 300, "%00", "all"):
        assert web.get(f"/api/v1/stores/{name}/mutes").status_code == 404


def test_a_muted_rule_is_no_finding_and_is_shown_with_its_reason(web: Web):
    web.post("/api/v1/jobs", json=BODY)
    assert PROMO in rules_of(show_first(web)["findings"])
    mute(web)
    shown = show_first(web)
    assert PROMO not in rules_of(shown["findings"])
    [apart] = shown["muted"]
    assert (apart["rule"], apart["reason"], apart["excerpt"]) == (PROMO, SAID, "Free Shipping")


def test_listings_are_measured_anew_when_a_rule_is_muted_and_when_it_holds_again(web: Web):
    web.post("/api/v1/jobs", json=BODY)
    web.work()
    before = show_first(web)
    assert (before["hard"], before["state"]) == (1, "suggested")
    mute(web)
    web.work()
    muted = show_first(web)
    assert muted["hard"] == 0
    assert muted["score"] > before["score"]
    assert web.get("/api/v1/listings?state=hard").json["items"] == []
    put(web)
    web.work()
    assert show_first(web)["hard"] == 1


def test_a_job_works_by_the_rules_that_hold_and_is_other_work(web: Web):
    first = web.post("/api/v1/jobs", json=BODY)
    web.work()
    assert web.get(first.location).json["outcome"] == "improved"
    mute(web)
    second = web.post("/api/v1/jobs", json=BODY)
    web.work()
    assert web.get(second.location).json["outcome"] == "already_good"
    [plain], [muted] = query(web.deps, "SELECT body FROM app.brief ORDER BY created_at")
    assert "mutes" not in plain
    assert muted["mutes"] == [PROMO]
    assert plain["rules_digest"] != muted["rules_digest"]


def test_a_seller_s_own_words_may_say_what_they_muted(web: Web):
    job = web.post("/api/v1/jobs", json=BODY)
    web.work()
    suggestion = web.get(job.location).json["suggestion_id"]
    path = f"/api/v1/suggestions/{suggestion}/decisions"
    edit = {"decisions": {"title": {"edit": f"{TITLE}, Unframed"}}}
    refused = web.post(path, json=edit)
    assert refused.status_code == 422
    assert PROMO in refused.text
    mute(web)
    assert web.post(path, json=edit).status_code == 200
    assert show_first(web)["hard"] == 0


def test_an_import_heeds_the_store_and_has_mutes_of_its_own(web: Web):
    mute(web)
    own = json.dumps({"wmt.title.year": "Years are editions"})
    path = upload(web, CSV, channel="walmart", mutes=own).location
    web.work()
    web.post(f"{path}/confirm")
    web.work()
    shown = web.get(path).json
    assert shown["muted"] == {PROMO: SAID, "wmt.title.year": "Years are editions"}
    counts = shown["progress"]["counts"]
    assert (counts["already_good"], counts["muted"], counts["hard_before"]) == (2, 1, 0)


def test_what_one_import_mutes_holds_for_no_other(web: Web):
    own = json.dumps({PROMO: SAID})
    path = upload(web, CSV, channel="walmart", mutes=own).location
    web.work()
    web.post(f"{path}/confirm")
    web.work()
    counts = web.get(path).json["progress"]["counts"]
    assert (counts["already_good"], counts["muted"]) == (2, 1)
    assert web.get(PATH).json["mutes"] == []
    again = upload(web, CSV, channel="walmart").location
    web.work()
    web.post(f"{again}/confirm")
    web.work()
    assert web.get(again).json["progress"]["counts"]["improved"] == 1


def test_an_import_that_mutes_another_channel_s_rule_says_so(web: Web):
    path = upload(web, CSV, channel="ebay", mutes=json.dumps({PROMO: SAID})).location
    web.work()
    shown = web.get(path).json
    assert shown["state"] == "failed"
    assert (shown["error"]["field"], PROMO in shown["error"]["message"]) == ("mutes.rule", True)


@pytest.mark.parametrize("text", ["[]", "{", '{"nope": "x"}', '{"wmt.title.promo": ""}'])
def test_an_import_s_bad_mutes_are_refused_at_once(web: Web, text):
    answer = upload(web, CSV, channel="walmart", mutes=text)
    assert answer.status_code == 422
    assert answer.json["errors"][0]["pointer"].startswith("#/mutes")


def test_an_audit_counts_what_the_seller_muted_apart(web: Web):
    mute(web)
    form = {"file": (io.BytesIO(CSV.encode()), "shop.csv"), "channel": "walmart"}
    found = web.post("/api/v1/audits", data=form, content_type="multipart/form-data").json
    assert PROMO not in found["counts"]["by_rule"]
    assert found["muted"] == [{"rule": PROMO, "reason": SAID, "findings": 1}]


def test_another_seller_s_mutes_are_their_own(web: Web):
    mute(web)
    web.key = web.make_other_key()
    assert web.get(PATH).json["mutes"] == []
    web.post("/api/v1/jobs", json=BODY)
    assert PROMO in rules_of(show_first(web)["findings"])


def test_a_rule_that_is_gone_is_forgotten_and_hinders_nothing(web: Web):
    mute(web)
    execute(
        web.deps,
        """UPDATE app.store SET mutes = mutes || '[{"rule": "wmt.gone", "reason": "x",
        "since": "2026-01-01"}]'""",
    )
    add_mute(web.deps, web.seller.id, "walmart", rule="wmt.title.year", reason="x")
    rules = [one.rule for one in get_mutes(web.deps, web.seller.id, "walmart")]
    assert rules == ["wmt.title.year", PROMO]


class TestMeasuringAStore:
    """The job that measures a store anew."""

    @pytest.fixture
    def store(self, web: Web, monkeypatch):
        """Five listings that break the rule, and pages of two."""
        monkeypatch.setattr(services.remeasure, "PAGE", 2)
        rows = "".join(f'P-{n},"{TITLE}, no. {n}",Northfold\n' for n in range(5))
        upload(web, f"sku,title,brand\n{rows}", channel="walmart")
        web.work()
        return web

    def hard(self, web: Web) -> int:
        [(count,)] = query(web.deps, "SELECT sum(hard) FROM app.listing")
        return int(count)

    def test_all_pages_are_measured(self, store: Web):
        assert self.hard(store) == 5
        mute(store)
        store.work()
        assert self.hard(store) == 0

    def test_a_job_cut_short_goes_on_where_it_was(self, store: Web, monkeypatch):
        mute(store)
        monkeypatch.setattr(services.remeasure, "CLAIM_S", 0.0)
        [job_id] = list_claimable(store.deps)
        store.worker.run(job_id)
        assert self.hard(store) == 3
        [(cursor,)] = query(store.deps, "SELECT cursor FROM app.job WHERE id = :id", id=job_id)
        assert cursor["done"] == 2
        store.work()
        assert self.hard(store) == 0

    def test_a_listing_that_somebody_changes_just_then_is_measured_later(self, store: Web):
        mute(store)
        [job_id] = list_claimable(store.deps)
        [(busy,)] = query(store.deps, "SELECT id FROM app.listing ORDER BY id OFFSET 2 LIMIT 1")
        with store.deps.database.transaction(seller=store.seller.id) as session:
            listings.lock_listing(session, store.seller.id, busy)
            store.worker.run(job_id)
            assert self.hard(store) == 1
        execute(store.deps, "UPDATE app.job SET scheduled_at = clock_timestamp()")
        store.work()
        assert self.hard(store) == 0
        [(state,)] = query(store.deps, "SELECT state FROM app.job WHERE id = :id", id=job_id)
        assert state == "completed"

    def test_a_later_change_takes_the_place_of_one_that_waits(self, store: Web):
        mute(store)
        put(store)
        states = query(
            store.deps, "SELECT state FROM app.job WHERE kind = 'remeasure' ORDER BY created_at"
        )
        assert states == [("cancelled",), ("available",)]

    def test_saying_the_same_again_measures_nothing(self, store: Web):
        mute(store)
        store.work()
        mute(store)
        assert list_claimable(store.deps) == []

    def test_an_overtaken_worker_ends_nothing(self, store: Web):
        mute(store)
        [job_id] = list_claimable(store.deps)
        job = claim(store.worker, job_id)
        execute(store.deps, "UPDATE app.job SET claim_no = claim_no + 1 WHERE id = :id", id=job_id)
        run_remeasure(store.worker.deps, job)
        [(state,)] = query(store.deps, "SELECT state FROM app.job WHERE id = :id", id=job_id)
        assert state == "running"

    def test_a_store_without_listings_is_done_at_once(self, web: Web):
        put_mutes(web.deps, web.seller.id, "google", [{"rule": "gmc.title.promo", "reason": "x"}])
        assert run_all(web.worker.deps, web.worker) == 1
        assert query(web.deps, "SELECT kind, state FROM app.job") == [
            (JobKind.REMEASURE.value, "completed")
        ]

    def test_a_job_of_no_store_is_a_fault_of_ours_and_ends(self, web: Web):
        mute(web)
        [job_id] = list_claimable(web.deps)
        execute(web.deps, "UPDATE app.job SET subject_id = :x", x=new_id())
        web.worker.run(job_id)
        [(state,)] = query(web.deps, "SELECT state FROM app.job WHERE id = :id", id=job_id)
        assert state == "discarded"
