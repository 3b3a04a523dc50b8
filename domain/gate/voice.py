"""The part of the gate that keeps to the seller's voice: words to avoid, spellings of brands."""

from __future__ import annotations

from collections.abc import Iterator

from domain.brief import Brief, Mode
from domain.facts import read_text
from domain.findings import Check, Refusal
from domain.listing import Fields, TextValue
from domain.voice import find_spellings, find_word


def judge_voice(name: str, value: TextValue, brief: Brief, *, own_text: str) -> list[Refusal]:
    """Why a proposed field is against the seller's voice.

    ``own_text`` is everything the row says: a spelling that stands there is the seller's own.
    """
    text = read_text(value)
    return [
        Refusal(field=name, check=Check.VOICE, message=message, excerpt=excerpt)
        for message, excerpt in (
            *_iter_avoided(name, text, brief),
            *_iter_misspelt(text, brief, own_text=own_text),
        )
    ]


def list_avoided_left(brief: Brief, accepted: Fields) -> list[Refusal]:
    """One note for each avoided word that stays in an accepted text, where rules left it."""
    return [
        Refusal(
            field=name,
            check=Check.VOICE,
            message=f"“{found[0]}” stays: without it the text would not read well.",
            excerpt=found[0],
        )
        for name, value in accepted.items()
        for word in brief.avoid
        if (found := find_word(word, read_text(value)))
    ]


def _iter_avoided(name: str, text: str, brief: Brief) -> Iterator[tuple[str, str]]:
    """In ``fix``, the smallest edit may leave such a word standing, but never add one."""
    before = brief.listing.text(name) if brief.mode is Mode.FIX else ""
    for word in brief.avoid:
        found = find_word(word, text)
        if len(found) > len(find_word(word, before)):
            yield f"You do not want the word “{word}”.", found[-1]


def _iter_misspelt(text: str, brief: Brief, *, own_text: str) -> Iterator[tuple[str, str]]:
    for brand in brief.brands:
        for spelling in find_spellings(brand, text):
            if spelling not in brief.brands and spelling not in own_text:
                yield f"The brand is spelt “{brand}”, not “{spelling}”.", spelling
                break
