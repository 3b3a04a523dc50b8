"""Listings from the real sample files, which stand beside the repository and are never copied."""

from __future__ import annotations

import csv
from functools import lru_cache
from pathlib import Path

import pytest

from domain.listing import Listing, TextValue
from domain.text import is_html

SAMPLES = Path(__file__).parents[2].parent / "shared" / "samples"

_FILES = {
    "brightdata_lazada_1k.csv": (
        "utf-8",
        {"title": "title", "description": "product_description"},
        {"brand": "brand", "color": "color", "sku": "sku", "mpn": "mpn"},
    ),
    "retail_titles_cp1252_20k.csv": (
        "cp1252", {"title": "product_name"}, {"brand": "brand", "sku": "pid"},
    ),
    "shopify_bicycles_export.csv": (
        "utf-8",
        {"title": "Title", "description": "Body (HTML)", "tags": "Tags", "seo_title": "SEO Title",
         "seo_description": "SEO Description"},
        {"brand": "Vendor", "product_type": "Type", "sku": "Variant SKU", "handle": "Handle"},
    ),
    "woocommerce_sample_products.csv": (
        "utf-8-sig",
        {"title": "Name", "description": "Description", "short_description": "Short description",
         "tags": "Tags"},
        {"sku": "SKU", "category": "Categories"},
    ),
}  # fmt: skip
_FILES |= {
    f"shopify_partner_{name}.csv": _FILES["shopify_bicycles_export.csv"]
    for name in ("apparel", "home-and-garden", "jewelery")
}


def list_sample_listings(*, per_file: int) -> list[Listing]:
    """Up to ``per_file`` listings of each sample file, evenly spread; skips where they are away."""
    if not SAMPLES.is_dir():
        pytest.skip("the sample files do not stand beside the repository")
    return [listing for name in _FILES for listing in _read(name, per_file)]


@lru_cache(maxsize=64)
def _read(name: str, wanted: int) -> tuple[Listing, ...]:
    encoding, fields, attributes = _FILES[name]
    with (SAMPLES / name).open(encoding=encoding, errors="replace", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row.get(fields["title"])]
    step = max(1, len(rows) // wanted)
    return tuple(
        _build(f"{name}:{number * step}", row, fields=fields, attributes=attributes)
        for number, row in enumerate(rows[::step][:wanted])
    )


def _build(
    key: str, row: dict[str, str], *, fields: dict[str, str], attributes: dict[str, str]
) -> Listing:
    texts: dict[str, TextValue] = {name: row.get(header) or "" for name, header in fields.items()}
    if "tags" in texts:
        texts["tags"] = tuple(t.strip() for t in str(texts["tags"]).split(",") if t.strip())
    named = {name: row.get(header) or "" for name, header in attributes.items()}
    mapped = {*fields.values(), *attributes.values()}
    others = {header: value for header, value in row.items() if value and header not in mapped}
    html = frozenset(n for n, v in texts.items() if isinstance(v, str) and is_html(v))
    return Listing(key=key, fields=texts, attributes={**named, **others}, html_fields=html)
