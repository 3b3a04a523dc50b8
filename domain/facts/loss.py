"""Loss: what a listing's title tells that no rewriting may lose, and whether it still stands."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import regex

from domain.facts.extract import Fact, list_facts
from domain.facts.index import SourceIndex, build_index
from domain.facts.naming import find_name
from domain.facts.nouns import is_noun
from domain.facts.support import read_text
from domain.language import find_language
from domain.listing import Listing
from domain.text import fold, list_forms, list_words

_REQUIRED_KINDS = frozenset({"measure", "count", "model", "size", "color"})
_SIZE_DIMENSIONS = frozenset(
    {"length", "area", "mass", "volume", "storage", "power", "voltage", "charge", "weave", "carat"}
)
_HAS_UNIT = regex.compile(r"[^\d\s.,/-]")
_LATIN = regex.compile(r"[\p{Latin}\P{L}]+")
_GENERATION = regex.compile(r"[2-6]G", regex.IGNORECASE)
_ORDINAL = regex.compile(r"\d+(?:st|nd|rd|th|D|in1)|(?-i:X) \d+", regex.IGNORECASE)
_LONG_LIST = 3
_TOGETHER = regex.compile(r"[ /-]|\s?[x×X*]\s?")
_SIDES_BEFORE = regex.compile(
    r"(?:(?<![\p{L}\p{N}])\d+(?:[.,]\d+)?\s?(?:[mc]?m|in|\"|″)?\s?[x×X*]\s?)+$|Ø\s?$"
)
_CODE_BEFORE = regex.compile(r"(?:[\p{L}\p{N}]+[-.])+$")
_CODE_AFTER = regex.compile(r"(?:[-.][\p{L}\p{N}]+|/[\p{L}\p{N}]{1,3}(?![\p{L}\p{N}]))+")
_LED_MODEL = regex.compile(
    r"(?<!\w)(?:for|fits|für|pour|para|untuk) (?:[\p{L}\p{N}-]+ ){0,3}(?:[\p{L}\p{N}]+[-.])*$",
    regex.IGNORECASE,
)
_LISTED_KINDS = frozenset({"model", "size"})
_LOOSE_KINDS = frozenset({"color", "size"})
_PART_END = regex.compile(r"\s*(?:[,;|()\[\]/&+–—]|-\s|$)")
_VARIES = regex.compile(
    r"colou?r|size|option|variation|farbe|größe|couleur|talla", regex.IGNORECASE
)
_FITS = regex.compile(r"\b(?:for|fits|compatible|untuk|für|pour|para)\b", regex.IGNORECASE)
_SHARE_OF_FACTS = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class LostFact:
    """A fact of the seller's own title that stands nowhere in the new texts."""

    kind: str
    text: str
    normalized: str


def list_required(listing: Listing) -> tuple[LostFact, ...]:
    """What a listing's title tells that no rewriting may lose, the most important first.

    Brand, product type, counts, sizes, models and colours; each once, in the title's order.
    """
    title = listing.text("title")
    facts = _drop_compatible(_list_own(listing, title), title)
    order = {"count": 1, "measure": 2, "size": 2, "model": 3, "color": 4}
    named = [*_list_named("brand", listing.brand, title), *_list_type(listing, title)]
    ranked = sorted(facts, key=lambda fact: (order[fact.kind], fact.start))
    rest = _merge_neighbours(ranked, title)
    return tuple({(fact.kind, fact.normalized): fact for fact in (*named, *rest)}.values())


def _list_own(listing: Listing, title: str) -> list[Fact]:
    """The facts that are the product's own; "Mint Green" is one where its last word is."""
    own: list[Fact] = []
    told = list_facts(title)
    of_looks = {f.start - 1 for f in told if f.normalized.startswith("faux ")}
    wanted = [fact for fact in told if _is_required(fact) and fact.end not in of_looks]
    for fact in reversed(wanted):  # "Yellow Gold Plated" is no yellow thing
        is_lead = bool(own) and own[-1].kind == fact.kind and own[-1].start == fact.end + 1
        if is_lead or _is_own(fact, title, listing):
            own.append(fact)
    return own[::-1]


def _is_own(fact: Fact, title: str, listing: Listing) -> bool:
    """Whether a colour or a size is the product's: it ends a part of the title or is an attribute.

    Inside a phrase it may be of something else: "blue ion", "iPhone XS"; a colour in capitals
    there is taken for the product's, unless it stands in what that fits.
    """
    if fact.kind not in _LOOSE_KINDS:
        return True
    if is_noun(fact.text) and title[: fact.start].rstrip()[-1:].isalnum():
        return False  # "Massage Cream" has no colour
    if _PART_END.match(title, fact.end):
        return True
    fits = _FITS.search(title)
    if fact.kind == "color" and fact.text[0].isupper() and not (fits and fits.end() < fact.start):
        return True
    values = (value for name, value in listing.attributes.items() if _VARIES.search(name))
    return any(fold(fact.text) in fold(value) for value in values)


def _drop_compatible(facts: list[Fact], title: str) -> list[Fact]:
    """Without what a long list of what the product fits tells: it is not its own."""
    fits = _FITS.search(title)
    listed = [f for f in facts if f.kind in _LISTED_KINDS and fits and f.start > fits.start()]
    is_long = sum(f.kind == "model" for f in listed) >= _LONG_LIST
    return [f for f in facts if f not in listed] if is_long else facts


def _merge_neighbours(facts: list[Fact], title: str) -> list[LostFact]:
    """``Mint Green`` and ``Grey/Orange`` are told together or not at all."""
    merged: list[tuple[Fact, int]] = []
    for fact in facts:
        last, end = merged[-1] if merged else (None, 0)
        if last and last.kind == fact.kind and _TOGETHER.fullmatch(title, end, fact.start):
            merged[-1] = (last, fact.end)
        else:
            merged.append((fact, fact.end))
    spans = [(fact, _read_whole(title, fact, end)) for fact, end in merged]
    return [LostFact(kind=f.kind, text=text, normalized=fold(text)) for f, text in spans]


def _read_whole(title: str, fact: Fact, end: int) -> str:
    """A fact as it stands, with all sides of a size; a model with its code and what it is for."""
    start = fact.start
    if fact.kind == "measure" and (sides := _SIDES_BEFORE.search(title, 0, start)):
        start = sides.start()
    if fact.kind == "model":
        led = _LED_MODEL.search(title, 0, start) or _CODE_BEFORE.search(title, 0, start)
        rest = _CODE_AFTER.match(title, end)
        start, end = led.start() if led else start, rest.end() if rest else end
    return title[start:end]


def _is_required(fact: Fact) -> bool:
    """Sizes and counts, not durations, rates and percentages; models, not generations ("5G")."""
    if fact.kind == "measure":
        is_whole = _HAS_UNIT.search(fact.text) and not _GENERATION.fullmatch(fact.text)
        return bool(is_whole) and fact.amounts[0][0] in _SIZE_DIMENSIONS
    is_plain = not fact.normalized.startswith(("not ", "faux ")) and _LATIN.fullmatch(fact.text)
    return bool(is_plain) and fact.kind in _REQUIRED_KINDS and not _ORDINAL.fullmatch(fact.text)


def _list_named(kind: str, name: str, title: str) -> list[LostFact]:
    clean = name.strip()
    if clean and _has_words(title, clean):
        return [LostFact(kind=kind, text=clean, normalized=fold(clean))]
    return []


def _list_type(listing: Listing, title: str) -> list[LostFact]:
    """The product type as the row names it, where the title names it too; else the title's name."""
    for name in ("product_type", "category"):
        last = listing.attributes.get(name, "").replace("/", ">").split(">")[-1].strip()
        for wanted in (last, (last.split() or [""])[-1]):
            if found := _list_named("product_type", wanted, title):
                return found
    language = find_language(f"{title} {listing.text('description')}")
    return _list_named(
        "product_type", find_name(title, language=language, brand=listing.brand), title
    )


def list_demanded(listing: Listing, *, limit: int | None) -> tuple[LostFact, ...]:
    """Those of ``list_required`` that a title of ``limit`` characters has room for.

    A title with more facts than fit must lose some: facts are taken by importance until they fill
    half of the limit, which leaves the rest for the words between them.
    """
    required = list_required(listing)
    if limit is None:
        return required
    room = limit * _SHARE_OF_FACTS
    demanded: list[LostFact] = []
    for fact in required:
        room -= len(fact.text) + 2
        if room >= 0:
            demanded.append(fact)
    return tuple(demanded)


def find_lost(before: Listing, after: Listing) -> tuple[LostFact, ...]:
    """Facts of the source title that survive in none of the texts of ``after``."""
    return find_lost_among(list_required(before), after)


def find_lost_among(required: Iterable[LostFact], after: Listing) -> tuple[LostFact, ...]:
    """Those of ``required`` that survive in none of the texts of ``after``."""
    texts = Listing(key=after.key, fields=after.fields)
    index = build_index(texts)
    plain = "\n".join(read_text(value) for value in after.fields.values())
    return tuple(fact for fact in required if not _survives(fact, index=index, text=plain))


def _survives(fact: LostFact, *, index: SourceIndex, text: str) -> bool:
    if fact.kind in {"brand", "product_type"}:
        return _has_words(text, fact.text)
    told = [found for found in list_facts(fact.text) if found.kind == fact.kind]
    return bool(told) and all(index.find(found) is not None for found in told)


def _has_words(text: str, wanted: str) -> bool:
    """Whether all words of ``wanted`` stand in ``text``, in any order and inflection."""
    present = {form for word in list_words(text) for form in list_forms(word.base)}
    joined = fold("".join(word.base for word in list_words(text)))
    words = list_words(wanted)
    if not words:
        return fold(wanted) in fold(text)
    if all(any(form in present for form in list_forms(word.base)) for word in words):
        return True
    return fold("".join(word.base for word in words)) in joined
