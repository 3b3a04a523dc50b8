"""The rules engine: repairs what rules can repair from the row's own words, invents nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from domain.brief import Brief, Mode
from domain.facts import find_unsupported, list_required
from domain.findings import Level
from domain.gate import clean_value, judge, list_kept_facts
from domain.language import find_language
from domain.listing import LIST_FIELDS, Fields, Listing, TextValue, is_blank
from domain.marketplaces.checker import check_field, check_listing
from domain.marketplaces.rule import RuleSet
from domain.rewrite.fill import (
    fill_bullets,
    fill_search_terms,
    fill_seo_description,
    fill_seo_title,
    fill_tags,
)
from domain.rewrite.repair import Patient, repair_text
from domain.touchable import find_touchable

__all__ = ["find_touchable", "is_already_good", "mend_proposal", "propose"]

_MOST_PASSES: Final = 4
_FEWEST_BULLETS: Final = 3


def propose(brief: Brief, rules: RuleSet) -> dict[str, TextValue]:
    """The fields that rules can make better, each fit to pass the gate; {} when there are none.

    Works on its own result until a further pass changes nothing, so that a second run is idle.
    """
    current = brief
    changed: dict[str, TextValue] = {}
    passes = 0
    while passes < _MOST_PASSES:
        verdict = judge(_draft(current, rules), current, rules)
        if not verdict.accepted:
            break
        passes += 1
        changed.update(verdict.accepted)
        current = replace(brief, listing=brief.listing.with_fields(changed))
    # What one pass made was judged against the seller's own row; what several made was not.
    return changed if passes <= 1 else judge(changed, brief, rules).accepted


def mend_proposal(proposal: Fields, brief: Brief, rules: RuleSet) -> dict[str, TextValue]:
    """Another author's texts mended as far as rules can mend them; only those that changed.

    What they state is not looked at: the gate judges the mended text like any other.
    """
    own = brief.listing
    texts = {
        name: clean_value(name, value, listing=own, rules=rules)
        for name, value in proposal.items()
        if name in own.fields and isinstance(value, str) != (name in LIST_FIELDS)
    }
    draft = own.with_fields(texts)
    mended = {
        name: _mend(value, replace(_admit(name, brief, rules), listing=draft, advice=False))
        for name, value in texts.items()
    }
    return {
        name: value
        for name, value in mended.items()
        if value != texts[name] and not is_blank(value)
    }


def _mend(value: TextValue, patient: Patient) -> TextValue:
    if isinstance(value, str):
        return repair_text(value, patient) if value.strip() else value
    return _repair_items(value, patient)


def is_already_good(brief: Brief, rules: RuleSet) -> bool:
    """Whether the mode leaves nothing to do: no field may be touched or none needs it."""
    return not find_touchable(brief, check_listing(brief.listing, rules))


def _draft(brief: Brief, rules: RuleSet) -> dict[str, TextValue]:
    """One pass over the touchable fields."""
    listing = brief.listing
    drafted: dict[str, TextValue] = {}
    for name in find_touchable(brief, check_listing(listing, rules)):
        value = _rewrite(name, brief, rules)
        if value != listing.fields[name] and not is_blank(value):
            drafted[name] = value
    return drafted


def _rewrite(name: str, brief: Brief, rules: RuleSet) -> TextValue:
    return _mend(_fill(name, brief, rules), _admit(name, brief, rules))


def _admit(name: str, brief: Brief, rules: RuleSet) -> Patient:
    listing = brief.listing
    return Patient(
        name=name,
        listing=listing,
        rules=rules,
        language=find_language(f"{listing.text('title')} {listing.text('description')}"),
        facts=list_kept_facts(listing, rules) if name == "title" else (),
        wishes=list_required(listing) if name == "title" else (),
        advice=brief.mode is not Mode.FIX,
        avoid=brief.avoid,
    )


def _fill(name: str, brief: Brief, rules: RuleSet) -> TextValue:
    """The seller's own value, or one from the row where it is empty and may be filled."""
    listing = brief.listing
    own = listing.fields[name]
    if name == "bullets" and _lacks_bullets(own):
        found = dict.fromkeys((*(own if isinstance(own, tuple) else ()), *fill_bullets(listing)))
        return tuple(found) if len(found) >= _FEWEST_BULLETS else own
    if brief.mode is Mode.FIX:
        return own
    if name == "tags":
        return fill_tags(listing, rules)
    return own if not is_blank(own) else _fill_empty(name, listing, rules) or own


def _lacks_bullets(own: TextValue) -> bool:
    return isinstance(own, tuple) and len([item for item in own if item.strip()]) < _FEWEST_BULLETS


def _fill_empty(name: str, listing: Listing, rules: RuleSet) -> str:
    if name == "seo_title":
        return fill_seo_title(listing, rules)
    if name == "seo_description":
        return fill_seo_description(listing, rules)
    return fill_search_terms(listing) if name == "search_terms" else ""


def _repair_items(items: tuple[str, ...], patient: Patient) -> tuple[str, ...]:
    """Each item mended by itself; hopeless, empty and doubled ones go, surplus ones too."""
    kept: dict[str, str] = {}
    for item in items:
        mended = repair_text(item, patient)
        if mended.strip() and not _is_broken(mended, patient) and _is_true(item, mended, patient):
            kept.setdefault(" ".join(mended.casefold().split()), mended)
    most = patient.rules.max_items(patient.name)
    return tuple(kept.values())[:most]


def _is_true(item: str, mended: str, patient: Patient) -> bool:
    """Whether a mended item still says what the row says ("1/8" is not "1 8")."""
    return mended == item or not find_unsupported({patient.name: (mended,)}, patient.listing)


def _is_broken(item: str, patient: Patient) -> bool:
    found = check_field(patient.name, (item,), patient.listing, patient.rules)
    return any(f.level is Level.HARD and f.item is not None for f in found)
