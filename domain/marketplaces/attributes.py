"""Where a rule's field stands among a listing's attributes."""

from __future__ import annotations

from collections.abc import Iterator

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


def list_attribute_values(listing: Listing, name: str) -> Iterator[str]:
    """The non-empty values that rules about ``name`` look at; none when the row has none."""
    for key in _ALIASES.get(name, (name,)):
        value = listing.attributes.get(key, "")
        if value.strip():
            yield value
            return
