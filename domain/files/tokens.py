"""Splits a file's text into records and cells, each kept exactly as it is written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from core.errors import FileFormatError


class Record(NamedTuple):
    """One record as written: ``raw`` without its end, the end itself, its physical first line."""

    raw: str
    newline: str
    line: int


class Tokenizer:
    """The grammar of one delimiter and quote character.

    A quote opens a cell only as its first character; doubled, it stands for itself. Records end
    with CR, LF or CRLF outside quotes, mixed as they come.
    """

    def __init__(self, delimiter: str, *, quotechar: str = '"') -> None:
        mark, quote = re.escape(delimiter), re.escape(quotechar)
        # The look-ahead after the closing quote leaves one way to read a run of quotes, so that
        # the pattern never backs out of a pair and stays linear without possessive quantifiers
        # (which early releases of Python 3.11 get wrong inside groups).
        quoted = f"{quote}[^{quote}]*(?:{quote}{quote}[^{quote}]*)*{quote}(?!{quote})"
        cell = f"(?:{quoted}|(?!{quote}))[^{mark}\r\n]*"
        record = f"({cell}(?:{mark}{cell})*)"
        inner_end, last_end = "(\r\n|\n|\r(?=[^\n]))", "(\r\n|\n|\r|\\Z)"
        self.delimiter = delimiter
        self.quotechar = quotechar
        self._plain = re.compile(f"([^{quote}\r\n]*){inner_end}")
        self._record = re.compile(f"{record}{inner_end}")
        self._last = re.compile(f"{record}{last_end}")
        self._cell = re.compile(f"{mark}({cell})")
        self._quoted = re.compile(quoted)
        self._empty_chars = f" \t{delimiter}{quotechar}"

    def iter_records(self, texts: Iterable[str], *, max_chars: int = 1 << 24) -> Iterator[Record]:
        """Every record of a text that comes in pieces, blank lines included.

        Raises FileFormatError for a quote that is never closed, naming the line where it opens.
        """
        pending, line, wanted = "", 1, 0
        for text in texts:
            pending += text
            if len(pending) < wanted:
                continue
            start = 0
            while found := self._plain.match(pending, start) or self._record.match(pending, start):
                record = Record(found[1], found[2], line)
                yield record
                line += count_lines(record.raw) + 1
                start = found.end()
            pending = pending[start:]
            self._require_short(pending, line, max_chars=max_chars)
            # Reading twice as much before looking again keeps a long record linear.
            wanted = 2 * len(pending)
        yield from self._iter_last(pending, line)

    def _iter_last(self, pending: str, line: int) -> Iterator[Record]:
        start = 0
        while start < len(pending):
            found = self._last.match(pending, start)
            if found is None:
                raise self._unclosed(pending[start:], line)
            yield Record(found[1], found[2], line)
            line += count_lines(found[1]) + 1
            start = found.end()

    def _require_short(self, pending: str, line: int, *, max_chars: int) -> None:
        if len(pending) <= max_chars:
            return
        if self.quotechar in pending and self._last.match(pending) is None:
            raise self._unclosed(pending, line)
        message = f"The record that begins in line {line} is longer than {max_chars} characters."
        raise FileFormatError(message, line=line, remedy="Check the file's line ends.")

    def _unclosed(self, pending: str, line: int) -> FileFormatError:
        opens_at, column_no = 0, 1
        text = self.delimiter + pending
        while found := self._cell.match(text, opens_at):
            opens_at, column_no = found.end(), column_no + 1
        line += count_lines(text[:opens_at])
        message = f"A quote opens in line {line}, cell {column_no}, and is never closed."
        remedy = f"Close it, or write a quote inside a quoted cell twice ({self.quotechar * 2})."
        return FileFormatError(message, line=line, column=f"cell {column_no}", remedy=remedy)

    def split(self, raw: str) -> list[str]:
        """The cells of a record as written."""
        if self.quotechar not in raw:
            return raw.split(self.delimiter)
        return self._cell.findall(self.delimiter + raw)

    def join(self, cells: Iterable[str]) -> str:
        """The inverse of ``split``."""
        return self.delimiter.join(cells)

    def value(self, cell: str) -> str:
        """What a cell says."""
        if not cell.startswith(self.quotechar):
            return cell
        found = self._quoted.match(cell)
        if found is None:
            return cell
        inner = found[0][1:-1]
        if self.quotechar in inner:
            inner = inner.replace(self.quotechar * 2, self.quotechar)
        return inner + cell[found.end() :].rstrip()

    def is_well_quoted(self, cell: str) -> bool:
        """Whether nothing but space follows a closing quote."""
        if not cell.startswith(self.quotechar):
            return True
        found = self._quoted.match(cell)
        return found is not None and not cell[found.end() :].strip()

    def write(self, text: str, *, like: str) -> str:
        """A cell that says ``text``, quoted if the cell ``like`` is quoted or if it must be."""
        needed = any(mark in text for mark in (self.delimiter, self.quotechar, "\r", "\n"))
        if not needed and not like.startswith(self.quotechar):
            return text
        return self.quotechar + text.replace(self.quotechar, self.quotechar * 2) + self.quotechar

    def is_empty(self, raw: str) -> bool:
        """Whether a record says nothing: a blank line, or empty cells alone."""
        return not raw.strip(self._empty_chars)


def count_lines(text: str) -> int:
    """How many line ends a text holds."""
    if "\r" not in text:
        return text.count("\n")
    return text.count("\n") + text.count("\r") - text.count("\r\n")
