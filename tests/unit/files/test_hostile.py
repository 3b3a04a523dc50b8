"""Files made to exhaust a machine are refused early, with little of them read and held."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator

import pytest

from core.errors import FileFormatError, TooLargeError
from domain.files import inspection
from domain.files.inspection import inspect_file
from domain.files.products import iter_products
from domain.files.source import ByteStream, FileLimits
from domain.files.writer import write_full
from tests.unit.files.streams import stream_of

LIMITS = FileLimits(max_bytes=1 << 24, max_record_bytes=1 << 18)
HEAD = b"sku,title\nA,"


def repeat(head: bytes, piece: bytes, *, size: int, tail: bytes = b"") -> ByteStream:
    block = piece * (1 << 14)

    def open_again() -> Iterator[bytes]:
        yield head
        for _ in range(0, size, len(block)):
            yield block
        yield tail

    return open_again


@pytest.mark.parametrize(
    ("head", "piece", "said"),
    [
        (HEAD, b'"', "longer than"),
        (HEAD, b",", "longer than"),
        (HEAD, b"x", "longer than"),
        (HEAD, b'",', "longer than"),
        (HEAD + b'"', b"x\n", "not closed within"),
        (HEAD + b"Mug\n", b"\xff\xfe", "longer than"),
        (b"", b"x", "No title column"),
        (b"", b'"', "No title column"),
    ],
    ids=["quotes", "commas", "text", "cells", "open quote", "bytes", "no line", "quotes alone"],
)
def test_one_endless_record(head, piece, said):
    with pytest.raises(FileFormatError, match=said):
        inspect_file(repeat(head, piece, size=1 << 20), limits=LIMITS)


def test_little_of_an_endless_record_is_held():
    tracemalloc.start()
    with pytest.raises(FileFormatError):
        inspect_file(repeat(HEAD, b'"', size=1 << 24), limits=FileLimits(max_record_bytes=1 << 18))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10 * 1024 * 1024


def test_a_million_columns_in_the_header_and_in_a_row():
    with pytest.raises(TooLargeError, match="columns"):
        inspect_file(repeat(b"sku,title", b",x", size=1 << 21), limits=LIMITS)
    row = b"sku,title\nA,Mug" + b",x" * 1_000_000 + b"\nB,Cup\n"
    stream = stream_of(row)
    shape = inspect_file(stream)
    broken, good = iter_products(stream, shape)
    assert [problem.code for problem in broken.problems] == ["too_many_cells"]
    assert [broken.usable, good.usable] == [False, True]
    assert b"".join(write_full(stream, shape, [])) == row


def test_blank_lines_without_end(monkeypatch):
    monkeypatch.setattr(inspection, "_MAX_BLANK", 1000)
    with pytest.raises(TooLargeError, match="blank lines"):
        inspect_file(repeat(HEAD + b"Mug\n", b"\r\n", size=1 << 18), limits=LIMITS)


def test_a_file_above_the_size_is_not_read_to_its_end():
    seen = []

    def endless() -> Iterator[bytes]:
        while True:
            seen.append(1)
            yield b"A,Mug\n" * 10_000

    with pytest.raises(TooLargeError, match="larger than 16 MB"):
        inspect_file(endless, limits=LIMITS)
    assert len(seen) < 1000


@pytest.mark.parametrize(
    "content",
    [
        b"sku,title\nA,caf\xe9\nB,caf\xc3\xa9\n\xff\xfeC,x\n",
        b"\xef\xbb\xbfsku,title\nA,caf\xe9\nB,caf\xc3\xa9\n",
        "sku,title\nA,x\n".encode("utf-16") + "B,\u00e9x\n".encode(),
    ],
    ids=["windows", "marked", "utf-16"],
)
def test_mixed_encodings_come_back_as_they_are(content):
    stream = stream_of(content)
    shape = inspect_file(stream)
    list(iter_products(stream, shape))
    assert b"".join(write_full(stream, shape, [])) == content


def test_text_of_two_widths_is_blocked_where_its_nuls_are():
    content = b"sku,title\nA,Mug\n" * 50 + "B,Cup\n".encode("utf-16-le")
    stream = stream_of(content)
    shape = inspect_file(stream)
    usable = [product.usable for product in iter_products(stream, shape)]
    assert usable == [True] * 99 + [False] * 2
    assert b"".join(write_full(stream, shape, [])) == content
