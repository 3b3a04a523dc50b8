"""The gate lets through what is right, true and whole, and says why it refuses."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

from domain.brief import Brief, Mode
from domain.findings import Check
from domain.gate import judge
from domain.listing import Listing, TextValue
from domain.marketplaces.rule import RuleSet
from domain.marketplaces.rulebook import load_rulebook

DAY = dt.date(2026, 11, 22)
ROW = Listing(
    key="b1",
    fields={
        "title": "FREE SHIPPING!! Brightwater Steel Bottle 750 ml, Blue",
        "description": "<p>Keeps drinks cold. 18/8 steel.</p>",
        "tags": ("bottle",),
        "bullets": (),
    },
    attributes={"brand": "Brightwater", "product_type": "Bottles", "color": "Blue"},
    html_fields=frozenset({"description"}),
)
GOOD_TITLE = "Brightwater Steel Bottle 750 ml, Blue"


def build_brief(channel: str = "amazon", **wishes: Any) -> Brief:
    rules = select(channel)
    brief = Brief(
        listing=ROW,
        channel=channel,
        as_of=DAY,
        rules_digest=rules.digest,
        prompt_version="1",
        mode=Mode.REWRITE,
    )
    return replace(brief, **wishes)


def select(channel: str) -> RuleSet:
    return load_rulebook().select(channel, as_of=DAY)


def list_checks(proposal: dict[str, TextValue], **wishes: Any) -> list[tuple[str, Check]]:
    verdict = judge(proposal, build_brief(**wishes), select("amazon"))
    assert not set(verdict.accepted) & {refusal.field for refusal in verdict.refused}
    return [(refusal.field, refusal.check) for refusal in verdict.refused]


def test_a_good_title_passes_with_its_evidence() -> None:
    verdict = judge({"title": GOOD_TITLE}, build_brief(), select("amazon"))
    assert verdict.accepted == {"title": GOOD_TITLE}
    assert verdict.refused == ()
    assert ("750 ml", "title") in {(e.fact.text, e.column) for e in verdict.evidence["title"]}


def test_the_sellers_own_text_is_no_change() -> None:
    verdict = judge({"tags": ("bottle",)}, build_brief(), select("amazon"))
    assert (verdict.accepted, verdict.refused) == ({}, ())


def test_a_broken_rule_is_named() -> None:
    proposal: dict[str, TextValue] = {"title": f"{GOOD_TITLE} best price ever"}
    (refusal,) = judge(proposal, build_brief(), select("amazon")).refused
    assert (refusal.check, refusal.rule) == (Check.RULE, "amz.title.promo")
    assert refusal.excerpt == "best price"


def test_an_invented_fact_is_refused() -> None:
    assert list_checks({"title": "Brightwater Steel Bottle 500 ml 750 ml, Blue"}) == [
        ("title", Check.FACT)
    ]


def test_a_lost_fact_is_refused_unless_it_moved() -> None:
    assert list_checks({"title": "Brightwater Steel Bottle, Blue"}) == [("title", Check.LOST_FACT)]
    moved: dict[str, TextValue] = {
        "title": "Brightwater Steel Bottle, Blue",
        "tags": ("750 ml bottle",),
    }
    assert list_checks(moved) == []


def test_wrong_shapes_are_refused() -> None:
    proposal: dict[str, TextValue] = {
        "title": ("a", "b"),
        "tags": "bottle, blue",
        "description": " ",
        "price": "9.99",
        "seo_title": "Bottle",
    }
    assert {check for _, check in list_checks(proposal)} == {Check.SHAPE}
    assert len(list_checks(proposal)) == len(proposal)


def test_locks_and_limits_hold() -> None:
    assert list_checks({"title": GOOD_TITLE}, locks=("title",)) == [("title", Check.LOCKED)]
    assert list_checks({"title": GOOD_TITLE}, touch=("tags",)) == [("title", Check.LOCKED)]


def test_fix_leaves_a_field_without_finding_alone() -> None:
    proposal: dict[str, TextValue] = {"title": GOOD_TITLE, "tags": ("steel bottle",)}
    assert list_checks(proposal, mode=Mode.FIX) == [("tags", Check.LOCKED)]


def test_a_refusal_never_becomes_a_title() -> None:
    proposal: dict[str, TextValue] = {"description": "<p>As an AI language model I cannot</p>"}
    verdict = judge(proposal, build_brief("ebay"), select("ebay"))
    assert Check.REFUSAL_TEXT in {refusal.check for refusal in verdict.refused}
    assert verdict.accepted == {}


def test_markup_follows_the_field() -> None:
    proposal: dict[str, TextValue] = {
        "description": '<p onclick="x()">Cold drinks.</p><script>steal()</script>\x00'
    }
    verdict = judge(proposal, build_brief("ebay"), select("ebay"))
    assert verdict.accepted == {"description": "<p>Cold drinks.</p>"}


def test_plain_text_stays_plain() -> None:
    verdict = judge({"title": f"<b>{GOOD_TITLE}</b>"}, build_brief(), select("amazon"))
    assert verdict.accepted == {"title": GOOD_TITLE}
