"""Any file of any dialect comes back byte for byte, and edits change their own cells alone."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import FileFormatError
from domain.files.inspection import inspect_file
from domain.files.products import iter_products
from domain.files.tokens import Record, Tokenizer
from domain.files.writer import write_full

ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252")
TEXT = st.text(
    alphabet=st.sampled_from([*"abc XYZ19=+-@.,;|\t\"'\r\n", "\u00e9", "\u00df", "\u20ac"]),
    max_size=14,
)


@st.composite
def raw_cells(draw, delimiter: str) -> tuple[str, str]:
    """A cell as written, quoted or not, and what it says."""
    text = draw(TEXT)
    must = any(mark in text for mark in (delimiter, "\r", "\n")) or text.startswith('"')
    if must or draw(st.booleans()):
        return '"' + text.replace('"', '""') + '"', text
    return text, text


@st.composite
def files(draw) -> tuple[bytes, str, list[list[str]]]:
    delimiter = draw(st.sampled_from([",", ";", "\t", "|"]))
    quote = draw(st.sampled_from(["", '"']))
    names = [f"{quote}{name}{quote}" for name in ("sku", "title", "description", "brand")]
    preamble = draw(st.sampled_from(["", "#INFO\n", "\r\n", "# a\r\n# b\r\n"]))
    count = draw(st.integers(min_value=1, max_value=5))
    lines, rows = [], []
    for number in range(count):
        cells = [draw(raw_cells(delimiter)) for _ in range(3)]
        lines.append(delimiter.join([f"S{number}", *(raw for raw, _ in cells)]))
        rows.append([f"S{number}", *(text for _, text in cells)])
    ends = [draw(st.sampled_from(["\n", "\r\n", "\r"])) for _ in range(count)]
    ends[-1] = draw(st.sampled_from(["\n", "\r\n", "\r", ""]))
    body = "".join(line + end for line, end in zip(lines, ends, strict=True))
    text = f"{preamble}{delimiter.join(names)}\n{body}"
    encoding = draw(st.sampled_from(ENCODINGS))
    return text.encode(encoding), encoding, rows


def chunked(content: bytes, size: int):
    return lambda: (content[start : start + size] for start in range(0, len(content), size))


@settings(deadline=None, max_examples=150)
@given(file=files(), size=st.sampled_from([1, 3, 4096]), drawn=st.data())
def test_edited_cells_alone_differ(file, size, drawn):
    content, _, rows = file
    stream = chunked(content, size)
    shape = inspect_file(stream)
    assert b"".join(write_full(stream, shape, [])) == content
    chosen = drawn.draw(st.sets(st.integers(min_value=1, max_value=len(rows))))
    edits = [(row_no, {"title": drawn.draw(TEXT)}) for row_no in sorted(chosen)]
    problems: list[object] = []
    written = b"".join(write_full(stream, shape, edits, report=problems.append))
    assert not problems
    new = [
        [p.key, *(p.listing.text(name) for name in ("title", "description")), p.listing.brand]
        for p in iter_products(chunked(written, size), shape)
    ]
    wanted = [[*row[:3], row[3].strip()] for row in rows]
    for row_no, fields in edits:
        wanted[row_no - 1][1] = as_written(fields["title"], rows[row_no - 1][1])
    assert new == wanted


def as_written(text: str, original: str) -> str:
    """What the writer makes of a new title: the cell's line breaks, no formula of ours."""
    if text == original:
        return original
    if "\r\n" in original and "\n" not in original.replace("\r\n", ""):
        text = text.replace("\r\n", "\n").replace("\n", "\r\n")
    if text and text != original and text[0] in "=+-@\t\r" and original[:1] != text[0]:
        return f"'{text}"
    return text


@settings(deadline=None, max_examples=150)
@given(
    rows=st.lists(st.lists(TEXT, min_size=2, max_size=4), min_size=1, max_size=5),
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    size=st.integers(min_value=1, max_value=9),
)
def test_the_tokenizer_reads_what_python_writes(rows, delimiter, end, size):
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL).writerows(rows)
    text = out.getvalue()
    tokenizer = Tokenizer(delimiter)
    pieces = [text[start : start + size] for start in range(0, len(text), size)]
    records = list(tokenizer.iter_records(pieces))
    assert [[tokenizer.value(c) for c in tokenizer.split(r.raw)] for r in records] == rows
    assert "".join(r.raw + r.newline for r in records) == text


@settings(deadline=None, max_examples=200)
@given(text=st.text(alphabet='a",\r\n', max_size=30), size=st.integers(min_value=1, max_value=5))
def test_the_tokenizer_loses_nothing_whatever_the_pieces(text, size):
    tokenizer = Tokenizer(",")
    whole = list(attempt(tokenizer, [text]))
    records = [found for found in whole if isinstance(found, Record)]
    pieces = [text[start : start + size] for start in range(0, len(text), size)]
    assert list(attempt(tokenizer, pieces)) == whole
    if len(records) == len(whole):
        assert "".join(r.raw + r.newline for r in records) == text
        assert all(tokenizer.join(tokenizer.split(r.raw)) == r.raw for r in records)


def attempt(tokenizer: Tokenizer, pieces: list[str]) -> Iterator[Record | str]:
    try:
        yield from tokenizer.iter_records(pieces)
    except FileFormatError:
        yield "unclosed"
