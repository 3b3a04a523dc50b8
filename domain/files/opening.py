"""Opens a file for a first look: what its bytes are, its first records, which one is the header."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from core.errors import FileFormatError, TooLargeError
from domain.files.columns import describe_title_columns, list_choices
from domain.files.dialect import (
    SAMPLE_CHARS,
    Header,
    Wanted,
    find_header,
    iter_first_records,
    read_names,
    sniff_delimiter,
)
from domain.files.encoding import Encoding, detect_encoding, iter_text, measure_bytes
from domain.files.source import ByteStream, Dialect, FileLimits, excerpt
from domain.files.tokens import Record, Tokenizer
from domain.files.workbook import DIALECT, is_workbook, read_first_rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A file that can be read.

    ``sheets``: a worksheet's name to its first records, of a text file "" alone. ``sample`` is
    their text, "" for a workbook, whose records are complete. ``notes`` are for the seller.
    """

    dialect: Dialect
    size_bytes: int
    sheets: Mapping[str, Sequence[Record]]
    sample: str = ""
    notes: tuple[str, ...] = field(default=())

    @property
    def tokenizer(self) -> Tokenizer:
        """The grammar of the records."""
        return Tokenizer(self.dialect.delimiter, quotechar=self.dialect.quotechar)


def open_file(stream: ByteStream, *, limits: FileLimits) -> Opened:
    """Read all bytes of a file once; raises FileFormatError and TooLargeError."""
    if is_workbook(stream):
        size = measure_bytes(stream, limits)
        sheets = read_first_rows(stream, limits=limits)
        return Opened(dialect=DIALECT, size_bytes=size, sheets=sheets)
    encoding = detect_encoding(stream, limits=limits)
    dialect = Dialect(
        encoding=encoding.name,
        bom=encoding.bom,
        damaged=encoding.name == "utf-8" and encoding.bad_byte_at is not None,
    )
    sample = _read_sample(stream, dialect)
    dialect = replace(dialect, delimiter=sniff_delimiter(sample))
    opened = Opened(
        dialect=dialect,
        size_bytes=encoding.size_bytes,
        sheets={},
        sample=sample,
        notes=tuple(_list_notes(encoding)),
    )
    return replace(opened, sheets={"": list(iter_first_records(sample, opened.tokenizer))})


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


def _list_notes(encoding: Encoding) -> list[str]:
    if encoding.name == "windows-1252":
        place = f"byte {encoding.bad_byte_at} of the file is not UTF-8"
        return [f"Read as Windows-1252: {place}. Check that accents and symbols look right."]
    if encoding.bad_byte_at is not None:
        found = f"The file says that it is UTF-8, but byte {encoding.bad_byte_at} is not"
        return [f"{found}; such bytes are kept in your file and shown as \ufffd."]
    if encoding.name.startswith("utf-16") and not encoding.bom:
        return ["Read as UTF-16 without a byte order mark."]
    return []


def choose_header(opened: Opened, *, wanted: Wanted, limits: FileLimits) -> tuple[str, Header]:
    """The sheet whose header tells most ("" for a text file), the first of equal ones.

    Raises FileFormatError when no record names a title. A header without the columns that the
    seller chose is taken all the same: mapping them then says which is missing.
    """
    for wish in (wanted, replace(wanted, mapping={})):
        found = [
            (sheet, header)
            for sheet, records in opened.sheets.items()
            if (header := find_header(records, opened.tokenizer, wanted=wish))
        ]
        if found:
            return max(found, key=lambda one: one[1].confidence)
    raise _no_title(opened, limits, chosen=list_choices(wanted.mapping.get("title", ())))


def _no_title(opened: Opened, limits: FileLimits, *, chosen: Sequence[str]) -> FileFormatError:
    """The error for a file without a title column, or for what kept us from reading its header."""
    for sheet, records in opened.sheets.items():
        for record in records:
            if record.raw.strip() and not record.raw.startswith("#"):
                names = read_names(record, opened.tokenizer)
                require_narrow(names, record.line, limits=limits)
                return _unnamed(names, record.line, sheet=sheet, chosen=chosen)
    for _ in opened.tokenizer.iter_records([opened.sample]):
        pass  # an open quote in the first record says so here
    message = "The file has no header line."
    return FileFormatError(message, line=1, remedy="Add a first line that names the columns.")


def _unnamed(
    names: Sequence[str], line: int, *, sheet: str, chosen: Sequence[str]
) -> FileFormatError:
    found = excerpt(", ".join(excerpt(name, length=40) for name in names[:30]), length=400)
    place = f"line {line} of sheet {excerpt(sheet)!r}" if sheet else f"line {line}"
    if chosen:
        return FileFormatError(
            f"No column {chosen[0]!r}, chosen for the title, in the header ({place}). "
            f"Its columns are: {found}.",
            line=line,
            column="title",
            field="mapping",
            remedy="Choose one of them.",
        )
    return FileFormatError(
        f"No title column in the header ({place}). Its columns are: {found}. "
        f"A title is looked for under: {describe_title_columns()}.",
        line=line,
        column="title",
        remedy="Choose the column of the titles (mapping), or rename it, or add a header line.",
    )


def require_narrow(names: Sequence[str], line: int, *, limits: FileLimits) -> None:
    """Raises TooLargeError for a header with too many columns."""
    if len(names) > limits.max_columns:
        # No exact number: of a very long line only the beginning was looked at.
        message = f"Line {line} has more than {limits.max_columns} columns, the most that are read."
        raise TooLargeError(
            message, field="file", remedy="Remove the columns that you do not need."
        )
