"""The proper names of a listing: what a phrase rule must not mistake for promotion."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import regex

from domain.listing import Listing

_NAME_ATTRIBUTES = frozenset(
    {
        "brand", "vendor", "manufacturer", "model", "model name", "model_name", "model number",
        "model_number", "series", "product line", "product_line", "collection", "franchise",
        "character", "author", "artist", "book title",
    }
)  # fmt: skip
_LONGEST_NAME = 100
_CODE_ATTRIBUTES = frozenset(
    {"sku", "mpn", "gtin", "barcode", "ean", "upc", "isbn", "handle", "id"}
)


@dataclass(frozen=True, slots=True)
class OwnNames:
    """Brand, maker, model and series as the row gives them, and its codes."""

    names: tuple[str, ...] = ()
    codes: frozenset[str] = frozenset()

    @classmethod
    def of(cls, listing: Listing) -> OwnNames:
        """The names and codes that a listing's attributes give."""
        attributes = listing.attributes
        if not attributes:
            return _NONE
        name_keys, code_keys = _pick_keys(tuple(attributes))
        found = {attributes[key].strip() for key in name_keys}
        named = [name for name in found if 0 < len(name) <= _LONGEST_NAME]
        return cls(
            tuple(sorted(named, key=len, reverse=True)),
            frozenset(filter(None, map(attributes.__getitem__, code_keys))),
        )

    def covers(self, text: str, start: int, end: int, *, any_case: bool = False) -> bool:
        """Whether a span of ``text`` stands inside one of the names.

        A name of several words is recognised in any case; one word only as it is written, so that
        the brand "Best" is a name and "best" is not, unless ``any_case``.
        """
        part = text[start:end]
        return any(
            begin <= start and end <= begin + len(name)
            for name in self.names
            if _may_hold(name, part)
            for begin in _list_starts(text, name, any_case=any_case or " " in name)
        )


_NONE = OwnNames()


@lru_cache(maxsize=256)
def _pick_keys(keys: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Which attributes hold names and which codes; the rows of a file all have the same keys."""
    names = tuple(key for key in keys if key.casefold() in _NAME_ATTRIBUTES)
    return names, tuple(key for key in keys if key in _CODE_ATTRIBUTES)


def _may_hold(name: str, part: str) -> bool:
    """Whether a closer look pays: most spans of a text are in no name, whatever the case."""
    if not (name.isascii() and part.isascii()):
        return True
    return part.lower() in name.lower()


def _list_starts(text: str, name: str, *, any_case: bool) -> list[int]:
    if text.isascii() and name.isascii():
        return _list_plain_starts(text, name, any_case=any_case)
    return [match.start() for match in _compile_name(name, any_case).finditer(text)]


def _list_plain_starts(text: str, name: str, *, any_case: bool) -> list[int]:
    """The same for plain ASCII, where compiling a pattern for each name would cost most."""
    if any_case:
        text, name = text.lower(), name.lower()
    starts = []
    at = text.find(name)
    while at >= 0:
        end = at + len(name)
        whole = not _is_word_part(text[max(0, at - 1) : at]) and not _is_word_part(
            text[end : end + 1]
        )
        if whole:
            starts.append(at)
        at = text.find(name, end if whole else at + 1)
    return starts


def _is_word_part(character: str) -> bool:
    return character.isalnum() or character == "_"


@lru_cache(maxsize=1024)
def _compile_name(name: str, any_case: bool) -> regex.Pattern[str]:  # noqa: FBT001 - a cache key
    flags = regex.IGNORECASE if any_case else 0
    return regex.compile(rf"(?<!\w){regex.escape(name, special_only=True)}(?!\w)", flags)
