"""Support: which facts a text states, and whether the seller's own row states them too."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import regex

from domain.facts.extract import Fact, find_opening_name, list_facts, list_strange_words
from domain.facts.index import Place, SourceIndex, build_index
from domain.facts.lexicon import is_common
from domain.language import find_language
from domain.listing import Fields, Listing, TextValue, iter_items
from domain.marketplaces.words import load_lexicon
from domain.text import fold, html_to_text, is_html, list_words

_NAME_RUN = 3
_IN_NAME = regex.compile(r"\s+(?:(?:to|of|the|de|du|la|&)\s+)?")
_TITLES = frozenset({"title", "short_title", "seo_title"})
_PROSE = frozenset({"description", "short_description", "bullets", "seo_description", "highlights"})


@dataclass(frozen=True, slots=True, kw_only=True)
class UnsupportedFact:
    """A fact in a proposed field that stands nowhere in the source row.

    ``start`` and ``end`` are positions in the field's plain text (HTML removed, items of a list
    joined by line breaks).
    """

    field: str
    kind: str
    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A fact and where it stands in the source row; ``column`` is a field or attribute name."""

    fact: Fact
    column: str
    start: int


def find_unsupported(
    proposed: Fields, source: Listing, *, index: SourceIndex | None = None
) -> tuple[UnsupportedFact, ...]:
    """Every fact in ``proposed`` for which the source row has no evidence."""
    known = index or build_index(source)
    return tuple(
        UnsupportedFact(field=name, kind=f.kind, text=f.text, start=f.start, end=f.end)
        for name, value in proposed.items()
        for f in _list_unsupported(name, value, known)
    )


def _list_unsupported(name: str, value: TextValue, index: SourceIndex) -> Iterator[Fact]:
    text = read_text(value)
    unknown = [fact for fact in list_facts(text) if index.find(fact) is None]
    is_prose = name in _PROSE
    is_german = is_prose and find_language(text) == "de"
    for fact in unknown:
        if not fact.weak and not (is_prose and _is_ordinary(fact, text, is_german=is_german)):
            yield fact
    if name in _TITLES:
        yield from _list_title_names(text, unknown, index)
        yield from (word for word in list_strange_words(text) if index.find(word) is None)


def _is_ordinary(fact: Fact, text: str, *, is_german: bool) -> bool:
    """Whether grammar explains a capital: the start of a sentence, or a German noun.

    A noun follows a small word that is no "von": "dank Verschluss", but "von Zorbla".
    """
    if fact.kind != "brand" or fact.listed or fact.text.isupper():
        return False
    before = text[: fact.start].rstrip(" \"'(“„«")
    if not before or before[-1] in ".!?:\n•":
        return True
    last = before.split()[-1]
    return is_german and last.isalpha() and last.islower() and last not in {"von", "by"}


def _list_title_names(text: str, unknown: list[Fact], index: SourceIndex) -> Iterator[Fact]:
    """Everyday words that a title's place makes a name: its opening, its end, several in a row."""
    opening = find_opening_name(text)
    stands = any(fact.start == 0 and not fact.weak for fact in list_facts(text))
    if opening is not None and not stands and index.find(opening) is None:
        yield opening
    run: list[Fact] = []
    for fact in unknown:
        is_next = bool(run) and _IN_NAME.fullmatch(text, run[-1].end, fact.start) is not None
        run = [*run, fact] if is_next and fact.kind == "brand" else [fact]
        if fact.weak and (len(run) >= _NAME_RUN or _is_foreign(fact, index)):
            yield fact
    if run and run[-1].end == len(text.rstrip()) and _is_closing(run, text):
        yield from (fact for fact in run[: _NAME_RUN - 1] if fact.weak)


def _is_closing(run: Sequence[Fact], text: str) -> bool:
    """Whether names end a title: not led by a small word, and one alone not after a comma either.

    What ends a title is its head or a name: "Oak Table Zen" and "Oak Lamp" are other things.
    """
    if _is_led(run[0], text) or run[0].kind != "brand":
        return False
    return len(run) > 1 or text[: run[0].start].rstrip()[-1:].isalnum()


def _is_foreign(fact: Fact, index: SourceIndex) -> bool:
    """Whether a word is an everyday one only in languages that the row is not in."""
    return is_common(fact.text) and not is_common(fact.text, index.list_languages())


def _is_led(fact: Fact, text: str) -> bool:
    """Whether a small word leads to a fact: "for Daily Use" says what for, not who by."""
    before = list_words(text[: fact.start])[-1:]
    return bool(before) and fold(before[0].base) in load_lexicon().small - {"by"}


def find_evidence(
    text: str, source: Listing, *, index: SourceIndex | None = None
) -> tuple[Evidence, ...]:
    """For each fact of ``text`` that the source row states, where it does."""
    known = index or build_index(source)
    found: list[tuple[Fact, Place | None]] = [(fact, known.find(fact)) for fact in list_facts(text)]
    return tuple(
        Evidence(fact=fact, column=place.column, start=place.start)
        for fact, place in found
        if place is not None and not fact.weak
    )


def read_text(value: TextValue) -> str:
    """A field's plain text: HTML removed, items joined by line breaks."""
    items: Sequence[str] = [html_to_text(v) if is_html(v) else v for v in iter_items(value)]
    return "\n".join(items)
