"""What the rest of a row says, gathered once per score: words, and its name for the product."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property, lru_cache
from typing import Final

import regex

from domain.facts.index import is_evidence
from domain.facts.lexicon import get_lexicon
from domain.listing import TEXT_FIELDS, Listing
from domain.marketplaces.names import OwnNames
from domain.marketplaces.subject import Passage
from domain.marketplaces.words import fold_word, iter_content_words, list_words
from domain.rewrite.words import FILLERS

LONGEST_READ: Final = 20_000
"""Characters of one text; no shopper reads further."""

_LONGEST_ATTRIBUTE: Final = 600
_OPENING: Final = 600
_TYPE = regex.compile(r"categor|breadcrumb|product[ _]?type|^type$", regex.IGNORECASE)
_ADDRESS_END = regex.compile(r"-(?:with|for|in|by|from)-|-\d+$")
_LEVELS = regex.compile(r"[>/,|\\\[\]\"]+")
_KINDS: Final = frozenset({"color", "size", "audience", "material"})
_SHORTEST_HEAD: Final = 3
_ADDRESSES: Final = ("handle", "slug")
_LONGEST_NAME: Final = 200
_TELLING: Final = ("tags", "seo_title", "seo_description", "short_description", "bullets")
_COPIES: Final = frozenset({"title", "short_title", "seo_title"})
_NO_HEAD: Final = frozenset(
    {"accessory", "product", "item", "new", "sale", "shop", "other", "collection", "http", "www",
     "html", "com", "default", "set", "pack", "color", "size", "colour"}
)  # fmt: skip


class ScoredRow:
    """One listing under a score; each text is read once, as a shopper reads it."""

    def __init__(self, listing: Listing) -> None:
        self.listing = listing
        self._plain: dict[str, str] = {}

    @cached_property
    def names(self) -> OwnNames:
        """The listing's own names."""
        return OwnNames.of(self.listing)

    @property
    def title(self) -> str:
        """The title as the seller wrote it."""
        return self.listing.text("title")

    def plain(self, name: str) -> str:
        """A field without markup, up to a length that no shopper reads."""
        if name not in self._plain:
            text = self.listing.text(name)[:LONGEST_READ]
            self._plain[name] = Passage(text, names=OwnNames()).plain if text else ""
        return self._plain[name]

    @cached_property
    def field_words(self) -> dict[str, frozenset[str]]:
        """The folded words of each text field."""
        return {
            name: frozenset(fold_word(word.text) for word in list_words(self.plain(name)))
            for name in TEXT_FIELDS
            if name in self.listing.fields
        }

    @cached_property
    def stated(self) -> frozenset[str]:
        """The folded words of all texts."""
        return frozenset().union(*self.field_words.values())

    @cached_property
    def beside_title(self) -> frozenset[str]:
        """The folded words of all texts but the title and what only copies it."""
        told = (words for name, words in self.field_words.items() if name not in _COPIES)
        return frozenset().union(*told)

    def iter_other_texts(self) -> Iterator[tuple[str, str]]:
        """Name and text of what may confirm a title: other texts, and attributes that tell."""
        for name in self.listing.fields:
            if name != "title" and (text := self.plain(name)):
                yield name, text
        for name, value in self.listing.attributes.items():
            if value and is_evidence(name):
                yield name, value[:_LONGEST_ATTRIBUTE]

    @cached_property
    def product_type(self) -> str:
        """The last level of the type, of the category, or of what the file calls so."""
        attributes = self.listing.attributes
        named = (value for name, value in attributes.items() if value and _is_type(name))
        return _last_level(self.listing.category or next(named, ""))

    @cached_property
    def type_words(self) -> tuple[str, ...]:
        """What the type calls the product, folded, in order."""
        return _list_naming_words(self.product_type[:_LONGEST_NAME])

    @cached_property
    def head(self) -> str:
        """The last word of the row's own address ("combo-wrench"), folded, "" where it has none.

        Another text of the row must say that word too: an address may be a pet name.
        """
        words = self._list_address_words()[-1:]
        return next((word for word in words if word in self._told), "")

    def _list_address_words(self) -> tuple[str, ...]:
        attributes = self.listing.attributes
        address = next((attributes[name] for name in _ADDRESSES if attributes.get(name)), "")
        parted = _ADDRESS_END.split(address.rsplit("/", 1)[-1][:_LONGEST_NAME])[0]
        return _list_naming_words(parted)

    @cached_property
    def _told(self) -> frozenset[str]:
        """The words of the texts that tell what it is, and those of its type."""
        opening = self.plain("description")[:_OPENING]
        words = frozenset(fold_word(word.text) for word in list_words(opening))
        others = (self.field_words.get(name, frozenset()) for name in _TELLING)
        return words.union(*others)


@lru_cache(maxsize=1024)
def _is_type(column: str) -> bool:
    return _TYPE.search(column) is not None


def _last_level(value: str) -> str:
    levels = [level.strip() for level in _LEVELS.split(value) if level.strip()]
    return levels[-1] if levels else ""


@lru_cache(maxsize=4096)
def _list_naming_words(text: str) -> tuple[str, ...]:
    parted = regex.sub(r"[-_.]+", " ", text)
    return tuple(
        folded
        for folded, word in iter_content_words(list_words(parted))
        if len(folded) >= _SHORTEST_HEAD and word.text.isalpha() and _may_name(folded)
    )


def _may_name(folded: str) -> bool:
    """Whether a word may say what a thing is: no colour, size or person, no praise."""
    if folded in _NO_HEAD or folded in FILLERS:
        return False
    entries = get_lexicon().phrases.get((folded,), ())
    return not any(entry.kind in _KINDS for entry in entries)
