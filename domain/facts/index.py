"""What a source row states, so that a proposed fact finds its evidence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import regex

from domain.facts.extract import Fact
from domain.facts.lexicon import list_languages
from domain.facts.numbers import BARE, Amount
from domain.facts.reading import Reading, read_passage, read_words
from domain.listing import Listing, iter_items
from domain.text import fold, html_to_text, is_html, list_forms, list_words, stem
from domain.units import find_unit

_HEADER_UNIT = regex.compile(r"\(([^()]{1,12})\)\s*$")
_NO_EVIDENCE = regex.compile(
    r"price|cost|\bmsrp\b|image|\burl\b|\bsrc\b|\blink\b|stock|inventory|\bqty\b|^quantity$|rating|"
    r"review|\bsold\b|\bgmv\b|position|promotion|\btax",
    regex.IGNORECASE,
)
_YES: Final = frozenset({"yes", "true", "1", "y", "ja", "oui", "si", "sí", "ya", "x"})
_NO: Final = frozenset({"no", "false", "0", "n", "nein", "non", "tidak", "none", "null", ""})
_SHORTEST_COMPOUND_PART: Final = 5
_SHORTEST_COMPOUND: Final = 10
_SHORTEST_PART: Final = 4
_JOINTS: Final = ("", "s", "n", "en", "es", "e")
"""What German puts between the parts of a compound."""
_SHORTEST_KIN: Final = 5
_KIN_SHARE: Final = 0.7
_QUANTITY_KINDS: Final = frozenset({"number", "measure", "count"})


@dataclass(frozen=True, slots=True)
class Place:
    """Where a fact stands: a field or attribute, and the position in its plain text."""

    column: str
    start: int


@dataclass(frozen=True, slots=True, eq=False)
class SourceIndex:
    """Everything one row states: its texts as read, each with its column, in the row's order."""

    readings: tuple[tuple[str, Reading], ...]

    def find(self, fact: Fact) -> Place | None:
        """Where the row states ``fact``; None when it nowhere does."""
        if fact.kind in _QUANTITY_KINDS:
            return self._find_amount(fact)
        if fact.kind == "model":
            return self._find_gram(fact.normalized)
        if fact.kind == "word":
            return self._find_name(fact) or self._find_kin(fact.normalized)
        stated = self._find_stated(fact.kind, fact.normalized)
        if fact.kind == "brand" and stated is None:
            return self._find_name(fact)
        return stated or self._find_compound(fold(fact.text))

    def list_languages(self) -> frozenset[str]:
        """The languages that the row's words are of."""
        return list_languages({word for _, reading in self.readings for word in reading.words})

    def _find_amount(self, fact: Fact) -> Place | None:
        for amount in fact.amounts:
            for asked in (amount, *_list_loose(amount)):
                for column, reading in self.readings:
                    if (start := reading.amounts.get(asked)) is not None:
                        return Place(column, start)
        return None

    def _find_stated(self, kind: str, name: str) -> Place | None:
        for column, reading in self.readings:
            if (start := reading.stated.get((kind, name))) is not None:
                return Place(column, start)
        return None

    def _find_gram(self, joined: str) -> Place | None:
        for column, reading in self.readings:
            if (start := reading.grams.get(joined)) is not None:
                return Place(column, start)
        return None

    def _find_word(self, form: str) -> Place | None:
        for column, reading in self.readings:
            if (start := reading.words.get(form)) is not None:
                return Place(column, start)
        return None

    def _find_name(self, fact: Fact) -> Place | None:
        for form in (*list_forms(fact.text), *list_forms(fact.normalized)):
            if place := self._find_word(form):
                return place
        joined = "".join(fold(word.base) for word in list_words(fact.text))
        found = self._find_gram(joined) or self._find_compound(list_forms(joined)[0])
        return found or self._find_parts(joined)

    def _find_compound(self, part: str) -> Place | None:
        """German and its kin write two words as one: ``Edelstahl`` in ``Edelstahlflasche``."""
        if len(part) < _SHORTEST_COMPOUND_PART or " " in part:
            return None
        for column, reading in self.readings:
            for word in reading.compounds:
                if len(word) >= len(part) + 3 and (word.startswith(part) or word.endswith(part)):
                    return Place(column, reading.words[word])
        return None

    def _find_parts(self, compound: str) -> Place | None:
        """``Edelstahlflasche`` where the row has ``Edelstahl`` and ``Flasche``."""
        if len(compound) < _SHORTEST_COMPOUND or not compound.isalpha():
            return None
        for at in range(_SHORTEST_PART, len(compound) - _SHORTEST_PART + 1):
            second = self._find_word(stem(compound[at:]))
            if second is None:
                continue
            for joint in _JOINTS:
                head = compound[:at].removesuffix(joint)
                if len(head) >= _SHORTEST_PART and self._find_word(stem(head)):
                    return second
        return None

    def _find_kin(self, word: str) -> Place | None:
        """A word of the row with the same beginning: ``insulation`` where it has ``insulated``."""
        beginning = word[: max(_SHORTEST_KIN, round(len(word) * _KIN_SHARE))]
        if len(beginning) < _SHORTEST_KIN:
            return None
        for column, reading in self.readings:
            for known, start in reading.words.items():
                if known.startswith(beginning) and len(known) <= len(word) + 3:
                    return Place(column, start)
        return None


def _list_loose(amount: Amount) -> tuple[Amount, ...]:
    """A count may stand as a bare number, and a bare number as a count."""
    dimension, value = amount
    other = {"count": BARE, BARE: "count"}.get(dimension)
    return () if other is None else ((other, value),)


def build_index(source: Listing) -> SourceIndex:
    """Read a whole row: every field and every attribute that tells of the product.

    Prices, stock, links and ratings are no evidence: a number that stands there by chance would
    support an invented one. Texts read lately are not read again.
    """
    texts = [(column, read_passage(text)) for column, text in _list_texts(source) if text]
    names = [(name, read_words(name)) for name in source.attributes]
    return SourceIndex((*texts, *names))


def _list_texts(source: Listing) -> Iterator[tuple[str, str]]:
    for name, value in source.fields.items():
        items = (html_to_text(item) if is_html(item) else item for item in iter_items(value))
        yield name, "\n".join(items)
    for name, value in source.attributes.items():
        if is_evidence(name):
            yield name, _read_attribute(name, value)


@lru_cache(maxsize=1024)
def is_evidence(column: str) -> bool:
    """Whether a column tells of the product at all: not its price, stock, links or ratings."""
    return not _NO_EVIDENCE.search(column)


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
