"""docs/rules.md is what the rule files say."""

import dataclasses
import datetime as dt
import re
import textwrap
from pathlib import Path

import pytest
import yaml

from domain.marketplaces.document import build_rules_page, describe_rule
from domain.marketplaces.kinds import build_check
from domain.marketplaces.rule_files import build_rule, read_vocabulary
from domain.marketplaces.rulebook import Source, load_rulebook
from domain.marketplaces.subject import Subject
from tests.unit.marketplaces.rule_cases import listing

DOCS = Path(__file__).resolve().parents[3] / "docs"
PAGE = DOCS / "rules.md"
HOWTO = DOCS / "howto" / "add-a-channel.md"
BOOK = load_rulebook()
RULES = [rule for rules in BOOK.rules_by_channel.values() for rule in rules]


def test_the_committed_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == build_rules_page(BOOK), (
        "run: python -m domain.marketplaces.document > docs/rules.md"
    )


def test_every_rule_is_on_the_page_once() -> None:
    page = build_rules_page(BOOK)
    assert {rule.id: page.count(f"| `{rule.id}` |") for rule in RULES} == {
        rule.id: 1 for rule in RULES
    }


def test_every_rule_says_what_it_demands() -> None:
    assert all("None" not in describe_rule(rule) for rule in RULES)
    assert all(describe_rule(rule) for rule in RULES)


def test_the_rule_of_the_walk_through_works() -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", HOWTO.read_text(encoding="utf-8"), re.DOTALL)
    page, entries = (yaml.safe_load(textwrap.dedent(block)) for block in blocks)
    sources = {name: Source(**entry) for name, entry in page.items()}
    rule = build_rule(
        {"channel": "ebay", **entries[0]}, sources=sources, vocabulary=read_vocabulary()
    )
    assert rule.effective_from == dt.date(2027, 3, 1)
    assert describe_rule(rule) == "none of `!`"
    check = build_check(rule)
    row = listing()
    assert list(check(Subject("subtitle", "With lid", row))) == []
    assert [breach.excerpt for breach in check(Subject("subtitle", "With lid!", row))] == ["!"]


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"source": ["nowhere"]}, "ebay.yaml, rule 'x'"),
        ({"lists": ["nothing_en"]}, "nothing_en"),
        ({"patterns": ["nothing"]}, "nothing"),
        ({"level": "loud"}, "loud"),
    ],
)
def test_a_mistake_in_a_rule_file_is_named(entry: dict[str, object], message: str) -> None:
    whole = {
        "channel": "ebay",
        "id": "x",
        "field": "title",
        "kind": "required",
        "level": "hard",
        "checkable": "yes",
        "source": ["page"],
    }
    with pytest.raises(ValueError, match=message):
        build_rule(
            {**whole, **entry},
            sources={"page": Source(title="A page", how="official")},
            vocabulary=read_vocabulary(),
        )


def test_an_unknown_kind_is_named() -> None:
    rule = dataclasses.replace(RULES[0], kind="no_such_kind")
    with pytest.raises(ValueError, match="no check for the kind"):
        build_check(rule)
