"""Where a rule's field stands among a listing's attributes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from domain.listing import Listing

_ALIASES = {
    "id": ("id", "sku"),
    "images": ("images", "image_urls"),
    "image_alt": ("image_alt", "Image Alt Text", "Image alt text"),
    "google_product_category": (
        "google_product_category",
        "Google Shopping / Google Product Category",
    ),
    "additional_images": ("additional_images", "additional_image_link", "additional_image_links"),
    "condition_description": ("condition_description", "ConditionDescription"),
    "product_description": ("product_description",),
}


IDENTIFIERS = "identifiers"
"""The field of rules about gtin, mpn and brand together."""

_ASPECTS: Mapping[str, tuple[str, bool, bool]] = {
    "attribute_name": ("aspect:", True, False),
    "attribute_value": ("aspect:", False, True),
    "attribute_name_and_value": ("C:", True, True),
}
"""eBay item specifics: the prefix of their columns, whether names and values are meant.

"C:Material" is how eBay's files name them, "aspect:Material" how a listing sent through the
Inventory API does; the two ways in have limits of their own.
"""


def list_attribute_names(name: str) -> tuple[str, ...]:
    """The attributes that rules about ``name`` look at, by preference; the first one given."""
    return _ALIASES.get(name, (name,))


def list_attribute_values(listing: Listing, name: str) -> Iterator[str]:
    """The non-empty values that rules about ``name`` look at; none when the row has none."""
    if name in _ASPECTS:
        yield from _list_aspects(listing, *_ASPECTS[name])
        return
    if name == IDENTIFIERS:
        yield from [""] if {"gtin", "mpn"} & listing.attributes.keys() else []
        return
    for key in list_attribute_names(name):
        value = listing.attributes.get(key, "")
        if value.strip():
            yield value
            return


def _list_aspects(listing: Listing, prefix: str, names: bool, values: bool) -> Iterator[str]:  # noqa: FBT001
    for key, value in listing.attributes.items():
        if key.startswith(prefix) and value.strip():
            if names:
                yield key.removeprefix(prefix)
            if values:
                yield value
