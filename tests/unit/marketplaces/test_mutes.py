"""Rules that a seller overrides: which may be, what it takes, and that nothing is forgotten."""

import dataclasses
import datetime as dt
import json

import pytest

from core.errors import InvalidFieldError
from domain.brief import Brief
from domain.findings import Level
from domain.listing import Listing
from domain.marketplaces.checker import check_listing, check_muted
from domain.marketplaces.mutes import (
    MAX_MUTES,
    MAX_REASON_CHARS,
    Mute,
    build_mutes,
    check_mute,
    list_mutable,
    parse_ignores,
    parse_reasons,
    require_channel,
)
from domain.marketplaces.rulebook import load_rulebook
from tests.support.briefs import DAY, make_brief

BOOK = load_rulebook()
RULES = [rule for rules in BOOK.rules_by_channel.values() for rule in rules]
PROMO = "wmt.title.promo"
SAID = "Free Shipping is the name of the band"
BAND = Listing(key="1", fields={"title": "Free Shipping Tour Poster, Northfold, 50 x 70 cm"})


def ids_of(findings):
    return [one.rule for one in findings]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_what_a_machine_counts_or_refuses_can_never_be_muted(rule):
    counted = {
        "max_length",
        "length_range",
        "max_count",
        "required",
        "allowed_charset",
        "html_policy",
    }
    if rule.level is Level.HARD and rule.kind in counted:
        assert not rule.can_be_muted
    if rule.checkable != "yes":
        assert not rule.can_be_muted


def test_word_checks_and_advice_can_be_muted_but_not_scripts_and_hidden_text():
    found = {rule.id: rule.can_be_muted for rule in RULES}
    assert found[PROMO]
    assert found["amz.all.contact"]
    assert found["etsy.title.words"]
    assert not found["ebay.desc.active"]
    assert not found["ebay.all.spam"]
    assert not found["gmc.title.private_use"]


def test_a_muted_rule_finds_nothing_and_its_breaches_are_shown_apart():
    rules = BOOK.select("walmart", as_of=DAY)
    muted = BOOK.select("walmart", as_of=DAY, mutes=(PROMO,))
    assert PROMO in ids_of(check_listing(BAND, rules))
    assert PROMO not in ids_of(check_listing(BAND, muted))
    [shown] = check_muted(BAND, muted)
    assert (shown.rule, shown.excerpt) == (PROMO, "Free Shipping")
    assert check_muted(BAND, rules) == ()


def test_what_is_muted_is_part_of_what_is_demanded():
    rules = BOOK.select("walmart", as_of=DAY)
    muted = BOOK.select("walmart", as_of=DAY, mutes=(PROMO, PROMO))
    assert muted.digest != rules.digest
    assert muted == BOOK.select("walmart", as_of=DAY, mutes=[PROMO])
    other = BOOK.select("walmart", as_of=DAY, mutes=("wmt.title.year",))
    assert len({muted.digest, rules.digest, other.digest}) == 3


@pytest.mark.parametrize("rule_id", ["wmt.title.max", "amz.title.promo", "nope", ""])
def test_what_may_not_be_muted_here_stays_in_force(rule_id):
    rules = BOOK.select("walmart", as_of=DAY)
    assert BOOK.select("walmart", as_of=DAY, mutes=(rule_id,)) is rules.without([rule_id])
    assert rules.without([rule_id]) is rules


def test_a_brief_without_mutes_is_the_same_work_as_before_there_were_any():
    brief, _ = make_brief(BAND, "walmart")
    assert "mutes" not in brief.to_json()
    assert Brief.from_json(brief.to_json()) == brief
    muted = dataclasses.replace(brief, mutes=(PROMO,))
    assert muted.digest != brief.digest
    assert Brief.from_json(json.loads(json.dumps(muted.to_json()))) == muted


def test_a_mute_keeps_its_day_when_it_is_said_again():
    earlier = [Mute(rule=PROMO, reason="old", since=dt.date(2026, 1, 2))]
    [kept, new] = build_mutes(
        [(PROMO, f"  {SAID} "), ("wmt.title.year", "A year of birth")],
        channel="walmart",
        earlier=earlier,
        day=DAY,
    )
    assert kept == Mute(rule=PROMO, reason=SAID, since=dt.date(2026, 1, 2))
    assert new.since == DAY
    assert Mute.from_json(kept.to_json()) == kept


@pytest.mark.parametrize(
    ("wanted", "field", "says"),
    [
        ([("nope", SAID)], "mutes.0.rule", "no rule 'nope' of walmart"),
        ([("amz.title.promo", SAID)], "mutes.0.rule", "of walmart"),
        ([(PROMO, SAID), ("wmt.title.max", SAID)], "mutes.1.rule", "own machine enforces"),
        ([(PROMO, " ")], "mutes.0.reason", "without a reason"),
        ([(PROMO, "a\x00b")], "mutes.0.reason", "one line"),
        ([(PROMO, "a\nb")], "mutes.0.reason", "one line"),
        ([(PROMO, "\ud800")], "mutes.0.reason", "one line"),
        ([(PROMO, "x" * (MAX_REASON_CHARS + 1))], "mutes.0.reason", "at most"),
        ([(PROMO, SAID), (PROMO, SAID)], "mutes.1.rule", "twice"),
        ([(PROMO, SAID)] * (MAX_MUTES + 1), "mutes", "too many"),
        ([("x" * 10_000_000, SAID)], "mutes.0.rule", "there is no rule"),
    ],
)
def test_a_bad_mute_names_field_reason_and_remedy(wanted, field, says):
    with pytest.raises(InvalidFieldError) as caught:
        build_mutes(wanted, channel="walmart", day=DAY)
    fault = caught.value
    assert (fault.field, bool(fault.remedy)) == (field, True)
    assert says in fault.message
    assert len(str(fault)) < 2000


def test_the_remedy_for_an_unknown_rule_names_those_there_are():
    with pytest.raises(InvalidFieldError) as caught:
        check_mute("nope", SAID, channel="walmart")
    assert all(one in caught.value.remedy for one in list_mutable("walmart"))


def test_a_command_line_says_rule_and_reason():
    assert parse_ignores([f"{PROMO}={SAID} = so"]) == {PROMO: f"{SAID} = so"}
    for bad in (PROMO, f"{PROMO}=", "=x", "nope=x", "wmt.title.max=x"):
        with pytest.raises(InvalidFieldError, match="--ignore"):
            parse_ignores([bad])


def test_an_upload_says_them_as_an_object():
    assert parse_reasons("  ") == {}
    assert parse_reasons(json.dumps({PROMO: SAID})) == {PROMO: SAID}
    for bad in ("[]", "{", "7", '{"a": 1}', '{"wmt.title.promo": ""}', "[" * 100_000):
        with pytest.raises(InvalidFieldError):
            parse_reasons(bad)


def test_rules_of_another_channel_cannot_be_muted_in_silence():
    require_channel({PROMO: SAID}, "walmart")
    with pytest.raises(InvalidFieldError, match="of ebay"):
        require_channel({PROMO: SAID}, "ebay")
