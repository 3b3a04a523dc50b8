"""Every rule that text decides passes its good listing and fails its bad one."""

import datetime as dt

import pytest

from domain.listing import Listing
from domain.marketplaces.checker import check_listing
from domain.marketplaces.rulebook import Rule, RuleSet, load_rulebook
from tests.unit.marketplaces.rule_cases import CASES

BOOK = load_rulebook()
RULES = {rule.id: rule for rules in BOOK.rules_by_channel.values() for rule in rules}
DECIDED = {rule_id for rule_id, rule in RULES.items() if rule.checkable == "yes"}


def select_for(rule: Rule) -> RuleSet:
    as_of = rule.effective_to or dt.date(2026, 11, 22)
    category = "Books" if "media" in rule.only_category else ""
    return BOOK.select(rule.channel, as_of=as_of, category=category)


def broken(rule: Rule, listing: Listing) -> list[str]:
    found = check_listing(listing, select_for(rule))
    return [finding.level for finding in found if finding.rule == rule.id]


def test_every_decidable_rule_has_a_case() -> None:
    assert set(CASES) == DECIDED


@pytest.mark.parametrize("rule_id", sorted(CASES))
def test_good_passes_and_bad_fails(rule_id: str) -> None:
    rule = RULES[rule_id]
    good, bad = CASES[rule_id]
    assert broken(rule, good) == []
    assert rule.level in broken(rule, bad)
