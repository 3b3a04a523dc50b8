"""Rates the other texts of a listing: what is filled in, readable, said once and searched for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import combinations, pairwise

import regex

from domain.listing import TEXT_FIELDS, Listing, is_blank, iter_items
from domain.marketplaces.check_capitals import list_shouted
from domain.marketplaces.check_phrases import find_phrases
from domain.marketplaces.rule_files import read_vocabulary
from domain.marketplaces.rulebook import RuleSet
from domain.marketplaces.words import fold_word, iter_content_words, list_words
from domain.scoring.row import ScoredRow
from domain.scoring.tally import Tally
from domain.scoring.title import NO_BRAND

_ALWAYS_EXPECTED = ("title", "description")
_FACTS = ("color", "colour", "size", "material")
_SENTENCE_END = regex.compile(r"[.!?:;]\s|\n")
_LONG_SENTENCE = 30
_SHOUTED_SHARE = 0.1
_NEARLY_THE_SAME = 0.8
_FEWEST_WORDS = 3
_SEARCHED = ("title", "bullets", "description", "tags", "search_terms", "highlights")
_REPEATS_THAT_ANNOY = 3
_PROSE = ("highlights", "bullets", "description")
_COMPARED = 30
"""Items; every pair is compared, and no channel shows more bullets."""


def rate_completeness(row: ScoredRow, rules: RuleSet) -> Tally:
    """Fields the file and the channel have but the row leaves empty; facts no text states."""
    tally = Tally()
    listing, stated = row.listing, row.stated
    wanted = {rule.field for rule in rules.rules} | {*_ALWAYS_EXPECTED}
    for name in TEXT_FIELDS:
        if name in wanted and name in listing.fields and is_blank(listing.fields[name]):
            tally.lower(0.85, f"{name} is empty")
    if "brand" in listing.attributes and not listing.brand.strip():
        tally.lower(0.9, "the row names no brand")
    brand = {fold_word(word.text) for word in list_words(listing.brand)}
    if brand and listing.brand.strip().casefold() not in NO_BRAND and not brand <= stated:
        tally.lower(0.8, "no text states the brand")
    for name in _FACTS:
        fact = {fold_word(word.text) for word in list_words(listing.attributes.get(name, ""))}
        if fact and fact.isdisjoint(stated):
            tally.lower(0.95, f"no text states the {name}")
    return tally


def rate_readability(row: ScoredRow) -> Tally:
    """Sentences of a bearable length, no shouting, no stock phrases; the title is rated apart."""
    tally = Tally()
    names = row.names
    text = _read(row, _PROSE)
    _rate_sentences(tally, row.plain("description"))
    shouted = list_shouted(text, names)
    words = len(text.split()) or 1
    if len(shouted) > 1 and len(shouted) / words > _SHOUTED_SHARE:
        tally.lower(0.85, f"{len(shouted)} of {words} words shout")
    stock = read_vocabulary().phrase_lists["machine_phrases_en"]
    for phrase in dict.fromkeys(find_phrases(text, stock, names)):
        tally.lower(0.95, f'a stock phrase: "{phrase}"')
    return tally


def rate_duplication(row: ScoredRow) -> Tally:
    """The listing says each thing once: no item twice, no description that begins as the title."""
    tally = Tally()
    listing = row.listing
    for first, second in _list_alike(_list_items(listing, "bullets")):
        tally.lower(0.85, f'bullets: "{first[:40]}" and "{second[:40]}" say the same')
    for name in ("tags", "materials"):
        counts = Counter(item.strip().casefold() for item in _list_items(listing, name))
        for item in [item for item, count in counts.items() if count > 1]:
            tally.lower(0.85, f'{name}: "{item[:40]}" is there more than once')
    title = " ".join(listing.text("title").casefold().split())
    description = " ".join(row.plain("description").casefold().split())
    if title and len(description) > len(title) and description.startswith(title):
        tally.lower(0.9, "the description begins by repeating the title")
    if title and description.count(title) > 1:
        tally.lower(0.85, "the description repeats the whole title")
    stuttered = _list_stuttered(row)
    if stuttered:
        tally.lower(0.85, f"the same word twice in a row: {', '.join(stuttered[:3])}")
    return tally


def rate_keywords(row: ScoredRow, keywords: Sequence[str]) -> Tally:
    """The share of the seller's terms that a text has in full; saying one again earns nothing."""
    tally = Tally()
    stated = frozenset().union(*(row.field_words.get(name, frozenset()) for name in _SEARCHED))
    terms = [term for term in dict.fromkeys(k.strip() for k in keywords) if term]
    missing = [
        term for term in terms if not {fold_word(word.text) for word in list_words(term)} <= stated
    ]
    if missing:
        share = (len(terms) - len(missing)) / len(terms)
        tally.lower(
            share, f"{len(missing)} of {len(terms)} terms missing: {', '.join(missing[:5])}"
        )
    title = row.plain("title").casefold()
    for term in terms:
        if title.count(term.casefold()) >= _REPEATS_THAT_ANNOY:
            tally.lower(0.7, f'the title repeats the term "{term}"')
    return tally


def _rate_sentences(tally: Tally, text: str) -> None:
    lengths = [len(part.split()) for part in _SENTENCE_END.split(text) if part.strip()]
    if lengths and sum(lengths) / len(lengths) > _LONG_SENTENCE:
        mean = round(sum(lengths) / len(lengths))
        tally.lower(0.9, f"sentences of the description have {mean} words on average")


def _list_items(listing: Listing, name: str) -> list[str]:
    return [item for item in iter_items(listing.fields.get(name, ())) if item.strip()]


def _list_alike(items: list[str]) -> list[tuple[str, str]]:
    worded = [(item, _content(item)) for item in items[:_COMPARED]]
    return [
        (first, second)
        for (first, one), (second, other) in combinations(worded, 2)
        if _are_alike(one, other) or first.casefold() == second.casefold()
    ]


def _are_alike(one: frozenset[str], other: frozenset[str]) -> bool:
    if min(len(one), len(other)) < _FEWEST_WORDS:
        return False
    return len(one & other) / len(one | other) >= _NEARLY_THE_SAME


def _list_stuttered(row: ScoredRow) -> list[str]:
    content = [folded for folded, _ in iter_content_words(list_words(row.plain("title")))]
    return list(dict.fromkeys(first for first, second in pairwise(content) if first == second))


def _content(text: str) -> frozenset[str]:
    return frozenset(folded for folded, _ in iter_content_words(list_words(text)))


def _read(row: ScoredRow, names: Sequence[str]) -> str:
    return "\n".join(text for name in names if (text := row.plain(name)))
