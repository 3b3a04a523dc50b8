"""The sample catalogue says what its README says."""

from __future__ import annotations

import re

import pytest

from domain.listing import is_blank
from tests.unit.files.streams import OWN, read_all

EXPECTED = {
    "shopify_catalog.csv": ("shopify_new", "utf-8", 25, 15),
    "woocommerce_catalog.csv": ("woocommerce", "utf-8", 16, 12),
    "generic_semicolon_cp1252.csv": ("generic", "windows-1252", 12, 12),
    "generic_tab_utf16.txt": ("generic", "utf-16-le", 12, 12),
    "etsy_download.csv": ("etsy_download", "utf-8", 9, 9),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_every_sample_is_read_without_a_problem(name):
    shape, products = read_all((OWN / name).read_bytes())
    found = (shape.profile, shape.dialect.encoding, shape.rows, len(products))
    assert found == EXPECTED[name]
    assert not [problem for p in products for problem in p.problems]
    assert not [p.key for p in products if is_blank(p.listing.fields["title"])]


def test_the_readme_names_every_file_and_only_products_there_are():
    readme = (OWN / "README.md").read_text(encoding="utf-8")
    files = {path.name for path in OWN.glob("[a-z]*")}
    assert files == set(EXPECTED) == set(re.findall(r"^\| `(\S+\.\w+)`", readme, re.MULTILINE))
    skus = " ".join(
        p.listing.attributes["sku"]
        for name in files
        for p in read_all((OWN / name).read_bytes())[1]
    )
    named = set(re.findall(r"`([A-Z]{2}-[A-Z0-9]+)`", readme))
    assert len(named) > 30
    assert not [sku for sku in named if sku not in skus]


def test_there_are_sixty_products():
    assert sum(products for *_, products in EXPECTED.values()) == 60
