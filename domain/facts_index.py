"""What a source row states, indexed so that a proposed fact finds its evidence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final

import regex

from domain.facts_extract import Fact, list_claims
from domain.facts_lexicon import list_stated
from domain.facts_numbers import BARE, NUMBER_WORDS, Amount, list_quantities
from domain.listing import Listing, iter_items
from domain.text import Word, blank_broken, fold, html_to_text, is_html, list_forms, list_words
from domain.units import find_unit

_URL = regex.compile(r"https?://[^\s\"'<>]+", regex.IGNORECASE)
_PIECES = regex.compile(r"\p{L}+|\p{N}+")
_HEADER_UNIT = regex.compile(r"\(([^()]{1,12})\)\s*$")
_NO_EVIDENCE = regex.compile(
    r"price|cost|\bmsrp\b|image|\burl\b|\bsrc\b|\blink\b|stock|inventory|\bqty\b|^quantity$|rating|"
    r"review|\bsold\b|\bgmv\b|position|promotion|\btax",
    regex.IGNORECASE,
)
_YES: Final = frozenset({"yes", "true", "1", "y", "ja", "oui", "si", "sí", "ya", "x"})
_NO: Final = frozenset({"no", "false", "0", "n", "nein", "non", "tidak", "none", "null", ""})
_LONGEST_GRAM: Final = 4
_LONGEST_CODE: Final = 24
_MOST_PIECES: Final = 6
_SHORTEST_COMPOUND_PART: Final = 5
_SHORTEST_COMPOUND: Final = 10
_QUANTITY_KINDS: Final = frozenset({"number", "measure", "count"})


@dataclass(frozen=True, slots=True)
class Place:
    """Where a fact stands: a field or attribute, and the position in its plain text."""

    column: str
    start: int


@dataclass(frozen=True, slots=True, eq=False)
class SourceIndex:
    """Everything one row states, each with the first place that states it."""

    amounts: dict[Amount, Place] = field(default_factory=dict)
    stated: dict[tuple[str, str], Place] = field(default_factory=dict)
    words: dict[str, Place] = field(default_factory=dict)
    grams: dict[str, Place] = field(default_factory=dict)

    def find(self, fact: Fact) -> Place | None:
        """Where the row states ``fact``; None when it nowhere does."""
        if fact.kind in _QUANTITY_KINDS:
            return self._find_amount(fact)
        if fact.kind == "model":
            return self.grams.get(fact.normalized)
        stated = self.stated.get((fact.kind, fact.normalized))
        if fact.kind == "brand" and stated is None:
            return self._find_name(fact)
        return stated or self._find_compound(fold(fact.text))

    def _find_amount(self, fact: Fact) -> Place | None:
        for dimension, value in fact.amounts:
            places = [self.amounts.get((dimension, value))]
            if dimension == "count":
                places.append(self.amounts.get((BARE, value)))
            elif dimension == BARE:
                places.append(self.amounts.get(("count", value)))
            for place in places:
                if place is not None:
                    return place
        return None

    def _find_name(self, fact: Fact) -> Place | None:
        for form in list_forms(fact.text):
            if place := self.words.get(form):
                return place
        for form in list_forms(fact.normalized):
            if place := self.words.get(form):
                return place
        joined = "".join(fold(word.base) for word in list_words(fact.text))
        return self.grams.get(joined) or self._find_compound(list_forms(joined)[0])

    def _find_compound(self, part: str) -> Place | None:
        """German and its kin write two words as one: ``Edelstahl`` in ``Edelstahlflasche``."""
        if len(part) < _SHORTEST_COMPOUND_PART or " " in part:
            return None
        for word, place in self.words.items():
            is_longer = len(word) >= max(_SHORTEST_COMPOUND, len(part) + 3)
            if is_longer and (word.startswith(part) or word.endswith(part)):
                return place
        return None


def build_index(source: Listing) -> SourceIndex:
    """Read a whole row: every field and every attribute that tells of the product.

    Prices, stock, links and ratings are no evidence: a number that stands there by chance would
    support an invented one.
    """
    index = SourceIndex()
    for column, text in _list_texts(source):
        _add_text(index, column, text)
    for name in source.attributes:
        _add_words(index, name, list_words(name))
    return index


def _list_texts(source: Listing) -> Iterator[tuple[str, str]]:
    for name, value in source.fields.items():
        items = (html_to_text(item) if is_html(item) else item for item in iter_items(value))
        yield name, "\n".join(items)
    for name, value in source.attributes.items():
        if not _NO_EVIDENCE.search(name):
            yield name, _read_attribute(name, value)


def _read_attribute(name: str, value: str) -> str:
    """An attribute's text: ``Waterproof: yes`` states its name, ``Weight (lbs): 2`` has a unit."""
    folded = fold(value.strip())
    if folded in _YES:
        return f"{name}: {value}"
    if folded in _NO:
        return ""
    text = html_to_text(value) if is_html(value) else value
    header = _HEADER_UNIT.search(name)
    spelling = header.group(1) if header else name.rpartition(" ")[2]
    if find_unit(spelling) and regex.fullmatch(r"[\d.,/ ]+", value.strip()):
        return f"{value.strip()} {spelling}\n{text}"
    return text


def _add_text(index: SourceIndex, column: str, raw: str) -> None:
    text = _URL.sub(lambda match: " " * len(match.group()), blank_broken(raw))
    for quantity in list_quantities(text):
        for amount in (*quantity.amounts, *quantity.parts):
            index.amounts.setdefault(amount, Place(column, quantity.start))
    words = list_words(text)
    for stated in list_stated(text, nested=True):
        place = Place(column, words[stated.words[0]].start)
        index.stated.setdefault((stated.kind, stated.name), place)
    _add_claims(index, column, text)
    _add_words(index, column, words)


def _add_claims(index: SourceIndex, column: str, text: str) -> None:
    for claim in list_claims(text):
        index.stated.setdefault((claim.kind, claim.normalized), Place(column, claim.start))


def _add_words(index: SourceIndex, column: str, words: list[Word]) -> None:
    folded = [fold(word.base) for word in words]
    for at, word in enumerate(words):
        place = Place(column, word.start)
        for form in (*list_forms(word.base), *list_forms(word.text)):
            index.words.setdefault(form, place)
        for end in range(at + 1, min(at + _LONGEST_GRAM, len(words)) + 1):
            index.grams.setdefault("".join(folded[at:end]), place)
        if (value := NUMBER_WORDS.get(folded[at])) is not None:
            index.amounts.setdefault((BARE, Fraction(value)), place)
        _add_pieces(index, place, folded[at])


def _add_pieces(index: SourceIndex, place: Place, code: str) -> None:
    """A code is also known by its parts: ``WH1000XM4`` by ``1000xm4``, ``1000`` and ``wh``."""
    if code.isalpha() or code.isdigit() or len(code) > _LONGEST_CODE:
        return
    pieces = _PIECES.findall(code)[:_MOST_PIECES]
    for start in range(len(pieces)):
        for end in range(start + 1, len(pieces) + 1):
            index.grams.setdefault("".join(pieces[start:end]), place)
    for piece in pieces:
        if piece.isdecimal():
            index.amounts.setdefault((BARE, Fraction(int(piece))), place)
        else:
            index.words.setdefault(piece, place)
