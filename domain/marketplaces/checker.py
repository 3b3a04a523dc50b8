"""The one checker: what a listing breaks, under the rules in force."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from domain.findings import Finding
from domain.listing import TEXT_FIELDS, Listing, TextValue
from domain.marketplaces.attributes import list_attribute_values
from domain.marketplaces.kinds import build_check
from domain.marketplaces.names import OwnNames
from domain.marketplaces.rule import Rule, RuleSet
from domain.marketplaces.subject import Breach, Check, Subject
from domain.marketplaces.wording import word_breach

EVERY_TEXT = "*"
"""The field of a rule that holds for each of TEXT_FIELDS."""

_LONGEST_EXCERPT = 200
"""Characters; an excerpt is a beginning of the offending part, never a whole description."""


@dataclass(frozen=True, slots=True)
class _Step:
    rule: Rule
    check: Check
    source: str

    def word(self, breach: Breach, name: str) -> Finding:
        """What to say about a breach of the field ``name``."""
        message, remedy = word_breach(self.rule, breach)
        return Finding(
            rule=self.rule.id,
            field=name,
            level=breach.level or self.rule.level,
            message=message,
            remedy=remedy,
            source=self.source,
            item=breach.item,
            excerpt=breach.excerpt[:_LONGEST_EXCERPT],
        )


@dataclass(frozen=True, slots=True)
class _Plan:
    """The checks of a rule set, made once: those of each text field, those of attributes."""

    texts: Mapping[str, tuple[_Step, ...]]
    attributes: Mapping[str, tuple[_Step, ...]]


def check_listing(listing: Listing, rules: RuleSet) -> tuple[Finding, ...]:
    """Every breach, in the order of TEXT_FIELDS, then by rule; attributes come last.

    A field that the file has no column for is not judged (``list_unchecked`` names it once).
    """
    plan = _plan(rules)
    names = OwnNames.of(listing)
    found: list[Finding] = []
    for name, steps in plan.texts.items():
        if name in listing.fields:
            found += _run(steps, Subject(name, listing.fields[name], listing, names=names))
    for name, steps in plan.attributes.items():
        for value in list_attribute_values(listing, name):
            found += _run(steps, Subject(name, value, listing, names=names))
    return tuple(found)


def check_muted(listing: Listing, rules: RuleSet) -> tuple[Finding, ...]:
    """The breaches of the rules that the seller muted: to be shown, and to change nothing."""
    return check_listing(listing, _only_muted(rules)) if rules.muted else ()


@lru_cache(maxsize=512)
def _only_muted(rules: RuleSet) -> RuleSet:
    return replace(rules, rules=rules.muted, muted=())


def check_field(
    name: str, value: TextValue, listing: Listing, rules: RuleSet
) -> tuple[Finding, ...]:
    """What ``value`` would break if it stood in the listing's field ``name``."""
    steps = _plan(rules).texts.get(name, ())
    return tuple(_run(steps, Subject(name, value, listing.with_fields({name: value}))))


def list_unchecked(rules: RuleSet, columns: Collection[str]) -> tuple[str, ...]:
    """One note for each text field that has rules but no column in the file."""
    plan = _plan(rules)
    own = {
        name: sum(step.rule.field == name for step in steps) for name, steps in plan.texts.items()
    }
    return tuple(
        f"{name}: the file has no such column; {count} {'rule was' if count == 1 else 'rules were'}"
        " not checked"
        for name, count in own.items()
        if count and name not in columns
    )


def _run(steps: tuple[_Step, ...], subject: Subject) -> list[Finding]:
    return [step.word(breach, subject.name) for step in steps for breach in step.check(subject)]


@lru_cache(maxsize=512)
def _plan(rules: RuleSet) -> _Plan:
    steps = [
        _Step(rule, build_check(rule), rule.cite(rules.as_of))
        for rule in rules.rules
        if rule.checkable == "yes"
    ]
    texts = {
        name: tuple(step for step in steps if step.rule.field in {name, EVERY_TEXT})
        for name in TEXT_FIELDS
    }
    others = dict.fromkeys(step.rule.field for step in steps)
    attributes = {
        name: tuple(step for step in steps if step.rule.field == name)
        for name in others
        if name not in TEXT_FIELDS and name != EVERY_TEXT
    }
    return _Plan({name: found for name, found in texts.items() if found}, attributes)
