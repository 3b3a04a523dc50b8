"""What reading a seller's file gives: its limits, dialect, shape, rows' problems and products."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from domain.listing import Fields, Listing

_CELL: Final = re.compile(r"cell \d+")

ByteStream = Callable[[], Iterator[bytes]]
"""Opens the file again at its first byte with every call; chunks may have any size."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileLimits:
    """How large a file may be; above a limit it is refused, but for cells, which are row problems.

    ``max_record_bytes`` bounds memory: one record, or one quote that nothing closes. Of a workbook
    (a zip archive) ``max_parts`` counts the files in it, ``max_unpacked_bytes`` is their size
    unpacked, ``max_strings_bytes`` the size of its table of texts, which is held in memory, and
    ``max_unpack_ratio`` how many times its size it may grow.
    """

    max_bytes: int = 200 * 1024 * 1024
    max_rows: int = 500_000
    max_columns: int = 500
    max_cell_bytes: int = 100_000
    max_record_bytes: int = 8 * 1024 * 1024
    max_parts: int = 5_000
    max_unpacked_bytes: int = 1024 * 1024 * 1024
    max_strings_bytes: int = 64 * 1024 * 1024
    max_unpack_ratio: int = 200


DEFAULT_LIMITS = FileLimits()


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How the file's bytes become cells, exactly enough to write the same bytes again.

    ``encoding`` is utf-8, utf-16-le, utf-16-be or windows-1252. ``damaged`` is True for UTF-8 with
    bytes that are not UTF-8: they are kept in the file and shown as U+FFFD. ``newline`` is the most
    used record end; records keep their own. ``sheet`` is the worksheet that is read of an Excel
    workbook, "" for a text file; its files of changes are text in the rest of the dialect.
    """

    encoding: str = "utf-8"
    bom: bool = False
    damaged: bool = False
    delimiter: str = ","
    quotechar: str = '"'
    newline: str = "\n"
    sheet: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileShape:
    """What a file turned out to be; stored with the import, so that it is never guessed twice.

    ``header_line`` is physical, from 1; what stands above it is kept and not read, and so are lines
    between it and ``first_row_line`` (0: the next line). A workbook's lines are its sheet's rows.
    ``chosen`` names the fields whose columns the seller chose. ``channel`` is
    "" for a file of no platform. ``confidence`` is from 0 to 1. ``mapping`` gives the column
    indexes (from 0) of a canonical field or attribute. ``notes`` are for the seller's eyes.
    ``rows`` counts records below the header, blank ones left out.
    """

    dialect: Dialect
    header: tuple[str, ...]
    header_line: int
    profile: str
    channel: str
    confidence: float
    mapping: Mapping[str, tuple[int, ...]]
    notes: tuple[str, ...] = ()
    rows: int = 0
    size_bytes: int = 0
    first_row_line: int = 0
    chosen: tuple[str, ...] = ()

    @property
    def rows_from(self) -> int:
        """The first physical line that may hold a row."""
        return max(self.first_row_line, self.header_line + 1)

    def has_field(self, name: str) -> bool:
        """Whether the file has a column for the field; only such a field can be edited in it."""
        return name in self.mapping

    def column_name(self, name: str) -> str:
        """The file's own header of a canonical field, "" where it has no such column."""
        indexes = self.mapping.get(name, ())
        return self.header[indexes[0]] if indexes else ""

    def to_json(self) -> dict[str, Any]:
        """Plain values for storage; ``from_json`` is the inverse."""
        return {
            "dialect": asdict(self.dialect),
            "header": list(self.header),
            "header_line": self.header_line,
            "profile": self.profile,
            "channel": self.channel,
            "confidence": self.confidence,
            "mapping": {name: list(indexes) for name, indexes in self.mapping.items()},
            "notes": list(self.notes),
            "rows": self.rows,
            "size_bytes": self.size_bytes,
            "first_row_line": self.first_row_line,
            "chosen": list(self.chosen),
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> FileShape:
        """Rebuild what ``to_json`` stored."""
        values = dict(stored)
        values["dialect"] = Dialect(**values["dialect"])
        values["mapping"] = {name: tuple(found) for name, found in values["mapping"].items()}
        for name in ("header", "notes", "chosen"):
            values[name] = tuple(values.get(name, ()))
        return cls(**values)


@dataclass(frozen=True, slots=True, kw_only=True)
class RowProblem:
    """Something wrong with one row or one edit of it; it never stops other rows.

    ``line`` is physical, from 1; ``column`` the file's own header ("" = the row as a whole);
    ``value`` an excerpt. ``blocking`` means that the row's cells cannot be trusted to stand in the
    right columns, so that it must not be worked on.
    """

    line: int
    column: str
    code: str
    message: str
    value: str = ""
    blocking: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceProduct:
    """One product of a file: one row, or the rows of its variants.

    ``key`` is unique in the file. ``row_no`` counts records from 1 below the header, blank ones
    left out; it is the product's first row, the one that edits change. ``line`` is physical.
    """

    key: str
    row_no: int
    line: int
    row_nos: tuple[int, ...]
    listing: Listing
    problems: tuple[RowProblem, ...] = ()

    @property
    def usable(self) -> bool:
        """Whether it may be worked on; False when a problem makes its columns doubtful."""
        return not any(problem.blocking for problem in self.problems)


@dataclass(frozen=True, slots=True, kw_only=True)
class SupplementRow:
    """New text of one product for another channel.

    ``by_llm`` names the fields whose text a language model wrote.
    """

    key: str
    fields: Fields = field(default_factory=dict)
    by_llm: frozenset[str] = frozenset()


Report = Callable[[RowProblem], None]
"""Told of every edit that could not be written; the seller's own cell stays."""


def name_place(column: str) -> str:
    """The column of a fault in words; where no header names it, it is a cell."""
    return column if _CELL.fullmatch(column) else f"column {column}"


def excerpt(text: str, *, length: int = 60) -> str:
    """The start of a text, short enough for a message."""
    return text if len(text) <= length else text[: length - 1] + "…"
