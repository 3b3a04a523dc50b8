"""Writes fields the seller left empty, from the row's own words alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import regex

from domain.facts.numbers import NUMBER_WORDS
from domain.listing import Listing
from domain.marketplaces.rule import RuleSet
from domain.marketplaces.subject import count_bytes
from domain.marketplaces.words import load_lexicon
from domain.rewrite.cut import cut_clean
from domain.rewrite.prose import cut_prose
from domain.rewrite.words import DANGLING, read_words
from domain.text import fold, html_to_text, is_html, list_words

_LABELS: Final = read_words(
    """
    material materials fabric color colour colors size dimensions weight capacity length
    width height diameter pattern style finish closure voltage power scent flavor flavour
    shape care upper sole lining fit neckline sleeve season room compatibility
    farbe größe maße gewicht inhalt länge breite höhe muster matière couleur taille poids
    dimensiones talla peso capacidad warna bahan ukuran berat
    """
)
_NOTHING: Final = frozenset(
    {"", "none", "n/a", "na", "no brand", "default title", "default", "other"}
)
_LONGEST_VALUE: Final = 60
_SEO_TITLE: Final = 60
_SEO_DESCRIPTION: Final = 160
_SHORTEST_SENTENCE: Final = 40
_TAG_GOAL: Final = 13
_TAG_LENGTH: Final = 20
_SHORTEST_TAG: Final = 3
_SEARCH_BYTES: Final = 249
_TAG_SOURCES: Final = ("product_type", "material", "color", "style", "pattern", "occasion")


def fill_seo_title(listing: Listing, rules: RuleSet) -> str:
    """A long title cut to what search results show; a short one serves there as it is."""
    limit = min(rules.max_length("seo_title") or _SEO_TITLE, _SEO_TITLE)
    title = _plain(listing, "title")
    return cut_clean(title, limit) if len(title) > limit else ""


def fill_seo_description(listing: Listing, rules: RuleSet) -> str:
    """The first sentences of the description, "" when they are too short to say anything."""
    limit = min(rules.max_length("seo_description") or _SEO_DESCRIPTION, _SEO_DESCRIPTION)
    text = " ".join(_plain(listing, "description").split())
    return cut_prose(text, limit) if len(text) >= _SHORTEST_SENTENCE else ""


def fill_bullets(listing: Listing) -> tuple[str, ...]:
    """``Material: Oak`` for each attribute that describes the product."""
    found: dict[str, str] = {}
    for name, value in listing.attributes.items():
        label = regex.sub(r"\s*\([^()]*\)\s*$", "", name).replace("_", " ").strip()
        known = {fold(word.base) for word in list_words(label)} & _LABELS
        if known and len(label) <= _LONGEST_VALUE and _is_telling(value):
            shown = _with_unit(name, value.strip())
            found.setdefault(fold(label), f"{label[:1].upper()}{label[1:]}: {shown}")
    return tuple(dict.fromkeys(found.values()))


def _with_unit(name: str, value: str) -> str:
    unit = regex.search(r"\(([\p{L}\"]{1,4})\)\s*$", name)
    return f"{value} {unit.group(1)}" if unit and regex.fullmatch(r"[\d.,]+", value) else value


def _is_telling(value: str) -> bool:
    text = value.strip()
    is_code = text[:1] in {"{", "["} or "://" in text or "\n" in text
    return fold(text) not in _NOTHING and len(text) <= _LONGEST_VALUE and not is_code


def fill_tags(listing: Listing, rules: RuleSet) -> tuple[str, ...]:
    """The seller's tags, then product type, colour and material, then pairs of title words."""
    most = min(rules.max_items("tags") or _TAG_GOAL, _TAG_GOAL)
    longest = min(rules.max_item_length("tags") or _TAG_LENGTH, _TAG_LENGTH)
    own = listing.fields.get("tags", ())
    tags = {fold(tag): tag for tag in (own if isinstance(own, tuple) else ())}
    said = _list_said(listing, rules)
    for tag in _list_tags(listing):
        clean = " ".join(regex.sub(r"[^\p{L}\p{N}\s'-]", " ", tag).split()).lower()
        if (
            _SHORTEST_TAG <= len(clean) <= longest
            and fold(clean) not in tags
            and fold(clean) not in said
        ):
            tags[fold(clean)] = clean
    return tuple(tags.values())[: max(most, len(own))]


def _list_said(listing: Listing, rules: RuleSet) -> set[str]:
    """What tags need not repeat where the channel reads attributes by itself."""
    overlaps = any(rule.kind == "no_overlap_with" for rule in rules.for_field("tags"))
    return {fold(value).strip() for value in listing.attributes.values()} if overlaps else set()


def _list_tags(listing: Listing) -> Iterator[str]:
    for name in _TAG_SOURCES:
        yield from regex.split(r"[,;/>|]", listing.attributes.get(name, ""))
    small = load_lexicon().small | DANGLING
    parts = regex.split(r"[,;|()/\[\]–—]|\s-\s", _plain(listing, "title"))
    for part in parts:
        words = [word.text for word in list_words(part)]
        for size in (3, 2):  # the thing itself stands last: "Trail Running Shoes"
            group = words[-size:]
            if len(group) == size and _is_phrase(group, small):
                yield " ".join(group)


def _is_phrase(words: list[str], small: frozenset[str]) -> bool:
    ends = {fold(words[0]), fold(words[-1])}
    if fold(words[0]) in NUMBER_WORDS:
        return False  # "one size" is no subject
    return not ends & small and all(word[0].isalpha() and len(word) > 1 for word in words)


def fill_search_terms(listing: Listing) -> str:
    """Words of tags, type and attributes that the title does not say, within 249 bytes."""
    said = {fold(word.text) for word in list_words(f"{_plain(listing, 'title')} {listing.brand}")}
    sources = [listing.text("tags"), *(listing.attributes.get(name, "") for name in _TAG_SOURCES)]
    small = load_lexicon().small | DANGLING
    kept: list[str] = []
    for word in list_words(" ".join(sources).lower()):
        folded = fold(word.base)
        if folded in said or folded in small or len(folded) < 3 or not folded.isalpha():  # noqa: PLR2004
            continue
        if count_bytes(" ".join([*kept, word.base])) <= _SEARCH_BYTES:
            kept.append(word.base)
            said.add(folded)
    return " ".join(kept)


def _plain(listing: Listing, name: str) -> str:
    text = listing.text(name)
    return html_to_text(text) if is_html(text) else text
