"""Excel workbooks made in memory for tests, and what their cells say."""

from __future__ import annotations

import io
from collections.abc import Mapping
from zipfile import ZIP_DEFLATED, ZipFile

from openpyxl import Workbook, load_workbook

MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'


def save(book: Workbook) -> bytes:
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def build_workbook(sheets: Mapping[str, list[list[object]]]) -> bytes:
    book = Workbook()
    book.remove(book.worksheets[0])
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    return save(book)


def read_parts(content: bytes) -> dict[str, bytes]:
    with ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def replace_parts(content: bytes, parts: Mapping[str, bytes | str]) -> bytes:
    """The archive with some parts replaced or added."""
    out = io.BytesIO()
    with ZipFile(out, "w", ZIP_DEFLATED) as archive:
        for name, body in {**read_parts(content), **parts}.items():
            archive.writestr(name, body)
    return out.getvalue()


def read_cells(content: bytes) -> dict[tuple[str, str], object]:
    """(sheet, place) to value, formulas as they are written, and number format and font."""
    book = load_workbook(io.BytesIO(content))
    return {
        (sheet.title, cell.coordinate): (cell.value, cell.number_format, cell.font.b)
        for sheet in book.worksheets
        for row in sheet.iter_rows()
        for cell in row
        if cell.value is not None
    }
