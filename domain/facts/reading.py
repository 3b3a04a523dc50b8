"""One text of a source row, read once: what it states and where."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from typing import Final

import regex

from domain.facts.extract import list_claims
from domain.facts.lexicon import list_stated
from domain.facts.numbers import BARE, NUMBER_WORDS, Amount, list_quantities, list_spelled
from domain.text import Word, blank_broken, fold, list_forms, list_words, stem

_URL = regex.compile(r"https?://[^\s\"'<>]+", regex.IGNORECASE)
_PIECES = regex.compile(r"\p{L}+|\p{N}+")
_LATIN = regex.compile(r"\p{Latin}{2,}")
_OTHER_SCRIPT = regex.compile(r"[\p{L}--\p{Latin}]", regex.V1)
_LONGEST_GRAM: Final = 4
_LONGEST_CODE: Final = 24
_MOST_PIECES: Final = 6
_SHORTEST_COMPOUND: Final = 10
_LONG_TEXT: Final = 500
"""Characters; of longer texts fewer are remembered, so that memory stays small."""


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """Everything one text states, each with the first position that states it."""

    amounts: dict[Amount, int] = field(default_factory=dict)
    stated: dict[tuple[str, str], int] = field(default_factory=dict)
    words: dict[str, int] = field(default_factory=dict)
    grams: dict[str, int] = field(default_factory=dict)
    compounds: list[str] = field(default_factory=list)


def read_passage(text: str) -> Reading:
    """Quantities, stated facts, claims and words of a plain text."""
    return _read_short(text) if len(text) <= _LONG_TEXT else _read_long(text)


@lru_cache(maxsize=4096)
def read_words(name: str) -> Reading:
    """The words of a column's name alone: a heading measures nothing."""
    reading = Reading()
    _add_words(reading, list_words(name))
    return reading


@lru_cache(maxsize=4096)
def _read_short(text: str) -> Reading:
    return _read(text)


@lru_cache(maxsize=64)
def _read_long(text: str) -> Reading:
    return _read(text)


def _read(raw: str) -> Reading:
    text = _URL.sub(lambda match: " " * len(match.group()), blank_broken(raw))
    reading = Reading()
    for quantity in list_quantities(text):
        for amount in (*quantity.amounts, *quantity.parts):
            reading.amounts.setdefault(amount, quantity.start)
    words = list_words(text)
    for stated in list_stated(text, nested=True):
        reading.stated.setdefault((stated.kind, stated.name), words[stated.words[0]].start)
    for claim in list_claims(text):
        reading.stated.setdefault((claim.kind, claim.normalized), claim.start)
    for word, _, amount in list_spelled(words):
        reading.amounts.setdefault(amount, word.start)
    _add_words(reading, words)
    return reading


def _add_words(reading: Reading, words: list[Word]) -> None:
    folded = [fold(word.base) for word in words]
    for at, word in enumerate(words):
        for form in {*list_forms(word.base), *list_forms(word.text)}:
            reading.words.setdefault(form, word.start)
        joined = ""
        for part in folded[at : at + _LONGEST_GRAM]:
            joined += part
            reading.grams.setdefault(joined, word.start)
        if (value := NUMBER_WORDS.get(folded[at])) is not None:
            reading.amounts.setdefault((BARE, Fraction(value)), word.start)
        _add_pieces(reading, word.start, folded[at])
    reading.compounds.extend(word for word in reading.words if len(word) >= _SHORTEST_COMPOUND)


def _add_pieces(reading: Reading, start: int, code: str) -> None:
    """A code is also known by its parts: ``WH1000XM4`` by ``1000xm4``, ``1000`` and ``wh``."""
    if not code.isascii() and _OTHER_SCRIPT.search(code):
        for latin in _LATIN.findall(code):
            reading.words.setdefault(stem(latin), start)
    if code.isalpha() or code.isdigit() or len(code) > _LONGEST_CODE:
        return
    pieces = _PIECES.findall(code)[:_MOST_PIECES]
    for first in range(len(pieces)):
        for last in range(first + 1, len(pieces) + 1):
            reading.grams.setdefault("".join(pieces[first:last]), start)
    for piece in pieces:
        if piece.isdecimal():
            reading.amounts.setdefault((BARE, Fraction(int(piece))), start)
        else:
            reading.words.setdefault(piece, start)
