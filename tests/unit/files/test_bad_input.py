"""Every way in which a seller's file can be broken: what is said, and what still works."""

from __future__ import annotations

import io
import zipfile

import pytest

from core.errors import FileFormatError, TooLargeError
from domain.files.inspection import inspect_file
from domain.files.products import iter_products
from domain.files.source import FileLimits
from domain.files.writer import write_full
from tests.unit.files.streams import read_all, shared_sample, stream_of

GOOD = "sku,title,description,brand\r\nA,Red mug,Plain,Acme\r\n"


def refusal(content: bytes | str, **options) -> FileFormatError:
    with pytest.raises(FileFormatError) as caught:
        inspect_file(stream_of(content), **options)
    assert caught.value.remedy
    return caught.value


@pytest.mark.parametrize("content", [b"", b"\xef\xbb\xbf", b" \r\n\r\n", b"\xff\xfe"])
def test_empty_file(content):
    assert "empty" in refusal(content).message


@pytest.mark.parametrize("content", ["sku,title\r\n", "sku,title", "\n\nsku,title\n,\n\n"])
def test_header_only_is_told_apart_from_empty(content):
    error = refusal(content)
    assert "no rows" in error.message
    assert error.line == (3 if content.startswith("\n") else 1)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"PK\x03\x04" + b"\x00" * 50, "Excel"),
        (b"%PDF-1.7 x", "PDF"),
        (b"\x89PNG\r\n\x1a\n", "picture"),
        (b"\xff\xfe\x00\x00s\x00\x00\x00", "UTF-32"),
        (bytes(range(256)) * 20, "binary"),
    ],
)
def test_binary_file(content, kind):
    error = refusal(content)
    assert kind in error.message
    assert "CSV" in error.remedy


def test_no_title_column_names_what_was_looked_for_and_found():
    error = refusal("code,colour,amount\n1,red,3\n")
    assert error.column == "title"
    assert error.line == 1
    assert "code, colour, amount" in error.message
    assert "product name" in error.message


def test_unclosed_quote_names_the_line_where_it_opens():
    error = refusal('sku,title,brand\nA,"two\nlines",x\nB,"open,x\nC,mug,x\n')
    assert error.line == 4
    assert "line 4, cell 2" in error.message


def test_unclosed_quote_in_the_header():
    assert refusal('sku,"title\nA,mug\n').line == 1


def test_unclosed_quote_in_a_large_file_is_found_within_the_record_limit():
    content = GOOD + 'B,"open,x,y\r\n' + "C,mug,text,x\r\n" * 20_000
    limits = FileLimits(max_record_bytes=50_000)
    assert refusal(content, limits=limits).line == 3


def test_nul_byte_blocks_its_own_row_alone():
    content = GOOD + 'B,"Two\r\nlines\0 mug",Plain,Acme\r\nC,Green mug,Plain,Acme\r\nD\r\n'
    shape = inspect_file(stream_of(content))
    found = list(iter_products(stream_of(content), shape))
    assert [one.usable for one in found] == [True, False, True, False]
    [problem] = found[1].problems
    assert (problem.line, problem.column, problem.code) == (4, "title", "nul_byte")
    assert "NUL" in problem.message
    assert "\0" not in f"{problem.value}{found[1].key}{found[1].listing.fields}"
    assert b"".join(write_full(stream_of(content), shape, [])) == content.encode()


def test_nul_byte_in_the_key_or_a_broken_row_reaches_no_text_of_ours():
    content = GOOD + "B\0,Blue mug\r\n"
    shape = inspect_file(stream_of(content))
    [_, broken] = iter_products(stream_of(content), shape)
    assert {one.code for one in broken.problems} == {"nul_byte", "too_few_cells"}
    assert not [one for one in broken.problems if "\0" in one.value]
    assert broken.key == "B\ufffd"


def test_nul_byte_in_the_header_names_line_and_column():
    error = refusal("sku,title,br\0and\r\nA,Red mug,Acme\r\n")
    assert (error.line, error.column) == (1, "br\ufffdand")
    assert "NUL" in error.message


def test_all_that_is_broken_in_one_file_is_told_row_by_row():
    content = shared_sample("templates/generic_broken.csv")
    shape = inspect_file(stream_of(content))
    found = list(iter_products(stream_of(content), shape))
    told = {(one.line, one.code) for product in found for one in product.problems}
    assert (8, "nul_byte") in told
    assert len({line for line, _ in told}) > 2
    assert any(product.usable for product in found)


def test_cut_utf16():
    assert "cut" in refusal(GOOD.encode("utf-16") + b"x").message


@pytest.mark.parametrize(
    "limits",
    [
        FileLimits(max_bytes=20),
        FileLimits(max_rows=1),
        FileLimits(max_columns=3),
    ],
)
def test_too_large(limits):
    with pytest.raises(TooLargeError) as caught:
        inspect_file(stream_of(GOOD * 2), limits=limits)
    assert caught.value.http_status == 413


def test_a_million_columns():
    with pytest.raises(TooLargeError):
        inspect_file(stream_of(",".join(["x"] * 1_000_000) + "\n"))


def test_unknown_profile():
    assert "nosuch" in refusal(GOOD, profile="nosuch").message


def test_a_forced_profile_without_its_title_column():
    assert refusal(GOOD, profile="woocommerce").column == "title"


def test_a_40000_character_cell_is_fine():
    _, products = read_all(f"sku,title\nA,{'T' * 40_000}\n")
    assert products[0].usable
    assert len(products[0].listing.text("title")) == 40_000


def test_a_cell_above_the_limit_is_a_row_problem_and_stays_in_the_file():
    content = f"sku,title,description\nA,Mug,{'ä' * 600}\nB,Cup,x\n"
    stream = stream_of(content)
    limits = FileLimits(max_cell_bytes=1000)
    shape = inspect_file(stream, limits=limits)
    long, good = iter_products(stream, shape, limits=limits)
    assert [problem.code for problem in long.problems] == ["cell_too_long"]
    assert (long.problems[0].line, long.problems[0].column) == (2, "description")
    assert not long.usable
    assert good.usable
    assert b"".join(write_full(stream, shape, [])) == content.encode()


def test_rows_of_another_width_are_problems_of_their_own():
    shape, products = read_all(GOOD + "B,Too,many,cells,here\r\nC,short\r\nD,Cup,Plain,Acme\r\n")
    codes = {p.key: [problem.code for problem in p.problems] for p in products}
    assert codes == {"A": [], "B": ["too_many_cells"], "C": ["too_few_cells"], "D": []}
    assert [p.usable for p in products] == [True, False, False, True]
    assert shape.rows == 4
    assert "description" not in products[2].listing.fields


def test_trailing_delimiters_and_missing_unneeded_cells_are_no_reason_to_stop():
    _, products = read_all("sku,title,note\nA,Mug,x,,\nB,Cup\n")
    assert not products[0].problems
    assert [problem.code for problem in products[1].problems] == ["too_few_cells"]
    assert products[1].usable


def test_duplicate_keys_are_kept_apart_and_told():
    _, products = read_all("sku,title\nA,Mug\nA,Cup\nA#2,Pot\nA,Jug\n")
    assert [p.key for p in products] == ["A", "A#2", "A#2#2", "A#3"]
    assert [[x.code for x in p.problems] for p in products] == [
        [],
        ["duplicate_key"],
        ["duplicate_key"],
        ["duplicate_key"],
    ]
    assert "line 2" in products[1].problems[0].message
    assert all(p.usable for p in products)


def test_a_missing_sku_gets_the_row_number():
    _, products = read_all("sku,title\nA,Mug\n\n,Cup\n")
    assert products[1].key == "row-2"
    assert products[1].line == 4
    assert [problem.code for problem in products[1].problems] == ["missing_key"]


def test_text_after_a_closing_quote_blocks_its_row_alone():
    _, products = read_all('sku,title\nA,"Mug" big\nB,Cup\n')
    assert [problem.code for problem in products[0].problems] == ["bad_quoting"]
    assert [p.usable for p in products] == [False, True]


def test_damaged_utf8_with_a_mark_is_kept_and_blocks_its_row_alone():
    content = "\ufeffsku,title\nA,Caf\u00e9\nB,M".encode() + b"\xffg\nC,Cup\n"
    shape, products = read_all(content)
    assert shape.dialect.damaged
    assert [p.usable for p in products] == [True, False, True]
    assert products[1].listing.text("title") == "M\ufffdg"
    assert b"".join(write_full(stream_of(content), shape, [])) == content


def test_half_characters_of_utf16_never_reach_a_listing():
    content = b"\xff\xfe" + "sku\ttitle\nA\tMug ".encode("utf-16-le") + b"\x3d\xd8"
    content += "\nB\tCup\n".encode("utf-16-le")
    shape, products = read_all(content)
    assert products[0].listing.text("title") == "Mug \ufffd"
    assert [problem.code for problem in products[0].problems] == ["bad_characters"]
    assert b"".join(write_full(stream_of(content), shape, [])) == content


def test_the_broken_sample_without_its_nul_gives_its_good_rows():
    content = shared_sample("templates/generic_broken.csv").replace(b"\0", b"")
    shape, products = read_all(content)
    assert [p.key for p in products] == ["B-1", "B-2", "B-7", "row-4", "B-9"]
    assert [p.usable for p in products] == [True, False, True, True, True]
    swallowed = products[1].problems
    assert {problem.code for problem in swallowed} == {"bad_quoting"}
    assert any("from line 3 to 8" in problem.message for problem in swallowed)
    assert len(products[4].listing.text("title")) == 40_000
    assert "Windows-1252" in shape.notes[0]
    assert b"".join(write_full(stream_of(content), shape, [])) == content


@pytest.mark.parametrize(
    "cell",
    ['"' + '""' * 120_000 + '"', '"x",' * 50_000, ',"' * 50_000],
    ids=["pairs", "cells", "odd quotes"],
)
def test_hostile_quotes_block_their_row_alone(cell):
    _, products = read_all(f"sku,title\nA,{cell}\nB,Cup\n")
    assert [p.usable for p in products] == [False, True]


def test_hostile_unclosed_quotes():
    assert refusal('sku,title\nA,"' + '""' * 100_000 + "\nB,Cup\n").line == 2


def test_windows_1252_is_read_to_the_last_byte_that_utf8_cannot_have():
    shape, products = read_all(b"sku,title\nA,caf\xe9")
    assert shape.dialect.encoding == "windows-1252"
    assert products[0].listing.text("title") == "caf\u00e9"


def test_a_plain_zip_is_called_one():
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("products.csv", GOOD)
    error = refusal(packed.getvalue())
    assert "zip archive, not an Excel workbook" in error.message
    assert error.remedy.startswith("Unpack it")
