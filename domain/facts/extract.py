"""Finds the facts a text states: quantities, models, names, and words that state something."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import regex

from domain.facts.lexicon import Stated, is_common, list_stated
from domain.facts.numbers import (
    BARE,
    NUMBER_WORDS,
    Amount,
    Quantity,
    list_quantities,
    list_spelled,
)
from domain.text import Word, blank_broken, fold, list_words, stem
from domain.units import find_unit

_FREE_OF = regex.compile(
    r"\b(?P<word>\p{L}{2,})[-\s](?P<kind>free|proof|resistant|safe|repellent|certified|approved|"
    r"tested)\b|\b(?P<head>non|anti|self)-?(?P<tail>\p{L}{3,})",
    regex.IGNORECASE,
)
_NO_CLAIM = frozenset(
    {"hands", "for", "is", "are", "be", "of", "and", "the", "antique", stem("antique"), "none",
     "nonetheless", "anticipate", "keep", "feel", "selfie", stem("selfie"), "get", *NUMBER_WORDS}
)  # fmt: skip
_MIXED = regex.compile(r"(?=.*\p{L})(?=.*\p{N})")
_DOTTED = regex.compile(r"(?<![\p{L}\p{N}.])\p{L}(?:\.\p{L}){2,}(?![\p{L}\p{N}])")
_LETTER_NAME = regex.compile(r"\p{L}-\p{L}{2,}")
_MIN_NAME = 2
_ARTICLES = frozenset("aeloy")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One fact as it stands in a text.

    ``amounts`` holds every reading of a quantity; ``weak`` marks a capitalised everyday word,
    which names something only where a name is expected, ``listed`` a fact of the lexicon.
    """

    kind: str
    text: str
    normalized: str
    start: int
    end: int
    amounts: tuple[Amount, ...] = ()
    weak: bool = False
    listed: bool = False


def list_facts(text: str) -> tuple[Fact, ...]:
    """Every fact of ``text`` in reading order; names are candidates that only a row can clear."""
    return _list_facts(blank_broken(text))


@lru_cache(maxsize=4096)
def _list_facts(text: str) -> tuple[Fact, ...]:
    words = list_words(text)
    facts = [_read_quantity(quantity) for quantity in list_quantities(text)]
    facts += list_claims(text)
    facts += [_read_stated(stated, words, text) for stated in list_stated(text)]
    taken = _mark([(fact.start, fact.end) for fact in facts], len(text))
    facts += _list_models(words, taken)
    facts += _list_number_words(text, words, taken)
    taken = _mark([(fact.start, fact.end) for fact in facts], len(text))
    facts += _list_names(words, taken)
    facts += _list_dotted(text, taken)
    return tuple(sorted(facts, key=lambda fact: fact.start))


def _mark(spans: list[tuple[int, int]], length: int) -> bytearray:
    taken = bytearray(length)
    for start, end in spans:
        taken[start:end] = b"\x01" * (end - start)
    return taken


def _read_quantity(quantity: Quantity) -> Fact:
    dimension, value = quantity.amounts[0]
    kind = {BARE: "number", "count": "count"}.get(dimension, "measure")
    return Fact(
        kind=kind,
        text=quantity.text,
        normalized=f"{value} {dimension}".strip(),
        start=quantity.start,
        end=quantity.end,
        amounts=quantity.amounts,
    )


def _read_stated(stated: Stated, words: list[Word], text: str) -> Fact:
    first, last = words[stated.words[0]], words[stated.words[1] - 1]
    return Fact(
        kind=stated.kind,
        text=text[first.start : last.end],
        normalized=stated.name,
        start=first.start,
        end=last.end,
        listed=True,
    )


def list_claims(text: str) -> Iterator[Fact]:
    """Claims by their form: x-free, x-proof, non-x, anti-x."""
    for match in _FREE_OF.finditer(text):
        stated, kind = match.group("word") or match.group("tail"), match.group("kind")
        whole = fold(match.group())
        if fold(stated) in _NO_CLAIM or whole in _NO_CLAIM or stem(whole) in _NO_CLAIM:
            continue
        name = f"{stem(fold(stated))} {fold(kind or match.group('head'))}"
        start, end = match.span()
        yield Fact(kind="claim", text=match.group(), normalized=name, start=start, end=end)


def _list_models(words: list[Word], taken: bytearray) -> Iterator[Fact]:
    """Words of letters and digits that are no quantity."""
    for word in words:
        if not taken[word.start] and _MIXED.match(word.text):
            name = fold(word.base)
            yield Fact(
                kind="model", text=word.text, normalized=name, start=word.start, end=word.end
            )


def _list_number_words(text: str, words: list[Word], taken: bytearray) -> Iterator[Fact]:
    for word, last, (dimension, value) in list_spelled(words):
        is_telling = dimension != BARE or value > 1
        if is_telling and not taken[word.start]:
            yield Fact(
                kind={BARE: "number", "count": "count"}.get(dimension, "measure"),
                text=text[word.start : last.end],
                normalized=f"{value} {dimension}".strip(),
                start=word.start,
                end=last.end,
                amounts=((dimension, value),),
            )


def _list_names(words: list[Word], taken: bytearray) -> Iterator[Fact]:
    """Capitalised words; everyday words are weak."""
    for word in words:
        if not taken[word.start] and _is_capitalised(word):
            is_weak = is_common(word.base) or _names_unit(word)
            yield _name_fact("brand", word, weak=is_weak)


def _list_dotted(text: str, taken: bytearray) -> Iterator[Fact]:
    """Letters with dots between them ("o.h.m"), which are no words one by one."""
    for match in _DOTTED.finditer(text):
        if not taken[match.start()]:
            name = fold(match.group().replace(".", ""))
            start, end = match.span()
            yield Fact(kind="brand", text=match.group(), normalized=name, start=start, end=end)


def find_opening_name(text: str) -> Fact | None:
    """The first word as a name, whatever its case: marketplaces read a title's opening as brand."""
    words = list_words(text)
    if joined := _LETTER_NAME.match(text):  # "E-plant"
        name = fold(joined.group().replace("-", ""))
        end = joined.end()
        return Fact(kind="brand", text=joined.group(), normalized=name, start=0, end=end, weak=True)
    if words and len(words[0].base) == 1 and fold(words[0].base) not in _ARTICLES:
        words = words[1:]  # "I Know Shirt"
    if not words or words[0].base[0].isnumeric() or len(words[0].base) < _MIN_NAME:
        return None
    return _name_fact("brand", words[0], weak=True)


def list_strange_words(text: str) -> list[Fact]:
    """Words in small letters that are neither everyday words nor told by another fact."""
    taken = _mark([(fact.start, fact.end) for fact in list_facts(text)], len(text))
    return [
        _name_fact("word", word)
        for word in list_words(text)
        if not taken[word.start] and _is_strange(word)
    ]


def _is_strange(word: Word) -> bool:
    if len(word.base) <= _MIN_NAME or not (word.base.islower() and word.base.isalpha()):
        return False
    is_known = is_common(word.base) or find_unit(word.base) is not None
    return not is_known and fold(word.base) not in NUMBER_WORDS


def _name_fact(kind: str, word: Word, *, weak: bool = False) -> Fact:
    name = fold(word.base)
    start, end = word.start, word.end
    return Fact(kind=kind, text=word.text, normalized=name, start=start, end=end, weak=weak)


def _names_unit(word: Word) -> bool:
    """``Ounces`` names a unit; ``HP`` alone is rather the maker than horsepower."""
    return word.base != "HP" and find_unit(word.base) is not None


def _is_capitalised(word: Word) -> bool:
    return len(word.base) >= _MIN_NAME and any(c.isupper() for c in word.base)
