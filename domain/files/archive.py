"""Opens an Excel workbook's zip archive, and refuses one that was made to exhaust a machine.

The one place of the domain that does I/O: a zip is read from its end, so that the stream of
chunks goes into a temporary file, which stays in memory while it is small.
"""

from __future__ import annotations

import shutil
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import SpooledTemporaryFile
from typing import IO
from xml.parsers import expat
from zipfile import BadZipFile, ZipFile, ZipInfo

from core.errors import FileFormatError, TooLargeError
from domain.files.source import ByteStream, FileLimits

ZIP_START = b"PK\x03\x04"
BLOCK_BYTES = 1 << 18
IN_MEMORY_BYTES = 8 * 1024 * 1024
"""A temporary file goes to disk above this size."""
_MAX_SMALL_PART_BYTES = 8 * 1024 * 1024
"""Parts that are held in memory as a tree (styles, list of sheets) and are small in real files."""
_OFFICE_PART = "[Content_Types].xml"
"""Every Office Open XML document has it."""
_MAX_DEPTH = 64
_MAX_ROW_ELEMENTS = 100_000
_MAX_OTHER_ELEMENTS = 1_000_000
_MAX_ROWS = 1_048_576
"""Rows that Excel's own format allows."""
_ENCRYPTED = 1
_REMEDY = "Save your table anew as a workbook or as CSV (UTF-8) and upload that file."

BROKEN = (
    ArithmeticError,
    AttributeError,
    BadZipFile,
    EOFError,
    LookupError,
    NotImplementedError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    expat.ExpatError,
    zlib.error,
)
"""What zipfile, the XML parser and openpyxl raise for a damaged or unusual workbook."""


def damaged(reason: str) -> FileFormatError:
    """The error for a workbook that cannot be read."""
    return FileFormatError(f"The Excel workbook cannot be read: {reason}.", remedy=_REMEDY)


@contextmanager
def spool(stream: ByteStream) -> Iterator[IO[bytes]]:
    """The file's bytes with random access, for as long as the block runs."""
    with SpooledTemporaryFile(max_size=IN_MEMORY_BYTES) as file:
        for chunk in stream():
            file.write(chunk)
        file.seek(0)
        yield file


def open_zip(file: IO[bytes]) -> ZipFile:
    """The archive; raises FileFormatError for a damaged one."""
    try:
        return ZipFile(file)
    except BROKEN as error:
        raise damaged("it is damaged or was cut") from error


def check_archive(archive: ZipFile, *, limits: FileLimits) -> None:
    """Measure every part before anything of it is held in memory.

    An archive that is no Office document at all is called what it is.
    zipfile never gives more bytes of a part than its directory says, so that sizes can be trusted.
    Raises FileFormatError and TooLargeError.
    """
    if _OFFICE_PART not in archive.namelist():
        message = "The file is a zip archive, not an Excel workbook or a text file with columns."
        remedy = "Unpack it and upload the table inside (CSV, tab-separated or .xlsx)."
        raise FileFormatError(message, line=1, remedy=remedy)
    parts = archive.infolist()
    if len(parts) > limits.max_parts:
        raise _too_large(f"it has {len(parts)} parts; {limits.max_parts} are read at most")
    unpacked = sum(part.file_size for part in parts)
    packed = sum(part.compress_size for part in parts)
    if unpacked > limits.max_unpacked_bytes:
        raise _too_large(f"it unpacks to {unpacked // 2**20} MB")
    if unpacked > max(packed, 2**16) * limits.max_unpack_ratio:
        raise _too_large(f"it unpacks to {unpacked // max(1, packed)} times its size")
    for part in parts:
        _check_part(archive, part, limits)


def _check_part(archive: ZipFile, part: ZipInfo, limits: FileLimits) -> None:
    name = part.filename.lower()
    if part.flag_bits & _ENCRYPTED:
        raise damaged("it is protected by a password")
    if not name.endswith((".xml", ".rels")) and not _looks_like_xml(archive, part):
        return
    is_sheet = "/worksheets/" in name
    if name.endswith("sharedstrings.xml"):
        if part.file_size > limits.max_strings_bytes:
            raise _too_large(f"its texts alone are {part.file_size // 2**20} MB")
    elif not is_sheet and part.file_size > _MAX_SMALL_PART_BYTES:
        raise _too_large(f"its part {part.filename[:80]!r} is {part.file_size // 2**20} MB")
    try:
        with archive.open(part) as file:
            _PartScanner(limits).scan(file)
    except BROKEN as error:
        raise damaged(f"its part {part.filename[:80]!r} is damaged") from error


def _looks_like_xml(archive: ZipFile, part: ZipInfo) -> bool:
    """Whether a part could be read as XML: a sheet may hide under any name."""
    try:
        with archive.open(part) as file:
            head = file.read(1024)
    except BROKEN as error:
        raise damaged(f"its part {part.filename[:80]!r} is damaged") from error
    return head.lstrip(b"\xef\xbb\xbf\xff\xfe\0 \t\r\n").startswith(b"<")


def _too_large(reason: str) -> TooLargeError:
    return TooLargeError(
        f"The Excel workbook is too large: {reason}.", field="file", remedy=_REMEDY
    )


class _PartScanner:
    """Reads one part's XML without keeping any of it; a reader that builds trees comes later."""

    def __init__(self, limits: FileLimits) -> None:
        self._max_pending = 4 * limits.max_record_bytes
        self._depth = self._rows = self._others = self._row_elements = self._row_start = 0
        self._row_bytes = 0
        self._in_row = False
        self._parser = expat.ParserCreate()
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.StartDoctypeDeclHandler = self._refuse_doctype

    def scan(self, file: IO[bytes]) -> None:
        fed = 0
        while block := file.read(BLOCK_BYTES):
            self._parser.Parse(block)
            fed += len(block)
            since = self._row_start if self._in_row else self._parser.CurrentByteIndex
            outside = self._parser.CurrentByteIndex - self._row_bytes
            if fed - since > self._max_pending or (
                not self._in_row and outside > self._max_pending
            ):
                raise _too_large("one of its rows or tags is larger than any table has")
        at_end = True
        self._parser.Parse(b"", at_end)

    def _refuse_doctype(self, *_declared: object) -> None:
        raise damaged("it declares XML entities, which no table needs")

    def _start(self, name: str, _attributes: object) -> None:
        self._depth += 1
        if self._in_row:
            self._row_elements += 1
        elif name == "row" or name.endswith(":row"):
            self._in_row, self._row_elements = True, 0
            self._row_start = self._parser.CurrentByteIndex
            self._rows += 1
        else:
            self._others += 1
        if (
            self._depth > _MAX_DEPTH
            or self._row_elements > _MAX_ROW_ELEMENTS
            or max(self._others, self._rows) > _MAX_OTHER_ELEMENTS + _MAX_ROWS
        ):
            raise _too_large("it has more cells or nests deeper than any table has")

    def _end(self, name: str) -> None:
        self._depth -= 1
        if name == "row" or name.endswith(":row"):
            self._in_row = False
            self._row_bytes += self._parser.CurrentByteIndex - self._row_start


def iter_blocks_of(file: IO[bytes]) -> Iterator[bytes]:
    """A file's bytes from its start."""
    file.seek(0)
    while block := file.read(BLOCK_BYTES):
        yield block


def copy_part(source: ZipFile, part: ZipInfo, target: ZipFile) -> None:
    """Put one part, its bytes unchanged, into another archive."""
    with source.open(part) as old, target.open(twin_of(part), "w") as new:
        shutil.copyfileobj(old, new)


def twin_of(part: ZipInfo) -> ZipInfo:
    """The directory entry for a part of the same name, date and compression."""
    twin = ZipInfo(part.filename, part.date_time)
    twin.compress_type = part.compress_type
    twin.external_attr = part.external_attr
    return twin
