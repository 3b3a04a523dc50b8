"""Looks a whole file over before anything is made of it: encoding, dialect, format, limits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from core.errors import FileFormatError, TooLargeError
from domain.files.columns import Choice, check_choice, map_columns
from domain.files.dialect import Header, Wanted
from domain.files.encoding import MOJIBAKE
from domain.files.opening import Opened, choose_header, open_file, require_narrow
from domain.files.profile import list_profile_names, load_profile
from domain.files.reader import NUL, find_nul, open_records
from domain.files.source import DEFAULT_LIMITS, ByteStream, Dialect, FileLimits, FileShape, excerpt
from domain.files.tokens import Record, Tokenizer

_KEYS = ("sku", "id", "handle", "gtin", "mpn")
_WEAK_CONFIDENCE = 0.1
_MAX_BLANK = 2_000_000
"""Twice the rows of the largest spreadsheet: a file of line ends alone would take minutes."""


def inspect_file(
    stream: ByteStream,
    *,
    limits: FileLimits = DEFAULT_LIMITS,
    profile: str | None = None,
    mapping: Choice | None = None,
) -> FileShape:
    """Find out what a file is, reading all of it twice (bytes, then records).

    ``profile`` overrides the recognised format, ``mapping`` (field to header names) the columns of
    some fields. Raises FileFormatError for what cannot be read (empty, binary, no header, no title
    column, no rows, a NUL in the header, a quote that never closes), TooLargeError for what is
    above a limit and InvalidFieldError for a mapping that the file cannot follow; each names
    reason and remedy.
    """
    if profile is not None and profile not in list_profile_names():
        message = f"There is no file format {profile!r}."
        raise FileFormatError(message, remedy=f"Choose one of {', '.join(list_profile_names())}.")
    check_choice(mapping or {})
    wanted = Wanted(profile=profile, mapping=mapping or {})
    opened = open_file(stream, limits=limits)
    sheet, header = choose_header(opened, wanted=wanted, limits=limits)
    dialect = replace(opened.dialect, sheet=sheet)
    require_narrow(header.names, header.record.line, limits=limits)
    seen = _survey(stream, dialect, header=header, limits=limits)
    dialect = replace(dialect, newline=seen.newline)
    return _build_shape(opened, dialect, header=header, seen=seen, wanted=wanted)


@dataclass(slots=True, kw_only=True)
class _Survey:
    """What the pass over all records found."""

    rows: int = 0
    blank: int = 0
    newlines: Counter[str] = field(default_factory=Counter)
    mojibake: int = 0
    mojibake_example: str = ""

    @property
    def newline(self) -> str:
        """The most used record end."""
        return next((end for end, _ in self.newlines.most_common() if end), "\n")


def _survey(stream: ByteStream, dialect: Dialect, *, header: Header, limits: FileLimits) -> _Survey:
    seen = _Survey()
    tokenizer = Tokenizer(dialect.delimiter, quotechar=dialect.quotechar)
    for record in open_records(stream, dialect, width=len(header.names), limits=limits):
        seen.newlines[record.newline] += 1
        if record.line < header.rows_from and NUL in record.raw:
            raise _nul_error(record, tokenizer, header)
        if not record.raw.isascii():
            _watch_mojibake(record.raw, seen)
        if record.line < header.rows_from or tokenizer.is_empty(record.raw):
            seen.blank += 1
            if seen.blank > _MAX_BLANK:
                message = f"The file has more than {_MAX_BLANK} blank lines."
                raise TooLargeError(message, field="file", remedy="Remove the blank lines.")
            continue
        seen.rows += 1
        if seen.rows > limits.max_rows:
            message = f"The file has more than {limits.max_rows} rows."
            raise TooLargeError(message, field="file", remedy="Split it and upload the parts.")
    if not seen.rows:
        message = f"The file has a header (line {header.record.line}) and no rows below it."
        raise FileFormatError(message, line=header.record.line, remedy="Export it with products.")
    return seen


def _watch_mojibake(text: str, seen: _Survey) -> None:
    for found in MOJIBAKE.finditer(text):
        seen.mojibake += 1
        start, end = max(0, found.start() - 12), found.end() + 8
        seen.mojibake_example = seen.mojibake_example or " ".join(text[start:end].split())


def _nul_error(record: Record, tokenizer: Tokenizer, header: Header) -> FileFormatError:
    line, index = find_nul(record, tokenizer)
    column = header.names[index] if index < len(header.names) else f"cell {index + 1}"
    column = column.replace(NUL, "\ufffd")
    return FileFormatError(
        f"Line {line}, column {column!r} holds a NUL byte, which no text has.",
        line=line,
        column=column,
        remedy="The file was damaged or is not a text file; export it again.",
    )


def _build_shape(
    opened: Opened, dialect: Dialect, *, header: Header, seen: _Survey, wanted: Wanted
) -> FileShape:
    profile = load_profile(header.profile)
    mapping = map_columns(profile, header.names, chosen=wanted.mapping)
    confidence = header.confidence
    if not profile.channel and any(name in mapping for name in _KEYS):
        confidence += _WEAK_CONFIDENCE
    return FileShape(
        dialect=dialect,
        header=header.names,
        header_line=header.record.line,
        first_row_line=header.rows_from,
        profile=header.profile,
        channel=profile.channel,
        confidence=round(min(1.0, confidence), 2),
        mapping=mapping,
        chosen=tuple(wanted.mapping),
        notes=(*opened.notes, *_iter_notes(dialect, header, seen=seen, mapping=mapping)),
        rows=seen.rows,
        size_bytes=opened.size_bytes,
    )


def _iter_notes(
    dialect: Dialect, header: Header, *, seen: _Survey, mapping: dict[str, tuple[int, ...]]
) -> Iterator[str]:
    if dialect.sheet:
        yield f"Read from the sheet {excerpt(dialect.sheet)!r}; other sheets are kept as they are."
    if seen.mojibake:
        yield (
            f"Wrongly decoded characters in {seen.mojibake} places (mojibake), for example "
            f"{seen.mojibake_example!r}; they were in the file already and are kept."
        )
    if header.skipped:
        yield f"What stands above the header (line {header.record.line}) is kept and not read."
    repeated = sorted({name for name in header.names if name and header.names.count(name) > 1})
    if repeated:
        yield f"Columns named more than once: {', '.join(repeated[:5])}."
    if not any(name in mapping for name in _KEYS):
        yield "No SKU or id column; products are known by their row number."
