"""A file comes back byte for byte, and with edits only the edited cells differ."""

from __future__ import annotations

import pytest

from domain.files.inspection import inspect_file
from domain.files.products import iter_products
from domain.files.source import FileShape, RowProblem
from domain.files.tokens import Tokenizer
from domain.files.writer import write_full
from tests.unit.files.streams import OWN, SHARED, shared_sample, stream_of

SHARED_NAMES = (
    [
        str(path.relative_to(SHARED))
        for path in sorted(SHARED.rglob("*"))
        if path.suffix in {".csv", ".tsv", ".txt"} and "broken" not in path.name
    ]
    if SHARED.exists()
    else ["no shared samples"]
)
OWN_NAMES = sorted(path.name for path in OWN.glob("*") if path.suffix in {".csv", ".tsv", ".txt"})


def own_sample(name: str) -> bytes:
    return (OWN / name).read_bytes()


def check_round_trip(content: bytes) -> None:
    stream = stream_of(content, chunk=5000)
    shape = inspect_file(stream)
    assert b"".join(write_full(stream, shape, [])) == content
    products = list(iter_products(stream, shape))
    assert not [p for p in products if not p.usable]
    same = [(p.row_no, p.listing.fields) for p in products]
    assert b"".join(write_full(stream, shape, same)) == content
    edits = [(p.row_no, {"title": f"{p.listing.text('title')} x"}) for p in products]
    # eBay's report repeats the title in the rows of its variations, which change with it.
    cells = shape.rows if shape.profile == "ebay_active" else len(edits)
    check_edited(content, shape, edits=edits, cells=cells)


def check_edited(content: bytes, shape: FileShape, *, edits, cells: int) -> None:
    problems: list[RowProblem] = []
    changed = b"".join(write_full(stream_of(content), shape, edits, report=problems.append))
    assert not problems
    before, after = list_cells(content, shape), list_cells(changed, shape)
    different = {place for place in before if before[place] != after[place]}
    assert before.keys() == after.keys()
    assert len(different) == cells
    # Google's second row has its title in structured_title alone, where it stays.
    marked = {shape.header.index("structured_title")} if shape.channel == "google" else set()
    assert {column for _, column in different} == {shape.mapping["title"][0]} | marked


def list_cells(content: bytes, shape: FileShape) -> dict[tuple[int, int], str]:
    tokenizer = Tokenizer(shape.dialect.delimiter)
    text = content.decode(shape.dialect.encoding.replace("windows-1252", "latin-1"))
    return {
        (number, column): cell
        for number, record in enumerate(tokenizer.iter_records([text]))
        for column, cell in enumerate(tokenizer.split(record.raw))
    }


@pytest.mark.parametrize("name", SHARED_NAMES)
def test_shared_samples(name):
    check_round_trip(shared_sample(name))


@pytest.mark.parametrize("name", OWN_NAMES)
def test_own_samples(name):
    check_round_trip(own_sample(name))


def write(content: str | bytes, edits) -> tuple[bytes, list[RowProblem]]:
    stream = stream_of(content)
    shape = inspect_file(stream)
    problems: list[RowProblem] = []
    written = b"".join(write_full(stream, shape, edits, report=problems.append))
    return written, problems


def test_mixed_line_ends_preamble_and_blank_lines_are_kept():
    content = '#INFO,x\r\n\r\nsku,title\n\nA,"Mug ""one"""\r\nB,Cup\rC,Pot'
    written, _ = write(content, [(2, {"title": "Tea cup"})])
    assert written.decode() == content.replace("Cup", "Tea cup")


def test_a_cell_keeps_its_own_quoting():
    content = 'sku,title,brand\nA,"Mug",x\nB,Cup,x\nC,Pot,x\n'
    edits = [(1, {"title": "Big mug"}), (2, {"title": "Big cup"}), (3, {"title": 'A "pot", big'})]
    written, _ = write(content, edits)
    assert written.decode().split("\n")[1:4] == [
        'A,"Big mug",x',
        "B,Big cup,x",
        'C,"A ""pot"", big",x',
    ]


def test_only_our_own_formulas_are_neutralised():
    content = "sku,title,description\nA,-5 mug,@seller\nB,Cup,=x\nC,Pot,x\n"
    edits = [
        (1, {"title": "-6 mug"}),
        (2, {"title": "=HYPERLINK(1)"}),
        (3, {"title": "\tPot", "description": "+x"}),
    ]
    written, _ = write(content, edits)
    assert written.decode().split("\n")[1:4] == [
        "A,-6 mug,@seller",
        "B,'=HYPERLINK(1),=x",
        "C,'\tPot,'+x",
    ]


def test_what_cannot_be_written_is_told_and_the_sellers_text_kept():
    content = "sku;title;tags\nA;Caf\u00e9;x\n".encode("cp1252")
    edits = [(1, {"title": "Mug \N{HOT BEVERAGE}", "seo_title": "x", "tags": ("a", "b;c")})]
    written, problems = write(content, edits)
    assert [(p.code, p.column, p.line) for p in problems] == [
        ("unwritable_character", "title", 2),
        ("no_column", "seo_title", 2),
        ("separator_in_item", "tags", 2),
    ]
    assert written == content


def test_decomposed_accents_are_composed_where_the_encoding_needs_it():
    content = "sku;title\nA;Caf\u00e9\n".encode("cp1252")
    written, problems = write(content, [(1, {"title": "Cafe\u0301 Mug"})])
    assert not problems
    assert written.decode("cp1252") == "sku;title\nA;Caf\u00e9 Mug\n"


def test_the_undefined_bytes_of_windows_1252_survive():
    content = b"sku,title\nA,x\x81\x8d\x8f\x90\x9d\xe9\n"
    written, _ = write(content, [])
    assert written == content


@pytest.mark.parametrize(
    ("old", "new"),
    [("a, b", "x, y"), ("a,b", "x,y"), ("", "x, y"), ("a", "x, y")],
)
def test_a_list_keeps_its_separator(old, new):
    content = f'sku;title;tags\nA;Mug;"{old}"\n'
    written, _ = write(content, [(1, {"tags": ("x", "y")})])
    assert written.decode() == content.replace(f'"{old}"', f'"{new}"')


def test_bullets_in_columns():
    content = "sku,title,bullet 1,bullet 2,bullet 3\nA,Mug,a,,c\n"
    written, _ = write(content, [(1, {"bullets": ("x",)})])
    assert written.decode() == "sku,title,bullet 1,bullet 2,bullet 3\nA,Mug,x,,\n"
    unchanged, problems = write(content, [(1, {"bullets": ("1", "2", "3", "4")})])
    assert unchanged.decode() == content
    assert [p.code for p in problems] == ["too_many_items"]


def test_line_breaks_are_written_as_the_cell_has_them():
    content = 'sku,title,description\nA,Mug,"one\r\ntwo"\nB,Cup,"one\ntwo"\n'
    edits = [(1, {"description": "1\n2"}), (2, {"description": "1\n2"})]
    written, _ = write(content, edits)
    assert written.decode() == content.replace("one\r\ntwo", "1\r\n2").replace("one\ntwo", "1\n2")


@pytest.mark.parametrize("rows", [(2, 1), (1, 1), (0,)])
def test_edits_out_of_order_are_refused(rows):
    edits = [(row_no, {"title": "x"}) for row_no in rows]
    with pytest.raises(ValueError, match="ascend"):
        write("sku,title\nA,Mug\nB,Cup\n", edits)


def test_a_field_missing_from_a_short_row_is_not_added():
    written, problems = write("sku,title,note\nA,Mug\n", [(1, {"title": "Cup", "note": "x"})])
    assert written == b"sku,title,note\nA,Cup\n"
    assert [p.code for p in problems] == ["no_column"]
