"""What a listing is: the seller's texts of one product page, and everything its source row says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

TextValue = str | tuple[str, ...]
"""A field's content: text, or for the fields in LIST_FIELDS a tuple of texts in order."""

Fields = Mapping[str, TextValue]
"""Canonical field name to content. "" or () is an empty field; an absent key, no such column."""


class Channel(StrEnum):
    """A marketplace we know rules for."""

    AMAZON = "amazon"
    EBAY = "ebay"
    ETSY = "etsy"
    SHOPIFY = "shopify"
    WALMART = "walmart"
    GOOGLE = "google"
    WOOCOMMERCE = "woocommerce"
    META = "meta"


LIST_FIELDS = frozenset({"bullets", "tags", "materials"})

TEXT_FIELDS = (
    "title",
    "subtitle",
    "short_title",
    "highlights",
    "bullets",
    "description",
    "short_description",
    "tags",
    "materials",
    "search_terms",
    "seo_title",
    "seo_description",
)
"""Every field a suggestion may change, in the order in which people read them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """One product page as the seller has it today.

    ``fields`` holds the texts a suggestion may change (names from TEXT_FIELDS); ``attributes``
    everything else the source row says, keyed by canonical name where it is known (``brand``,
    ``sku``, ``mpn``, ``gtin``, ``handle``, ``product_type``, ``category``, ``color``, ``size``,
    ``material``, ``gender``, ``price``, ``quantity``, ``image_url``) and by the file's own header
    otherwise. ``html_fields`` names the fields whose content is HTML.
    """

    key: str
    fields: Fields
    attributes: Mapping[str, str] = field(default_factory=dict)
    html_fields: frozenset[str] = frozenset()

    @property
    def brand(self) -> str:
        """The brand, "" when the row names none."""
        return self.attributes.get("brand", "")

    @property
    def category(self) -> str:
        """The category as the seller wrote it, "" when the row names none."""
        return self.attributes.get("category", "") or self.attributes.get("product_type", "")

    def text(self, name: str) -> str:
        """One field as a single text; items of a list are joined by line breaks."""
        value = self.fields.get(name, "")
        return value if isinstance(value, str) else "\n".join(value)

    def with_fields(self, changed: Fields) -> Listing:
        """The same listing with some fields replaced."""
        return Listing(
            key=self.key,
            fields={**self.fields, **changed},
            attributes=self.attributes,
            html_fields=self.html_fields,
        )

    def to_json(self) -> dict[str, Any]:
        """Plain values for storage; ``from_json`` is the inverse."""
        return {
            "key": self.key,
            "fields": fields_to_json(self.fields),
            "attributes": dict(self.attributes),
            "html_fields": sorted(self.html_fields),
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Listing:
        """Rebuild what ``to_json`` stored."""
        return cls(
            key=stored["key"],
            fields=fields_from_json(stored["fields"]),
            attributes=dict(stored["attributes"]),
            html_fields=frozenset(stored.get("html_fields", ())),
        )


def iter_items(value: TextValue) -> Iterator[str]:
    """The items of a list field, or the one text of a text field."""
    if isinstance(value, str):
        yield value
    else:
        yield from value


def is_blank(value: TextValue) -> bool:
    """Whether a field has no visible content."""
    return not any(item.strip() for item in iter_items(value))


def fields_to_json(fields: Fields) -> dict[str, str | list[str]]:
    """Tuples become lists."""
    return {name: v if isinstance(v, str) else list(v) for name, v in fields.items()}


def fields_from_json(stored: Mapping[str, str | list[str]]) -> dict[str, TextValue]:
    """Lists become tuples."""
    return {name: v if isinstance(v, str) else tuple(v) for name, v in stored.items()}
