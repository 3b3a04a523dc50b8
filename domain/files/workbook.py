"""Reads one sheet of an Excel workbook as the records of a table.

Every row becomes a record of quoted cells, so that all that reads text files reads it too.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import IO, Protocol, cast

from openpyxl import Workbook, load_workbook

from core.errors import AppError
from domain.files.archive import BROKEN, ZIP_START, check_archive, damaged, open_zip, spool
from domain.files.source import ByteStream, Dialect, FileLimits
from domain.files.tokens import Record, Tokenizer

DIALECT = Dialect(encoding="utf-8", delimiter="\t", newline="\r\n")
"""How a sheet's rows are laid out as records, and the text made of some of its columns."""
FIRST_ROWS = 60
MAX_CELL_CHARS = 32_767
"""Excel's own limit for one cell."""


class ReadableSheet(Protocol):
    """A worksheet as openpyxl gives it where a workbook is opened for reading alone."""

    title: str
    sheet_state: str

    def reset_dimensions(self) -> None:
        """Forget the size that the sheet claims."""

    def iter_rows(
        self, *, max_row: int, max_col: int, values_only: bool
    ) -> Iterator[Sequence[object]]:
        """Rows of values."""


def is_workbook(stream: ByteStream) -> bool:
    """Whether a file begins as a zip archive does."""
    head = b""
    for chunk in stream():
        head += chunk
        if len(head) >= len(ZIP_START):
            break
    return head.startswith(ZIP_START)


def read_first_rows(stream: ByteStream, *, limits: FileLimits) -> dict[str, list[Record]]:
    """Name of every visible sheet to its first records, in the workbook's order.

    Checks the whole archive first; raises FileFormatError and TooLargeError.
    """
    with spool(stream) as file:
        with open_zip(file) as archive:
            check_archive(archive, limits=limits)
        file.seek(0)
        with _open_book(file) as book:
            width = limits.max_columns + 1
            return {
                sheet.title: list(islice(_iter_sheet(sheet, width=width), FIRST_ROWS))
                for sheet in cast(list[ReadableSheet], book.worksheets)
                if sheet.sheet_state == "visible"
            }


def iter_sheet_records(stream: ByteStream, name: str, *, width: int) -> Iterator[Record]:
    """The rows of a sheet, blank ones included, cut or filled to ``width`` cells."""
    with spool(stream) as file, _open_book(file) as book:
        yield from _iter_sheet(cast(ReadableSheet, book[name]), width=width, fill=True)


@contextmanager
def _open_book(file: IO[bytes]) -> Iterator[Workbook]:
    """The workbook with its values, not its formulas; whatever fails inside says so clearly."""
    book = None
    try:
        book = load_workbook(file, read_only=True, data_only=True, keep_links=False)
        yield book
    except AppError:
        raise
    except BROKEN as error:
        raise damaged(f"{type(error).__name__} in a part of it") from error
    finally:
        if book is not None:
            book.close()


def _iter_sheet(sheet: ReadableSheet, *, width: int, fill: bool = False) -> Iterator[Record]:
    tokenizer = Tokenizer(DIALECT.delimiter)
    # The size that the sheet claims is not to be believed: it may hide rows or invent millions.
    sheet.reset_dimensions()
    rows = sheet.iter_rows(max_row=1_048_576, max_col=width, values_only=True)
    for line, row in enumerate(_without_end(rows), start=1):
        cells = [_show(value) for value in row]
        yield Record(_join(cells, tokenizer, fill=fill), DIALECT.newline, line)


def _without_end(rows: Iterator[Sequence[object]]) -> Iterator[Sequence[object]]:
    """Rows up to the last one that says something."""
    blank, known = 0, None
    for row in rows:
        # openpyxl fills a gap of rows with one and the same tuple, a million times if told so.
        if row is known or not any(value is not None for value in row):
            blank, known = blank + 1, row
            continue
        for _ in range(blank):
            yield ()
        blank = 0
        yield row


def _join(cells: list[str], tokenizer: Tokenizer, *, fill: bool) -> str:
    while not fill and cells and not cells[-1]:
        cells.pop()
    if not any(cells):
        return ""
    return tokenizer.join(tokenizer.write(cell, like="") for cell in cells)


def _show(value: object) -> str:
    """A cell's value as text: whole numbers without a point, dates as ISO 8601."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float) and value.is_integer() and abs(value) < 10**15:
        return str(int(value))
    if isinstance(value, dt.datetime) and value.time() == dt.time():
        return value.date().isoformat()
    if isinstance(value, (dt.date, dt.time)):
        return value.isoformat()
    return str(value)
