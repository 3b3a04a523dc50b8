"""Calms capitals: words that shout become words, acronyms, models and names stay."""

from __future__ import annotations

import regex

from domain.facts.lexicon import is_common, states_plainly
from domain.facts.nouns import is_noun
from domain.listing import Listing
from domain.marketplaces.check_capitals import list_shouted
from domain.marketplaces.names import OwnNames
from domain.marketplaces.words import load_lexicon
from domain.text import list_words

_CAPITALS = regex.compile(r"(?<![\p{L}\p{N}])\p{Lu}[\p{Lu}'\u2019]*\p{Lu}(?![\p{L}\p{N}])")
_RUN = regex.compile(r"(?<![\p{L}\p{N}])(?:[\p{Lu}\p{N}][\p{Lu}\p{N}'\u2019]*\W*)+(?![\p{L}\p{N}])")
_WIGGLE = regex.compile(r"\b(?:\p{Ll}\p{Lu}){2,}\p{L}*|\b(?:\p{Lu}\p{Ll}){3,}\p{Lu}\p{L}*")
_LOUD_SHARE = 0.5
_ALL_LOUD_SHARE = 0.8
_VOWEL = regex.compile(r"[aeiouyäöüáéíóúàèêâ]", regex.IGNORECASE)
_CLUSTER = regex.compile(r"[^AEIOUYÄÖÜÉÈÊÁÍÓÚ]{4}")
_SPELT = {
    name.lower(): name
    for name in ("iPad", "iPhone", "iPod", "iMac", "iOS", "eBook", "MacBook", "AirPods", "iCloud")
}
"""Names with a capital inside, as their owners spell them."""

_SHORTEST_LOUD = 3
_MANY_SHOUTED = 2
"""Shouted words; beside so many, half a title in capitals would look forgotten."""


def calm_capitals(text: str, listing: Listing) -> str:
    """``text`` with shouted words in title case, small words in lower case.

    In a text that mostly shouts, short everyday words count as shouted too ("SLIM FIT JEANS").
    """
    names = OwnNames.of(listing)
    shouted = set(list_shouted(text, names))
    loudness = _measure_loudness(text)
    is_loud = loudness >= _LOUD_SHARE
    is_shouting = len(shouted) >= _MANY_SHOUTED
    beside = _list_beside(text, shouted)

    def calm(match: regex.Match[str]) -> str:
        word = match.group()
        at, end = match.span()
        if names.covers(text, at, end, any_case=True) or _stands_by_digit(text, at, end):
            return word
        plain = (is_loud or at in beside or is_shouting) and _is_plain(word)
        sayable = (is_shouting or loudness >= _ALL_LOUD_SHARE) and _is_sayable(word)
        if word in shouted or plain or sayable or (is_loud and word.lower() in _SPELT):
            return _soften(word, first=not text[:at].strip())
        return word

    calmed = _spell_brand(_CAPITALS.sub(calm, text), listing.brand)
    return _WIGGLE.sub(lambda match: match.group().capitalize(), calmed)


def _spell_brand(text: str, brand: str) -> str:
    """The brand as the row spells it, where the row does not shout it."""
    name = brand.strip()
    if not name or name.isupper() or name.islower():
        return text
    bounded = rf"(?<![\p{{L}}\p{{N}}]){regex.escape(name.upper())}(?![\p{{L}}\p{{N}}])"
    return regex.sub(bounded, lambda _: name, text)


def raise_words(text: str, listing: Listing) -> str:
    """Title case: each plain lower-case word gets a capital, small words, units and names not."""
    lexicon = load_lexicon()
    names = OwnNames.of(listing)
    free = lexicon.small | lexicon.units | lexicon.lower_case_names
    out = text
    for word in reversed(list_words(text)):
        plain = word.text.islower() and word.base.isalpha() and word.text not in free
        if plain and not names.covers(text, word.start, word.end):
            out = out[: word.start] + out[word.start].upper() + out[word.start + 1 :]
    return out


def _list_beside(text: str, shouted: set[str]) -> set[int]:
    """Where words in capitals stand in one run with a word that shouts."""
    starts: set[int] = set()
    for run in _RUN.finditer(text):
        words = list(_CAPITALS.finditer(text, *run.span()))
        if any(word.group() in shouted for word in words):
            starts |= {word.start() for word in words}
    return starts


def _measure_loudness(text: str) -> float:
    """The share of words in capitals."""
    words = [word.base for word in list_words(text) if word.base.isalpha() and len(word.base) > 1]
    loud = sum(word.isupper() for word in words)
    return loud / len(words) if words else 0.0


def _is_plain(word: str) -> bool:
    bare = regex.sub(r"['\u2019].*", "", word)
    if bare in load_lexicon().acronyms or len(bare) < _SHORTEST_LOUD:
        return bare.casefold() in load_lexicon().small
    is_known = is_common(bare) or states_plainly(bare) or is_noun(bare)
    return is_known and _VOWEL.search(bare) is not None


def _is_sayable(word: str) -> bool:
    """Long and round enough to be a word rather than an acronym."""
    is_acronym = word in load_lexicon().acronyms or _CLUSTER.search(word) is not None
    return len(word) > _SHORTEST_LOUD and _VOWEL.search(word) is not None and not is_acronym


def _soften(word: str, *, first: bool) -> str:
    lowered = word.lower()
    if lowered in _SPELT:
        return _SPELT[lowered]
    if lowered in load_lexicon().small and not first:
        return lowered
    return lowered[0].upper() + lowered[1:]


def _stands_by_digit(text: str, start: int, end: int) -> bool:
    before, after = text[max(0, start - 2) : start], text[end : end + 2]
    joined = (before[-1:] in {"-", "/", "_", "."} and before[:1].isdigit()) or (
        after[:1] in {"-", "/", "_", "."} and after[1:2].isdigit()
    )
    return bool(joined)
