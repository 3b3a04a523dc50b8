"""The gate: judges every proposed field, and lets through only what is right, true and whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from domain.brief import Brief
from domain.facts import (
    Evidence,
    LostFact,
    find_evidence,
    find_lost_among,
    find_unsupported,
    list_demanded,
    read_text,
)
from domain.facts.index import SourceIndex, build_index
from domain.facts.roles import find_misplaced
from domain.findings import Check, Level, Refusal
from domain.gate.voice import judge_voice
from domain.listing import LIST_FIELDS, TEXT_FIELDS, Fields, Listing, TextValue, is_blank
from domain.marketplaces.checker import check_field, check_listing
from domain.marketplaces.rule import RuleSet
from domain.orders import without_orders
from domain.refusals import find_meta_text
from domain.text import SAFE_TAGS, clean_html, html_to_text, is_html, strip_controls, text_to_html
from domain.touchable import find_touchable


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the gate let through, what it refused and why, and where the facts stand in the row.

    A proposed field that equals the seller's own is in neither: it is no change.
    """

    accepted: dict[str, TextValue]
    refused: tuple[Refusal, ...]
    evidence: Mapping[str, tuple[Evidence, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Court:
    """What every field is judged by, gathered once; ``source`` is the row as evidence."""

    brief: Brief
    source: Listing
    rules: RuleSet
    index: SourceIndex
    own_text: str
    passages: tuple[str, ...]
    touchable: frozenset[str]


def judge(proposal: Fields, brief: Brief, rules: RuleSet) -> Verdict:
    """Judge each proposed field by itself, then whether the facts of the title survive together."""
    if not proposal:
        return Verdict(accepted={}, refused=())
    court = _build_court(brief, rules)
    accepted: dict[str, TextValue] = {}
    refused: list[Refusal] = []
    for name, proposed in proposal.items():
        value = clean_value(name, proposed, listing=brief.listing, rules=rules)
        if value == _tidy(brief.listing.fields.get(name)):
            continue
        refusals = _judge_field(name, value, court)
        refused.extend(refusals)
        if not refusals:
            accepted[name] = value
    lost = _judge_loss(accepted, court.source, rules)
    if lost:
        del accepted["title"]
    evidence = {
        name: find_evidence(read_text(value), court.source, index=court.index)
        for name, value in accepted.items()
    }
    return Verdict(accepted=accepted, refused=(*refused, *lost), evidence=evidence)


def _build_court(brief: Brief, rules: RuleSet) -> _Court:
    listing, source = brief.listing, without_orders(brief.listing)
    own = [*map(source.text, source.fields), *source.attributes.values()]
    return _Court(
        brief=brief,
        source=source,
        rules=rules,
        index=build_index(source),
        own_text="\n".join(own),
        passages=list_passages(source),
        touchable=frozenset(find_touchable(brief, check_listing(listing, rules))),
    )


def list_passages(source: Listing) -> tuple[str, ...]:
    """The row's texts as plain text, each value of a column with the column's name before it."""
    texts = (read_text(value) for value in source.fields.values())
    values = (f"{name}: {value}" for name, value in source.attributes.items())
    return (*texts, *values)


def clean_value(name: str, value: TextValue, *, listing: Listing, rules: RuleSet) -> TextValue:
    """A proposed value without control characters, foreign markup and empty items."""
    if not isinstance(value, str):
        items = (strip_controls(item).strip() for item in value)
        return tuple(item for item in items if item)
    text = strip_controls(value).strip()
    if name not in listing.html_fields:
        return html_to_text(text) if is_html(text) and not is_html(listing.text(name)) else text
    allowed, attributes = find_markup(name, rules)
    if not allowed:
        return html_to_text(text)
    markup = text if is_html(text) else text_to_html(text)
    return clean_html(markup, allowed=allowed, attributes=attributes)


def find_markup(name: str, rules: RuleSet) -> tuple[frozenset[str], bool]:
    """The tags a field may hold on this channel, and whether they may have attributes."""
    for rule in rules.for_field(name):
        if rule.kind == "html_policy" and rule.level is Level.HARD:
            allowed = frozenset(rule.texts("allow")) & SAFE_TAGS
            return allowed, rule.flag("attributes", default=True)
    return SAFE_TAGS, True


def _tidy(value: TextValue | None) -> TextValue | None:
    if value is None or isinstance(value, str):
        return value if value is None else strip_controls(value).strip()
    return tuple(item.strip() for item in value if item.strip())


def _judge_field(name: str, value: TextValue, court: _Court) -> list[Refusal]:
    """Shape first, then rules, then what the text says: each only where the one before passes."""
    shape = _judge_shape(name, value, court)
    if shape:
        return [shape]
    broken = _judge_rules(name, value, court)
    return broken or [
        *_judge_facts(name, value, court),
        *_judge_roles(name, value, court),
        *_judge_meta(name, value, court),
        *judge_voice(name, value, court.brief, own_text=court.own_text),
    ]


def _judge_shape(name: str, value: TextValue, court: _Court) -> Refusal | None:
    brief = court.brief
    if name not in TEXT_FIELDS or name not in brief.listing.fields:
        return Refusal(field=name, check=Check.SHAPE, message="The listing has no such field.")
    if name in brief.locks or (brief.touch and name not in brief.touch):
        return Refusal(field=name, check=Check.LOCKED, message="The seller keeps this field.")
    if name not in court.touchable:
        message = f"Mode {brief.mode.value} leaves this field as it is."
        return Refusal(field=name, check=Check.LOCKED, message=message)
    if isinstance(value, str) == (name in LIST_FIELDS):
        wanted = "a list of texts" if name in LIST_FIELDS else "one text"
        return Refusal(field=name, check=Check.SHAPE, message=f"This field is {wanted}.")
    if is_blank(value):
        return Refusal(field=name, check=Check.SHAPE, message="The proposed text is empty.")
    return None


def _judge_rules(name: str, value: TextValue, court: _Court) -> list[Refusal]:
    findings = check_field(name, value, court.brief.listing, court.rules)
    return [
        Refusal(field=name, check=Check.RULE, message=f.message, rule=f.rule, excerpt=f.excerpt)
        for f in findings
        if f.level is Level.HARD
    ]


def _judge_facts(name: str, value: TextValue, court: _Court) -> list[Refusal]:
    unsupported = find_unsupported({name: value}, court.source, index=court.index)
    return [
        Refusal(
            field=name,
            check=Check.FACT,
            message=f"“{fact.text}” ({fact.kind}) stands nowhere in the row.",
            excerpt=fact.text,
        )
        for fact in unsupported
    ]


def _judge_roles(name: str, value: TextValue, court: _Court) -> list[Refusal]:
    return [
        Refusal(
            field=name,
            check=Check.FACT,
            message=f"In the row “{found.text}” {found.reason}.",
            excerpt=found.text,
        )
        for found in find_misplaced(read_text(value), court.passages)
    ]


def _judge_meta(name: str, value: TextValue, court: _Court) -> list[Refusal]:
    same = court.source.text(name)
    meta = find_meta_text(read_text(value), own=court.own_text, same=same)
    if meta is None:
        return []
    message = f"The text {meta.message}."
    return [Refusal(field=name, check=Check.REFUSAL_TEXT, message=message, excerpt=meta.excerpt)]


def _judge_loss(accepted: Fields, source: Listing, rules: RuleSet) -> list[Refusal]:
    if "title" not in accepted:
        return []
    demanded = list_kept_facts(source, rules)
    lost = find_lost_among(demanded, source.with_fields(accepted))
    return [
        Refusal(
            field="title",
            check=Check.LOST_FACT,
            message=f"“{fact.text}” ({fact.kind}) of the title would be lost.",
            excerpt=fact.text,
        )
        for fact in lost
    ]


def list_kept_facts(listing: Listing, rules: RuleSet) -> tuple[LostFact, ...]:
    """What a new title must keep: facts that fit its limit and break no rule themselves."""
    demanded = list_demanded(listing, limit=rules.max_length("title"))
    return tuple(fact for fact in demanded if _is_allowed(fact, listing, rules))


def _is_allowed(fact: LostFact, listing: Listing, rules: RuleSet) -> bool:
    findings = check_field("title", fact.text, listing, rules)
    short = {"length_range", "min_length", "min_words"}
    kinds = {rule.id: rule.kind for rule in rules.for_field("title")}
    hard = [f for f in findings if f.level is Level.HARD and kinds.get(f.rule) not in short]
    return not hard
