"""The proper names of a listing: what a phrase rule must not mistake for promotion."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

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
_CODE_ATTRIBUTES = ("sku", "mpn", "gtin", "barcode", "ean", "upc", "isbn", "handle", "id")


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
        found = {
            value.strip()
            for key, value in attributes.items()
            if key.casefold() in _NAME_ATTRIBUTES and 0 < len(value.strip()) <= _LONGEST_NAME
        }
        return cls(tuple(sorted(found, key=len, reverse=True)), _list_codes(attributes))

    def covers(self, text: str, start: int, end: int, *, any_case: bool = False) -> bool:
        """Whether a span of ``text`` stands inside one of the names.

        A name of several words is recognised in any case; one word only as it is written, so that
        the brand "Best" is a name and "best" is not, unless ``any_case``.
        """
        return any(
            begin <= start and end <= begin + len(name)
            for name in self.names
            for begin in _list_starts(text, name, any_case=any_case or " " in name)
        )


_NONE = OwnNames()


def _list_codes(attributes: Mapping[str, str]) -> frozenset[str]:
    found = (attributes.get(name, "") for name in _CODE_ATTRIBUTES)
    return frozenset(code for code in found if code)


def _list_starts(text: str, name: str, *, any_case: bool) -> list[int]:
    flags = regex.IGNORECASE if any_case else 0
    bounded = rf"(?<!\w){regex.escape(name, special_only=True)}(?!\w)"
    return [match.start() for match in regex.finditer(bounded, text, flags)]
