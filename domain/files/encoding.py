"""Finds out how a file's bytes spell text, and turns one into the other without losing a byte."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass

from core.errors import FileFormatError, TooLargeError
from domain.files.source import ByteStream, Dialect, FileLimits

BLOCK_BYTES = 1 << 18
_WINDOWS_1252 = "windows-1252"

_CP1252_CHARS = "".join(
    chr(code) if char == "\ufffd" else char
    for code, char in enumerate(bytes(range(256)).decode("cp1252", "replace"))
)
"""Windows-1252 with its 5 undefined bytes read as the control characters of the same number."""
_CP1252_BYTES = codecs.charmap_build(_CP1252_CHARS)

_BINARY_STARTS = {
    b"\xd0\xcf\x11\xe0": "an old or password-protected Excel workbook",
    b"%PDF": "a PDF document",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"GIF8": "a picture",
    b"\x1f\x8b": "a gzip archive",
    b"\xff\xfe\x00\x00": "UTF-32 text",
    b"\x00\x00\xfe\xff": "UTF-32 text",
}
_CONTROLS = bytes(code for code in range(32) if code not in b"\t\n\r\f")
_MAX_CONTROL_SHARE = 0.02
_SAVE_AS_CSV = "Save it as CSV (UTF-8) in your spreadsheet program and upload that file."

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)

MOJIBAKE = re.compile(
    "[\u00c2\u00c3][\u0080-\u00bf\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u0192\u02c6\u02dc"
    "\u2013\u2014\u2018-\u201a\u201c-\u201e\u2020-\u2022\u2026\u2030\u2039\u203a\u20ac\u2122]"
    "|\u00e2(?:\u20ac|\u201e)"
)
"""UTF-8 that some program before us read as Windows-1252 (an é shown as two characters)."""


_SURROGATE = re.compile("[\ud800-\udfff]")
_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoding:
    """The encoding of a whole file; ``bad_byte_at`` is the offset of the first non-UTF-8 byte."""

    name: str
    bom: bool
    size_bytes: int
    bad_byte_at: int | None = None


def iter_blocks(stream: ByteStream) -> Iterator[bytes]:
    """The file in blocks of at least BLOCK_BYTES (but for the last), whatever the chunks' size."""
    parts: list[bytes] = []
    held = 0
    for chunk in stream():
        parts.append(chunk)
        held += len(chunk)
        if held >= BLOCK_BYTES:
            yield b"".join(parts)
            parts, held = [], 0
    if held:
        yield b"".join(parts)


def detect_encoding(stream: ByteStream, *, limits: FileLimits) -> Encoding:
    """Read the whole file once: the first telling byte may stand at its end.

    Raises TooLargeError, and FileFormatError for an empty or binary file.
    """
    head = next(iter_blocks(stream), b"")[:BLOCK_BYTES]
    _require_text(head)
    name, bom = _name_by_start(head)
    if name.startswith("utf-16"):
        return Encoding(name=name, bom=bom, size_bytes=_measure_utf16(stream, limits))
    size, bad_byte_at = _check_utf8(stream, limits)
    if bad_byte_at is not None and not bom:
        name = _WINDOWS_1252
    return Encoding(name=name, bom=bom, size_bytes=size, bad_byte_at=bad_byte_at)


def _require_text(head: bytes) -> None:
    if not head.strip(codecs.BOM_UTF8 + codecs.BOM_UTF16_LE + b" \t\r\n\x00"):
        message = "The file is empty."
        raise FileFormatError(message, line=1, remedy="Export your products again.")
    for start, kind in _BINARY_STARTS.items():
        if head.startswith(start):
            message = f"The file is {kind}, not a text file with columns."
            raise FileFormatError(message, line=1, remedy=_SAVE_AS_CSV)
    if _name_by_start(head)[0].startswith("utf-16"):
        return
    controls = len(head) - len(head.translate(None, _CONTROLS))
    if controls > max(4, len(head) * _MAX_CONTROL_SHARE):
        message = "The file is binary, not a text file with columns."
        raise FileFormatError(message, line=1, remedy=_SAVE_AS_CSV)


def _name_by_start(head: bytes) -> tuple[str, bool]:
    for mark, name in _BOMS:
        if head.startswith(mark):
            return name, True
    even, odd = head[0:4096:2], head[1:4096:2]
    half = max(1, len(odd)) * 0.4
    if odd.count(0) > half and not even.count(0):
        return "utf-16-le", False
    if even.count(0) > half and not odd.count(0):
        return "utf-16-be", False
    return "utf-8", False


def _iter_limited(stream: ByteStream, limits: FileLimits) -> Iterator[bytes]:
    size = 0
    for block in iter_blocks(stream):
        size += len(block)
        if size > limits.max_bytes:
            message = f"The file is larger than {limits.max_bytes // (1024 * 1024)} MB."
            raise TooLargeError(message, field="file", remedy="Split it and upload the parts.")
        yield block


def measure_bytes(stream: ByteStream, limits: FileLimits) -> int:
    """The file's size; raises TooLargeError."""
    return sum(map(len, _iter_limited(stream, limits)))


def _measure_utf16(stream: ByteStream, limits: FileLimits) -> int:
    size = measure_bytes(stream, limits)
    if size % 2:
        message = "The file is UTF-16 and ends in the middle of a character; it was cut."
        raise FileFormatError(message, remedy="Export or upload it again.")
    return size


def _check_utf8(stream: ByteStream, limits: FileLimits) -> tuple[int, int | None]:
    decoder = codecs.getincrementaldecoder("utf-8")("strict")
    size, bad_byte_at = 0, None
    for block in _iter_limited(stream, limits):
        if bad_byte_at is None:
            held = len(decoder.getstate()[0])
            bad_byte_at = _find_bad_byte(decoder, block, at=size - held)
        size += len(block)
    if bad_byte_at is None:
        held = len(decoder.getstate()[0])
        bad_byte_at = _find_bad_byte(decoder, b"", at=size - held, final=True)
    return size, bad_byte_at


def _find_bad_byte(
    decoder: codecs.IncrementalDecoder, block: bytes, *, at: int, final: bool = False
) -> int | None:
    try:
        decoder.decode(block, final)
    except UnicodeDecodeError as error:
        return at + error.start
    return None


def iter_text(stream: ByteStream, dialect: Dialect) -> Iterator[str]:
    """The file's text without its byte order mark."""
    skip = len(encode_bom(dialect))
    decoder = _Decoder(dialect)
    for block in iter_blocks(stream):
        yield decoder.decode(block[skip:])
        skip = 0
    yield decoder.decode(b"", final=True)


class _Decoder:
    """Decodes block after block so that ``encode_text`` gives the same bytes again."""

    def __init__(self, dialect: Dialect) -> None:
        self._decoder: codecs.IncrementalDecoder | None = None
        if dialect.encoding != _WINDOWS_1252:
            factory = codecs.getincrementaldecoder(dialect.encoding)
            self._decoder = factory(_errors_of(dialect))

    def decode(self, block: bytes, *, final: bool = False) -> str:
        if self._decoder is None:
            return codecs.charmap_decode(block, "strict", _CP1252_CHARS)[0]
        return self._decoder.decode(block, final)


def _errors_of(dialect: Dialect) -> str:
    if dialect.encoding.startswith("utf-16"):
        return "surrogatepass"
    return "surrogateescape" if dialect.damaged else "strict"


def encode_bom(dialect: Dialect) -> bytes:
    """The byte order mark the file begins with, b"" for none."""
    if not dialect.bom:
        return b""
    return next(mark for mark, name in _BOMS if name == dialect.encoding)


def encode_text(text: str, dialect: Dialect) -> bytes:
    """The file's own bytes for a text; raises UnicodeEncodeError for what they cannot spell."""
    if dialect.encoding == _WINDOWS_1252:
        return codecs.charmap_encode(text, "strict", _CP1252_BYTES)[0]
    return text.encode(dialect.encoding, _errors_of(dialect))


def find_unwritable(text: str, dialect: Dialect) -> str:
    """The first character of a new text that the file's encoding cannot spell, "" for none.

    Half characters (lone surrogates) are never written, though a file may hold them already.
    """
    if half := _SURROGATE.search(text):
        return half[0]
    if dialect.sheet and (control := _NOT_IN_XML.search(text)):
        return control[0]
    try:
        encode_text(text, dialect)
    except UnicodeEncodeError as error:
        return text[error.start]
    return ""


def replace_surrogates(text: str) -> str:
    """Undecodable bytes and half characters as U+FFFD: such text can be stored and sent."""
    return _SURROGATE.sub("\ufffd", text)
