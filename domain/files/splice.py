"""Puts new texts into one sheet of a workbook and copies every other byte of its parts.

openpyxl's own writing loses what it does not model (pictures' effects, macros, some data
validation) and holds all cells in memory; this changes the edited cells' XML and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import IO
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from openpyxl.utils import column_index_from_string, get_column_letter

from domain.files.archive import BLOCK_BYTES, damaged
from domain.files.source import Report, RowProblem, excerpt

SheetEdits = Iterator[tuple[int, Mapping[int, str]]]
"""(sheet row from 1, column index from 0 to new text), ascending by row."""

_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_LETTERS = re.compile(r"[A-Z]{1,3}")


@dataclass(slots=True)
class _Cell:
    """A cell element while it is read: where it begins, and whether it holds a formula."""

    column: int
    begins: int
    style: str
    formula: bool = False


@dataclass(slots=True, kw_only=True)
class SheetSplicer:
    """Reads a sheet's XML and gives it back with the edits in it, block by block.

    A cell with a formula stays as it is and is told to ``report``. Raises FileFormatError for a
    sheet that is not UTF-8, and ValueError for an edit of a row that the sheet does not have.
    """

    edits: SheetEdits
    report: Report
    _pending: tuple[int, Mapping[int, str]] | None = field(init=False)
    _parser: expat.XMLParserType = field(init=False)
    _held: bytearray = field(default_factory=bytearray)
    _offset: int = 0
    _out: bytearray = field(default_factory=bytearray)
    _row: int = 0
    _last_column: int = -1
    _todo: dict[int, str] = field(default_factory=dict)
    _cell: _Cell | None = None
    _prefix: str = ""

    def __post_init__(self) -> None:
        """Fetch the first edit."""
        self._pending = next(self.edits, None)
        self._parser = expat.ParserCreate()
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.XmlDeclHandler = self._check_encoding

    def splice(self, sheet: IO[bytes]) -> Iterator[bytes]:
        """The sheet's XML with the edits in it."""
        while block := sheet.read(BLOCK_BYTES):
            if self._offset == 0 and not self._held and block.startswith(_UTF16_MARKS):
                raise damaged("its sheet is encoded as UTF-16")
            self._held += block
            self._parser.Parse(block)
            if self._cell is None and not self._todo:
                self._copy_to(self._parser.CurrentByteIndex)
            yield bytes(self._out)
            self._out.clear()
        at_end = True
        self._parser.Parse(b"", at_end)
        yield bytes(self._out) + bytes(self._held)
        if self._pending is not None:
            message = f"the sheet has no row {self._pending[0]} to edit"
            raise ValueError(message)

    def _check_encoding(self, _version: str, encoding: str | None, _standalone: int) -> None:
        if (encoding or "utf-8").lower() not in ("utf-8", "us-ascii"):
            raise damaged(f"its sheet is encoded as {encoding}")

    def _copy_to(self, position: int) -> None:
        """Move what is held before a byte position to the output."""
        count = position - self._offset
        if count > 0:
            self._out += self._held[:count]
            del self._held[:count]
            self._offset = position

    def _skip_to(self, position: int) -> None:
        del self._held[: position - self._offset]
        self._offset = position

    def _start(self, name: str, attributes: Mapping[str, str]) -> None:
        prefix, _, local = name.rpartition(":")
        if local == "row":
            self._prefix = f"{prefix}:" if prefix else ""
            self._begin_row(attributes)
        elif local == "c" and self._todo:
            self._begin_cell(attributes)
        elif local == "f" and self._cell:
            self._cell.formula = True

    def _begin_row(self, attributes: Mapping[str, str]) -> None:
        self._row = int(attributes.get("r", self._row + 1))
        self._last_column = -1
        self._todo = {}
        if self._pending is not None and self._pending[0] == self._row:
            self._todo = dict(sorted(self._pending[1].items()))
            self._pending = next(self.edits, None)

    def _begin_cell(self, attributes: Mapping[str, str]) -> None:
        begins = self._parser.CurrentByteIndex
        letters = _LETTERS.match(attributes.get("r", ""))
        column = column_index_from_string(letters[0]) - 1 if letters else self._last_column + 1
        self._last_column = column
        self._copy_to(begins)
        self._insert_before(column)
        if column in self._todo:
            self._cell = _Cell(column, begins, attributes.get("s", ""))

    def _insert_before(self, column: float) -> None:
        """Write the edits of cells that the sheet does not hold yet."""
        for missing in [index for index in self._todo if index < column]:
            self._out += self._build_cell(missing, self._todo.pop(missing), style="")

    def _end(self, name: str) -> None:
        local = name.rpartition(":")[2]
        if local == "c" and self._cell:
            self._finish_cell(self._cell, name)
            self._cell = None
        elif local == "row" and self._todo:
            self._finish_row(name)

    def _finish_cell(self, cell: _Cell, name: str) -> None:
        text = self._todo.pop(cell.column)
        ends = self._find_end(name)
        if not cell.formula:
            self._skip_to(ends)
            self._out += self._build_cell(cell.column, text, style=cell.style)
            return
        self.report(
            RowProblem(
                line=self._row,
                column=get_column_letter(cell.column + 1),
                code="formula_cell",
                message="The cell holds a formula. The seller's own text is kept.",
                value=excerpt(text),
            )
        )

    def _find_end(self, name: str) -> int:
        """Just behind the element that ends here: at its end tag, or already behind a ``<c/>``."""
        at = self._parser.CurrentByteIndex
        start = at - self._offset
        closing = b"</" + name.encode()
        if self._held[start : start + len(closing)] != closing:
            return at
        return self._offset + self._held.index(b">", start) + 1

    def _finish_row(self, name: str) -> None:
        """Put what is left behind the row's last cell; a row without any is ``<row/>``."""
        at = self._parser.CurrentByteIndex
        closing = b"</" + name.encode()
        self._copy_to(at)
        is_open = self._held.startswith(closing)
        if not is_open:
            message = f"row {self._row} has no cells to edit"
            raise ValueError(message)
        self._insert_before(float("inf"))

    def _build_cell(self, column: int, text: str, *, style: str) -> bytes:
        place = f"{get_column_letter(column + 1)}{self._row}"
        chosen = f" s={quoteattr(style)}" if style else ""
        p = self._prefix
        if not text:
            return f'<{p}c r="{place}"{chosen}/>'.encode()
        shown = escape(text).replace("\r", "&#13;")
        return (
            f'<{p}c r="{place}"{chosen} t="inlineStr"><{p}is><{p}t xml:space="preserve">'
            f"{shown}</{p}t></{p}is></{p}c>"
        ).encode()
