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
    with CR, LF or CRLF outside quotes, mixed as they come. A record is followed quote by quote and
    not by one large pattern, whose memory would grow with its cells and quotes.
    """

    def __init__(self, delimiter: str, *, quotechar: str = '"') -> None:
        mark, quote = re.escape(delimiter), re.escape(quotechar)
        self.delimiter = delimiter
        self.quotechar = quotechar
        self._plain = re.compile(f"([^{quote}\r\n]*)(\r\n|\n|\r(?=[^\n]))")
        self._stop = re.compile(f"\r\n|\n|\r|{mark}{quote}")
        # Most cells hold few doubled quotes; the bound keeps the pattern's memory small. The
        # look-ahead leaves one way to read a run of quotes, so that backtracking finds nothing.
        pair = f"{quote}{quote}[^{quote}]*"
        self._simple = re.compile(f"{quote}[^{quote}]*(?:{pair}){{0,300}}{quote}(?!{quote})")
        self._quotes = re.compile(f"{quote}+")
        self._opening = delimiter + quotechar
        self._empty_chars = f" \t{delimiter}{quotechar}"

    def iter_records(self, texts: Iterable[str], *, max_chars: int = 1 << 23) -> Iterator[Record]:
        """Every record of a text that comes in pieces, blank lines included.

        Raises FileFormatError for a quote that is never closed, naming the line where it opens.
        """
        pending, line, wanted = "", 1, 0
        for text in texts:
            pending += text
            if len(pending) < wanted:
                continue
            start = 0
            while span := self._find_record(pending, start):
                end, following = span
                record = Record(pending[start:end], pending[end:following], line)
                yield record
                line += count_lines(record.raw) + 1
                start = following
            pending = pending[start:]
            self._require_short(pending, line, max_chars=max_chars)
            # Reading twice as much before looking again keeps a long record linear.
            wanted = 2 * len(pending)
        yield from self._iter_last(pending, line)

    def _iter_last(self, pending: str, line: int) -> Iterator[Record]:
        start = 0
        while start < len(pending):
            end, following, opening = self._scan(pending, start)
            if opening is not None:
                raise self._unclosed(pending[start:], line, opening=opening - start)
            yield Record(pending[start:end], pending[end:following], line)
            line += count_lines(pending[start:end]) + 1
            start = following

    def _find_record(self, text: str, start: int) -> tuple[int, int] | None:
        """Where the record ends and the next begins; None while more text may belong to it."""
        if found := self._plain.match(text, start):
            return found.end(1), found.end()
        end, following, opening = self._scan(text, start)
        if opening is not None or end == following or text[end:] == "\r":
            return None
        return end, following

    def _scan(self, text: str, start: int) -> tuple[int, int, int | None]:
        """End of the record, start of the next, and where a quote opens that nothing closes."""
        position = start
        if text.startswith(self.quotechar, start):
            position = self._find_close(text, start)
            if position < 0:
                return len(text), len(text), start
        while found := self._stop.search(text, position):
            if text[found.start()] in "\r\n":
                return found.start(), found.end(), None
            position = self._find_close(text, found.end() - 1)
            if position < 0:
                return len(text), len(text), found.end() - 1
        return len(text), len(text), None

    def _find_close(self, text: str, opening: int) -> int:
        """Just behind the quote that closes the one at ``opening``; -1 when none does."""
        if found := self._simple.match(text, opening):
            return found.end()
        position = opening + 1
        while found := self._quotes.search(text, position):
            position = found.end()
            if (position - found.start()) % 2:
                return position
        return -1

    def _require_short(self, pending: str, line: int, *, max_chars: int) -> None:
        if len(pending) <= max_chars:
            return
        opening = self._scan(pending, 0)[2]
        if opening is not None:
            raise self._unclosed(pending, line, opening=opening, most=max_chars)
        message = f"The record that begins in line {line} is longer than {max_chars} characters."
        raise FileFormatError(message, line=line, remedy="Check the file's line ends.")

    def _unclosed(self, pending: str, line: int, *, opening: int, most: int = 0) -> FileFormatError:
        """``most`` says how far was looked, 0 means to the end of the file."""
        column_no = len(self.split(pending[:opening]))
        line += count_lines(pending[:opening])
        end = f"is not closed within {most:,} characters" if most else "is never closed"
        message = f"A quote opens in line {line}, cell {column_no}, and {end}."
        remedy = f"Close it, or write a quote inside a quoted cell twice ({self.quotechar * 2})."
        return FileFormatError(message, line=line, column=f"cell {column_no}", remedy=remedy)

    def split(self, raw: str) -> list[str]:
        """The cells of a record as written."""
        if self.quotechar not in raw:
            return raw.split(self.delimiter)
        cells: list[str] = []
        start = 0
        while start >= 0:
            if raw.startswith(self.quotechar, start):
                closed = self._find_close(raw, start)
                end = raw.find(self.delimiter, closed) if closed > 0 else -1
                cells.append(raw[start:end] if end >= 0 else raw[start:])
            else:
                end = raw.find(self._opening, start)
                cells.extend((raw[start:end] if end >= 0 else raw[start:]).split(self.delimiter))
            start = end + 1 if end >= 0 else -1
        return cells

    def join(self, cells: Iterable[str]) -> str:
        """The inverse of ``split``."""
        return self.delimiter.join(cells)

    def value(self, cell: str) -> str:
        """What a cell says."""
        if not cell.startswith(self.quotechar):
            return cell
        if cell.find(self.quotechar, 1) == len(cell) - 1:
            return cell[1:-1]
        closed = self._find_close(cell, 0)
        if closed < 0:
            return cell
        inner = cell[1 : closed - 1].replace(self.quotechar * 2, self.quotechar)
        return inner + cell[closed:].rstrip()

    def is_well_quoted(self, cell: str) -> bool:
        """Whether nothing but space follows a closing quote."""
        if not cell.startswith(self.quotechar) or cell.find(self.quotechar, 1) == len(cell) - 1:
            return True
        closed = self._find_close(cell, 0)
        return closed > 0 and not cell[closed:].strip()

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
