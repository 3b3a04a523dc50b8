"""Excel workbooks are read like any table and given back cell for cell; bombs are refused."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re

import pytest
from openpyxl import Workbook
from openpyxl.styles import Font

from core.errors import FileFormatError, TooLargeError
from domain.files.inspection import inspect_file
from domain.files.products import iter_products
from domain.files.source import FileLimits, FileShape, RowProblem
from domain.files.subset import write_changes, write_revert
from domain.files.writer import write_full
from tests.unit.files.streams import read_all, stream_of
from tests.unit.files.workbooks import (
    MAIN,
    build_workbook,
    read_cells,
    read_parts,
    replace_parts,
    save,
)

SHEET = "xl/worksheets/sheet1.xml"
SIMPLE = build_workbook(
    {"Products": [["sku", "title", "description"], ["A", "Mug", "Plain"], ["B", "Cup", None]]}
)


def share_strings(content: bytes) -> bytes:
    """The workbook with its first title in a table of texts, in two formats."""
    table = "<si><r><t>Mug </t></r><r><rPr><b/></rPr><t>&amp; more</t></r></si>"
    parts = read_parts(content)
    sheet = re.sub(
        b'<c r="B2" t="inlineStr">.*?</c>', b'<c r="B2" t="s"><v>0</v></c>', parts[SHEET]
    )
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
    entry = f'<Override PartName="/xl/sharedStrings.xml" ContentType="{kind}"/></Types>'
    return replace_parts(
        content,
        {
            SHEET: sheet,
            "xl/sharedStrings.xml": f"<sst {MAIN}>{table}</sst>",
            "[Content_Types].xml": parts["[Content_Types].xml"].replace(
                b"</Types>", entry.encode()
            ),
        },
    )


def build_amazon() -> bytes:
    book = Workbook()
    book.worksheets[0].title = "Instructions"
    book.worksheets[0]["A1"] = "Read me, item by item"
    sheet = book.create_sheet("Template")
    sheet.append(["TemplateType=fptcustom", "Version=2026.0714", "The top 3 rows are Amazon's."])
    sheet.append(["Product Type", "Seller SKU", "Product Name", "Name", "Update", "Price", "From"])
    sheet.append(
        [
            "feed_product_type",
            "item_sku",
            "item_name",
            "bullet_point1",
            "update_delete",
            "standard_price",
            "sale_from_date",
        ]
    )
    sheet.append(["hat", 100200300, "Wool <hat>", "Warm & soft", None, 19.99, dt.date(2026, 7, 1)])
    sheet.append([])
    sheet.append(["hat", "H-2", "Cap", None, None, "=F4*2", None])
    sheet["C4"].font = Font(bold=True)
    book.create_sheet("Valid Values").append(["hat", "=1+1"])
    return save(book)


AMAZON = build_amazon()


def write(content: bytes, edits, writer=write_full, **options) -> bytes:
    stream = stream_of(content, chunk=3000)
    return b"".join(writer(stream, inspect_file(stream), edits, **options))


def test_the_sheet_with_the_best_header_is_read():
    shape, products = read_all(AMAZON)
    assert (shape.profile, shape.dialect.sheet, shape.header_line) == (
        "amazon_flat_file",
        "Template",
        3,
    )
    assert shape.rows == 2
    assert "sheet 'Template'" in shape.notes[0]
    assert [(p.key, p.line, p.row_no) for p in products] == [("100200300", 4, 1), ("H-2", 6, 2)]
    assert products[0].listing.fields == {"title": "Wool <hat>", "bullets": ("Warm & soft",)}
    assert products[0].listing.attributes["price"] == "19.99"
    assert products[0].listing.attributes["sale_from_date"] == "2026-07-01"
    assert not [problem for p in products for problem in p.problems]
    assert FileShape.from_json(shape.to_json()) == shape


def test_without_a_change_the_very_bytes_come_back():
    assert write(AMAZON, []) == AMAZON
    assert write(AMAZON, [(1, {"title": "Wool <hat>"})]) == AMAZON


def test_only_edited_cells_differ():
    edits = [
        (1, {"title": 'Wool & felt "hat" <1>', "bullets": ("Soft\nand warm",)}),
        (2, {"bullets": (" New ",)}),
    ]
    written = write(AMAZON, edits)
    before, after = read_cells(AMAZON), read_cells(written)
    changed = {place: after[place] for place in after if after[place] != before.get(place)}
    assert changed == {
        ("Template", "C4"): ('Wool & felt "hat" <1>', "General", True),
        ("Template", "D4"): ("Soft\nand warm", "General", False),
        ("Template", "D6"): ("New", "General", False),
    }
    assert before.keys() <= after.keys()
    old, new = read_parts(AMAZON), read_parts(written)
    assert list(old) == list(new)
    assert [name for name in old if old[name] != new[name]] == ["xl/worksheets/sheet2.xml"]


def test_what_is_written_is_read_again():
    text = "x y  z\u00e9\U0001f3fa"
    _, products = read_all(write(SIMPLE, [(1, {"title": text, "description": ""})]))
    assert products[0].listing.fields == {"title": text, "description": ""}


def test_shared_texts_are_read_and_an_edited_cell_no_longer_shares():
    content = share_strings(SIMPLE)
    _, products = read_all(content)
    assert products[0].listing.text("title") == "Mug & more"
    written = write(content, [(1, {"title": "Pot"})])
    assert read_all(written)[1][0].listing.text("title") == "Pot"
    table = "xl/sharedStrings.xml"
    assert read_parts(written)[table] == read_parts(content)[table]


def test_a_formula_is_never_replaced():
    book = Workbook()
    for row in (["sku", "title"], ["A", '="Mug"&"s"'], ["B", "Cup"]):
        book.worksheets[0].append(row)
    content = save(book)
    sheet = read_parts(content)[SHEET].replace(b'r="B2"', b'r="B2" t="str"')
    content = replace_parts(content, {SHEET: re.sub(b"<v ?/>|<v></v>", b"<v>Mugs</v>", sheet)})
    problems: list[RowProblem] = []
    edits = [(1, {"title": "Pot"}), (2, {"title": "Tea cup"})]
    written = write(content, edits, report=problems.append)
    assert [(p.code, p.line, p.column) for p in problems] == [("formula_cell", 2, "B")]
    assert read_cells(written)["Sheet", "B2"] == read_cells(content)["Sheet", "B2"]
    assert read_cells(written)["Sheet", "B3"] == ("Tea cup", "General", False)


@pytest.mark.parametrize(
    ("text", "code"), [("a\x01b", "unwritable_character"), ("x" * 32_768, "cell_too_long")]
)
def test_what_excel_cannot_hold_is_told(text, code):
    problems: list[RowProblem] = []
    assert write(SIMPLE, [(1, {"title": text})], report=problems.append) == SIMPLE
    assert [p.code for p in problems] == [code]


def test_sheets_of_other_programs():
    rows = (
        '<x:row><x:c t="inlineStr"><x:is><x:t>title</x:t></x:is></x:c></x:row>'
        '<x:row><x:c t="inlineStr"><x:is><x:t>Mug</x:t></x:is></x:c><x:c/></x:row>'
        '<x:row r="7"><x:c r="A7" t="str"><x:v>Cup</x:v></x:c></x:row>'
    )
    sheet = f"<x:worksheet xmlns:x={MAIN.split('=')[1]}><x:sheetData>{rows}</x:sheetData>"
    content = replace_parts(SIMPLE, {SHEET: f"{sheet}</x:worksheet>"})
    shape, products = read_all(content)
    assert [(p.line, p.listing.text("title")) for p in products] == [(2, "Mug"), (7, "Cup")]
    _, products = read_all(write(content, [(1, {"title": "Pot"}), (2, {"title": "Pan"})]))
    assert [p.listing.text("title") for p in products] == ["Pot", "Pan"]
    assert shape.rows == 2


def test_changes_and_revert_are_text_for_amazon():
    edits = [(1, {"title": "Warm hat"})]
    changes = write(AMAZON, edits, write_changes).decode()
    rows = list(csv.reader(io.StringIO(changes), delimiter="\t"))
    assert rows[0][0] == "TemplateType=fptcustom"
    assert rows[1:] == [
        ["Product Type", "Seller SKU", "Product Name", "Update"],
        ["feed_product_type", "item_sku", "item_name", "update_delete"],
        ["hat", "100200300", "Warm hat", "PartialUpdate"],
    ]
    assert write(AMAZON, edits, write_revert).decode() == changes.replace("Warm hat", "Wool <hat>")


def refuse(content: bytes, error: type[Exception] = FileFormatError, **limits) -> str:
    with pytest.raises(error) as caught:
        inspect_file(stream_of(content), limits=FileLimits(**limits))
    return str(caught.value)


def test_a_workbook_without_titles_or_rows():
    assert "sheet 'S'" in refuse(build_workbook({"S": [["code", "colour"], [1, "red"]]}))
    assert "no rows" in refuse(build_workbook({"S": [["sku", "title"]]}))
    assert "no header" in refuse(build_workbook({"S": []}))


def test_a_bomb_is_refused_by_its_sizes():
    bomb = replace_parts(SIMPLE, {"xl/media/x.bin": b"\0" * 30_000_000})
    assert "times its size" in refuse(bomb, TooLargeError)
    assert "unpacks to" in refuse(bomb, TooLargeError, max_unpacked_bytes=10_000_000)
    assert "parts" in refuse(SIMPLE, TooLargeError, max_parts=3)
    assert "texts" in refuse(share_strings(SIMPLE), TooLargeError, max_strings_bytes=10)
    assert "MB" in refuse(SIMPLE, TooLargeError, max_bytes=100)


@pytest.mark.parametrize(
    "rows",
    [
        '<row r="1">' + "<c/>" * 100_001 + "</row>",
        "<row>" + "<c>" * 70 + "</c>" * 70 + "</row>",
        "<x/>" * 2_100_000,
        '<row r="1"><c t="inlineStr"><is><t>' + "x" * 6_000_000 + "</t></is></c></row>",
        "<x>" + "y" * 6_000_000 + "</x>",
        '<x y="' + "z" * 6_000_000 + '"/>',
    ],
    ids=["cells", "depth", "elements", "text", "text outside", "tag"],
)
def test_xml_that_would_fill_memory_is_refused(rows):
    content = replace_parts(
        SIMPLE, {SHEET: f"<worksheet {MAIN}><sheetData>{rows}</sheetData></worksheet>"}
    )
    refuse(content, TooLargeError, max_unpack_ratio=10_000, max_record_bytes=1 << 20)


def test_entities_are_refused():
    declared = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]>'
    assert "entities" in refuse(replace_parts(SIMPLE, {SHEET: f"{declared}<x>&b;</x>"}))
    assert "entities" in refuse(replace_parts(SIMPLE, {"xl/styles.xml": f"{declared}<x/>"}))
    assert "entities" in refuse(replace_parts(SIMPLE, {"xl/sheet.png": f" {declared}<x/>"}))


@pytest.mark.parametrize(
    "content",
    [
        SIMPLE[:-200],
        SIMPLE[:40],
        b"PK\x03\x04" + b"\0" * 100,
        replace_parts(SIMPLE, {SHEET: "<worksheet"}),
        replace_parts(SIMPLE, {"xl/workbook.xml": "<nothing/>"}),
        replace_parts(SIMPLE, {SHEET: read_parts(SIMPLE)[SHEET].replace(b"inlineStr", b"s")}),
        replace_parts(SIMPLE, {"[Content_Types].xml": "<Types/>"}),
        SIMPLE.replace(b"PK\x01\x02\x14\x03\x14\x00\x00", b"PK\x01\x02\x14\x03\x14\x00\x01"),
    ],
    ids=["cut", "head", "zeros", "xml", "book", "strings", "types", "password"],
)
def test_damaged_workbooks(content):
    assert refuse(content)


def test_sizes_that_a_sheet_claims_are_not_believed():
    rows = (
        '<dimension ref="A1:A2"/><sheetData><row r="1"><c r="A1" t="str"><v>title</v></c></row>'
        '<row r="2"><c r="A2" t="str"><v>Mug</v></c><c r="XFD2" t="str"><v>far</v></c></row>'
        '<row r="1048577"><c r="A1048577" t="str"><v>low</v></c></row></sheetData>'
    )
    content = replace_parts(SIMPLE, {SHEET: f"<worksheet {MAIN}>{rows}</worksheet>"})
    shape, products = read_all(content)
    assert shape.rows == 1
    assert products[0].listing.text("title") == "Mug"


def test_too_many_rows_or_columns_of_a_sheet():
    assert "more than 1 rows" in refuse(SIMPLE, TooLargeError, max_rows=1)
    assert "columns" in refuse(SIMPLE, TooLargeError, max_columns=2)


def test_an_old_workbook_says_what_to_do():
    assert "password" in refuse(b"\xd0\xcf\x11\xe0" + b"x" * 50)


def test_a_hidden_sheet_is_not_read():
    book = Workbook()
    hidden = book.worksheets[0]
    hidden.append(["sku", "title"])
    hidden.append(["H", "Hidden"])
    hidden.sheet_state = "hidden"
    shown = book.create_sheet("Shown")
    shown.append(["sku", "title"])
    shown.append(["A", "Mug"])
    stream = stream_of(save(book))
    (product,) = iter_products(stream, inspect_file(stream))
    assert product.key == "A"
