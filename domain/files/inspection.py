"""Looks a whole file over before anything is made of it: encoding, dialect, format, limits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from core.errors import FileFormatError, TooLargeError
from domain.files.columns import describe_title_columns, map_columns
from domain.files.dialect import (
    SAMPLE_CHARS,
    Header,
    find_header,
    iter_first_records,
    read_names,
    sniff_delimiter,
)
from domain.files.encoding import MOJIBAKE, Encoding, detect_encoding, iter_text
from domain.files.profile import list_profile_names, load_profile
from domain.files.source import DEFAULT_LIMITS, ByteStream, Dialect, FileLimits, FileShape, excerpt
from domain.files.tokens import Record, Tokenizer, count_lines

_KEYS = ("sku", "id", "handle", "gtin", "mpn")
_WEAK_CONFIDENCE = 0.1


def inspect_file(
    stream: ByteStream, *, limits: FileLimits = DEFAULT_LIMITS, profile: str | None = None
) -> FileShape:
    """Find out what a file is, reading all of it twice (bytes, then records).

    ``profile`` overrides the recognised format. Raises FileFormatError for what cannot be read
    (empty, binary, no header, no title column, no rows, a NUL, a quote that never closes) and
    TooLargeError for what is above a limit; each names line, column, reason and remedy.
    """
    if profile is not None and profile not in list_profile_names():
        message = f"There is no file format {profile!r}."
        raise FileFormatError(message, remedy=f"Choose one of {', '.join(list_profile_names())}.")
    encoding = detect_encoding(stream, limits=limits)
    dialect = Dialect(
        encoding=encoding.name,
        bom=encoding.bom,
        damaged=encoding.name == "utf-8" and encoding.bad_byte_at is not None,
    )
    sample = _read_sample(stream, dialect)
    dialect = replace(dialect, delimiter=sniff_delimiter(sample))
    tokenizer = Tokenizer(dialect.delimiter, quotechar=dialect.quotechar)
    header = find_header(sample, tokenizer, profile=profile)
    if header is None:
        raise _no_title(sample, tokenizer, limits)
    _require_narrow(header.names, header.record.line, limits)
    seen = _survey(stream, dialect, tokenizer=tokenizer, header=header, limits=limits)
    return _build_shape(encoding, replace(dialect, newline=seen.newline), header=header, seen=seen)


def _read_sample(stream: ByteStream, dialect: Dialect) -> str:
    sample = ""
    for text in iter_text(stream, dialect):
        sample += text
        if len(sample) >= SAMPLE_CHARS:
            break
    if not sample.strip():
        message = "The file is empty."
        raise FileFormatError(message, line=1, remedy="Export your products again.")
    return sample


def _no_title(sample: str, tokenizer: Tokenizer, limits: FileLimits) -> FileFormatError:
    """The error for a file without a title column, or for what kept us from reading its header."""
    for record in iter_first_records(sample, tokenizer):
        if not record.raw.startswith("#"):
            names = read_names(record, tokenizer)
            _require_narrow(names, record.line, limits)
            found = excerpt(", ".join(excerpt(name, length=40) for name in names[:30]), length=400)
            return FileFormatError(
                f"No title column in the header (line {record.line}). Its columns are: {found}. "
                f"A title is looked for under: {describe_title_columns()}.",
                line=record.line,
                column="title",
                remedy="Rename the column that holds the titles, or add a header line.",
            )
    for _ in tokenizer.iter_records([sample]):
        pass  # an open quote in the first record says so here
    message = "The file has no header line."
    return FileFormatError(message, line=1, remedy="Add a first line that names the columns.")


def _require_narrow(names: tuple[str, ...], line: int, limits: FileLimits) -> None:
    if len(names) > limits.max_columns:
        message = f"Line {line} has {len(names)} columns; {limits.max_columns} are read at most."
        raise TooLargeError(
            message, field="file", remedy="Remove the columns that you do not need."
        )


@dataclass(slots=True, kw_only=True)
class _Survey:
    """What the pass over all records found."""

    rows: int = 0
    newlines: Counter[str] = field(default_factory=Counter)
    mojibake: int = 0
    mojibake_example: str = ""

    @property
    def newline(self) -> str:
        """The most used record end."""
        return next((end for end, _ in self.newlines.most_common() if end), "\n")


def _survey(
    stream: ByteStream,
    dialect: Dialect,
    *,
    tokenizer: Tokenizer,
    header: Header,
    limits: FileLimits,
) -> _Survey:
    seen = _Survey()
    texts = _watch_mojibake(iter_text(stream, dialect), seen)
    for record in tokenizer.iter_records(texts, max_chars=limits.max_record_bytes):
        seen.newlines[record.newline] += 1
        if "\0" in record.raw:
            raise _nul_error(record, tokenizer, header)
        if record.line <= header.record.line or tokenizer.is_empty(record.raw):
            continue
        seen.rows += 1
        if seen.rows > limits.max_rows:
            message = f"The file has more than {limits.max_rows} rows."
            raise TooLargeError(message, field="file", remedy="Split it and upload the parts.")
    if not seen.rows:
        message = f"The file has a header (line {header.record.line}) and no rows below it."
        raise FileFormatError(message, line=header.record.line, remedy="Export it with products.")
    return seen


def _watch_mojibake(texts: Iterator[str], seen: _Survey) -> Iterator[str]:
    for text in texts:
        if not text.isascii():
            for found in MOJIBAKE.finditer(text):
                seen.mojibake += 1
                start, end = max(0, found.start() - 12), found.end() + 8
                seen.mojibake_example = seen.mojibake_example or " ".join(text[start:end].split())
        yield text


def _nul_error(record: Record, tokenizer: Tokenizer, header: Header) -> FileFormatError:
    line = record.line + count_lines(record.raw[: record.raw.index("\0")])
    cells = tokenizer.split(record.raw)
    index = next(i for i, cell in enumerate(cells) if "\0" in cell)
    column = header.names[index] if index < len(header.names) else f"cell {index + 1}"
    return FileFormatError(
        f"Line {line}, column {column!r} holds a NUL byte, which no text has.",
        line=line,
        column=column,
        remedy="The file was damaged or is not a text file; export it again.",
    )


def _build_shape(
    encoding: Encoding, dialect: Dialect, *, header: Header, seen: _Survey
) -> FileShape:
    profile = load_profile(header.profile)
    mapping = map_columns(profile, header.names)
    confidence = header.confidence
    if not profile.channel and any(name in mapping for name in _KEYS):
        confidence += _WEAK_CONFIDENCE
    return FileShape(
        dialect=dialect,
        header=header.names,
        header_line=header.record.line,
        profile=header.profile,
        channel=profile.channel,
        confidence=round(min(1.0, confidence), 2),
        mapping=mapping,
        notes=tuple(_iter_notes(encoding, header, seen=seen, mapping=mapping)),
        rows=seen.rows,
        size_bytes=encoding.size_bytes,
    )


def _iter_notes(
    encoding: Encoding, header: Header, *, seen: _Survey, mapping: dict[str, tuple[int, ...]]
) -> Iterator[str]:
    if encoding.name == "windows-1252":
        yield (
            f"Read as Windows-1252: byte {encoding.bad_byte_at} of the file is not UTF-8. "
            "Check that accents and symbols look right."
        )
    elif encoding.bad_byte_at is not None:
        yield (
            f"The file says that it is UTF-8, but byte {encoding.bad_byte_at} is not; such bytes "
            "are kept in your file and shown as \ufffd."
        )
    elif encoding.name.startswith("utf-16") and not encoding.bom:
        yield "Read as UTF-16 without a byte order mark."
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
