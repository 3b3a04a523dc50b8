"""Reads the rows of a file whose shape is known, and says what is wrong with each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from domain.files.columns import Layout
from domain.files.encoding import iter_text, replace_surrogates
from domain.files.source import (
    DEFAULT_LIMITS,
    ByteStream,
    Dialect,
    FileLimits,
    FileShape,
    RowProblem,
    excerpt,
)
from domain.files.tokens import Record, Tokenizer, count_lines
from domain.files.workbook import iter_sheet_records

NUL = "\0"
"""No database and no page takes it; the file itself keeps it."""

_MAX_BYTES_PER_CHAR = 4
_KEPT_OF_LONG_CELL = 1000


class Row(NamedTuple):
    """One record below the header: what its cells say, and what is wrong with it."""

    row_no: int
    line: int
    values: list[str]
    problems: tuple[RowProblem, ...] = ()


class NumberedRecord(NamedTuple):
    """A record with its row number; 0 for what is no row: preamble, header, blank lines."""

    row_no: int
    record: Record


def build_tokenizer(shape: FileShape) -> Tokenizer:
    """The tokenizer of the file's dialect."""
    return Tokenizer(shape.dialect.delimiter, quotechar=shape.dialect.quotechar)


def find_nul(record: Record, tokenizer: Tokenizer) -> tuple[int, int]:
    """The physical line of a record's first NUL byte and the index of its cell."""
    line = record.line + count_lines(record.raw[: record.raw.index(NUL)])
    cells = tokenizer.split(record.raw)
    return line, next(index for index, cell in enumerate(cells) if NUL in cell)


def open_records(
    stream: ByteStream, dialect: Dialect, *, width: int, limits: FileLimits
) -> Iterator[Record]:
    """The records of a text file, or of a workbook's sheet as rows of ``width`` cells."""
    if dialect.sheet:
        return iter_sheet_records(stream, dialect.sheet, width=width)
    tokenizer = Tokenizer(dialect.delimiter, quotechar=dialect.quotechar)
    texts = iter_text(stream, dialect)
    return tokenizer.iter_records(texts, max_chars=limits.max_record_bytes)


def iter_records(
    stream: ByteStream, shape: FileShape, *, limits: FileLimits = DEFAULT_LIMITS
) -> Iterator[NumberedRecord]:
    """Every record of the file from its first line on."""
    tokenizer = build_tokenizer(shape)
    row_no = 0
    for record in open_records(stream, shape.dialect, width=len(shape.header), limits=limits):
        if record.line < shape.rows_from or tokenizer.is_empty(record.raw):
            yield NumberedRecord(0, record)
        else:
            row_no += 1
            yield NumberedRecord(row_no, record)


def iter_rows(
    stream: ByteStream, shape: FileShape, *, layout: Layout, limits: FileLimits = DEFAULT_LIMITS
) -> Iterator[Row]:
    """The rows below the header."""
    checker = _RowChecker(shape, layout, limits)
    for row_no, record in iter_records(stream, shape, limits=limits):
        if row_no:
            yield checker.read(row_no, record)


class _RowChecker:
    """Reads one record after the other; looks closely only at those that may be wrong."""

    def __init__(self, shape: FileShape, layout: Layout, limits: FileLimits) -> None:
        self._tokenizer = build_tokenizer(shape)
        self._header = shape.header
        self._max_cell_bytes = limits.max_cell_bytes
        self._safe_chars = limits.max_cell_bytes // _MAX_BYTES_PER_CHAR
        self._may_be_damaged = shape.dialect.damaged or shape.dialect.encoding.startswith("utf-16")
        columns = [index for _, indexes in layout.texts for index in indexes]
        self._needed_cells = max([*columns, *layout.key, -1]) + 1

    def read(self, row_no: int, record: Record) -> Row:
        problems: list[RowProblem] = []
        if NUL in record.raw:
            problems.extend(self._check_nul(record))
            record = record._replace(raw=record.raw.replace(NUL, "\ufffd"))
        cells = self._tokenizer.split(record.raw)
        problems.extend(self._check_width(cells, record.line))
        values = cells
        if self._tokenizer.quotechar in record.raw:
            values = [self._tokenizer.value(cell) for cell in cells]
            problems.extend(self._check_quotes(cells, record))
        if len(record.raw) > self._safe_chars:
            problems.extend(self._cut_long_cells(values, record.line))
        if self._may_be_damaged and not record.raw.isascii():
            problems.extend(self._mend_characters(values, record.line))
        return Row(row_no, record.line, values, tuple(problems))

    def _check_nul(self, record: Record) -> Iterator[RowProblem]:
        line, index = find_nul(record, self._tokenizer)
        message = "The row holds a NUL byte, which no text has; shown as \ufffd."
        value = self._tokenizer.split(record.raw)[index].replace(NUL, "\ufffd")
        yield RowProblem(
            line=line,
            column=self._name(index),
            code="nul_byte",
            message=message,
            value=excerpt(value),
            blocking=True,
        )

    def _check_width(self, cells: Sequence[str], line: int) -> Iterator[RowProblem]:
        found, wanted = len(cells), len(self._header)
        if found > wanted and any(cell.strip(' "') for cell in cells[wanted:]):
            message = f"{found} cells for {wanted} columns; a text may hold an unquoted delimiter."
            value = excerpt(self._tokenizer.join(cells[wanted:]))
            yield _problem(line, "too_many_cells", message, value=value, blocking=True)
        elif found < wanted:
            message = f"{found} cells for {wanted} columns; a line may be broken in two."
            blocking = found < self._needed_cells
            value = excerpt(self._tokenizer.join(cells))
            yield _problem(line, "too_few_cells", message, value=value, blocking=blocking)

    def _check_quotes(self, cells: Sequence[str], record: Record) -> Iterator[RowProblem]:
        if all(map(self._tokenizer.is_well_quoted, cells)):
            return
        line = record.line
        for index, cell in enumerate(cells):
            lines = count_lines(cell)
            if not self._tokenizer.is_well_quoted(cell):
                message = "Text follows a closing quote; a quote inside is not written twice."
                if lines:
                    message += f" The cell runs from line {line} to {line + lines}."
                yield RowProblem(
                    line=line,
                    column=self._name(index),
                    code="bad_quoting",
                    message=message,
                    value=excerpt(cell),
                    blocking=True,
                )
            line += lines

    def _cut_long_cells(self, values: list[str], line: int) -> Iterator[RowProblem]:
        for index, value in enumerate(values):
            size = len(value.encode("utf-8", "surrogatepass"))
            if size > self._max_cell_bytes:
                values[index] = value[:_KEPT_OF_LONG_CELL]
                yield RowProblem(
                    line=line,
                    column=self._name(index),
                    code="cell_too_long",
                    message=f"The cell has {size} bytes; {self._max_cell_bytes} are read at most.",
                    value=excerpt(value),
                    blocking=True,
                )

    def _mend_characters(self, values: list[str], line: int) -> Iterator[RowProblem]:
        for index, value in enumerate(values):
            mended = replace_surrogates(value)
            if mended != value:
                values[index] = mended
                yield RowProblem(
                    line=line,
                    column=self._name(index),
                    code="bad_characters",
                    message="The cell holds bytes that are no character; shown as \ufffd.",
                    value=excerpt(mended),
                    blocking=True,
                )

    def _name(self, index: int) -> str:
        return self._header[index] if index < len(self._header) else f"cell {index + 1}"


def _problem(line: int, code: str, message: str, *, value: str, blocking: bool) -> RowProblem:
    return RowProblem(
        line=line, column="", code=code, message=message, value=value, blocking=blocking
    )
