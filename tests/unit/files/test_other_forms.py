"""Changes, reverts and supplements: files that hold only what is to be put back or added."""

from __future__ import annotations

import csv
import io

import pytest

from core.errors import InvalidFieldError
from domain.files.inspection import inspect_file
from domain.files.source import SupplementRow
from domain.files.subset import write_changes, write_revert
from domain.files.supplement import write_supplement
from domain.files.writer import write_full
from domain.listing import Fields
from tests.unit.files.streams import stream_of
from tests.unit.files.test_products import SHOPIFY


def write(writer, content: str, edits) -> str:
    stream = stream_of(content)
    return b"".join(writer(stream, inspect_file(stream), edits)).decode()


def supplement(rows, channel, fields) -> list[list[str]]:
    text = b"".join(write_supplement(rows, channel, fields)).decode()
    return list(csv.reader(io.StringIO(text, newline="")))


def test_shopify_changes_carry_every_variant_and_its_options():
    edits = [(1, {"seo_title": "Clay mug"})]
    changes = write(write_changes, SHOPIFY, edits)
    assert changes == (
        "Handle,Title,Option1 Name,Option1 Value,Variant SKU,SEO Title\n"
        "mug,Clay mug,Colour,Blue,M-1,Clay mug\n"
        "mug,,,Red,M-2,\n"
    )
    assert write(write_revert, SHOPIFY, edits) == changes.replace("M-1,Clay mug", "M-1,")


def test_generic_changes_hold_the_key_and_what_changed():
    content = "\ufeffsku;title;price;brand\r\nA;Mug;1;x\r\nB;Cup;2;x\r\n"
    edits = [(2, {"title": "Big; cup"})]
    assert write(write_changes, content, edits) == '\ufeffsku;title\r\nB;"Big; cup"\r\n'
    assert write(write_revert, content, edits) == "\ufeffsku;title\r\nB;Cup\r\n"


def test_nothing_changed_gives_the_header_alone():
    assert write(write_changes, "sku,title\nA,Mug\n", [(1, {"title": "Mug"})]) == "sku\n"


EBAY = (
    "Item number,Title,Custom label (SKU),Available quantity,Variation details,Current price\n"
    "31,Wool hat,H,5,Color=Green;Grey,9\n31,Wool hat,H-1,5,Color=Green,\n32,Wool hat,I,1,,9\n"
)


def test_titles_repeated_on_variation_rows_change_with_their_listing():
    written = write(write_full, EBAY, [(1, {"title": "Hat"})])
    titles = [row[1] for row in csv.reader(io.StringIO(written))][1:]
    assert titles == ["Hat", "Hat", "Wool hat"]


def test_a_file_that_no_platform_takes_back_has_no_changes():
    for writer in (write_changes, write_revert):
        with pytest.raises(InvalidFieldError) as caught:
            write(writer, EBAY, [(1, {"title": "Hat"})])
        assert "no way to upload it" in caught.value.message
        assert "full" in caught.value.remedy


def test_google_text_of_a_language_model_stands_in_structured_columns():
    rows = [
        SupplementRow(
            key="A",
            fields={"title": 'Mug, 5" wide', "bullets": ("x, y", "z")},
            by_llm=frozenset({"title", "bullets"}),
        ),
        SupplementRow(key="-B", fields={"title": "=Cup"}),
    ]
    assert supplement(rows, "google", ["title", "bullets", "tags"]) == [
        ["id", "title", "product_highlight", "structured_title"],
        ["A", "", '"x, y", z', 'trained_algorithmic_media:"Mug, 5"" wide"'],
        ["-B", "'=Cup", "", ""],
    ]


def test_amazon_bullets_have_a_column_each():
    fields: Fields = {"title": "Mug", "bullets": ("a", "b", "c", "d", "e", "f"), "description": ""}
    header, row = supplement(
        [SupplementRow(key="A", fields=fields)], "amazon", ["title", "bullets"]
    )
    assert header == ["item_sku", "item_name", *(f"bullet_point{n}" for n in range(1, 6))]
    assert row == ["A", "Mug", "a", "b", "c", "d", "e"]


@pytest.mark.parametrize(
    "channel",
    ["amazon", "ebay", "etsy", "shopify", "walmart", "google", "woocommerce", "meta"],
)
def test_every_channel_has_a_supplement(channel):
    fields: Fields = {"title": "Mug", "description": "Fine", "tags": ("a", "b")}
    header, row = supplement([SupplementRow(key="A", fields=fields)], channel, list(fields))
    assert len(header) == len(row) >= 3
    assert row[:2] == ["A", "Mug"]


def test_a_channel_without_a_supplement():
    with pytest.raises(InvalidFieldError):
        supplement([], "nosuch", ["title"])
