"""Gives sellers their own file back: byte for byte what it was, but for the edited cells."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from domain.files.edits import Edit, EditQueue, RecordEditor, ignore_problem
from domain.files.encoding import encode_bom, encode_text
from domain.files.reader import iter_records
from domain.files.source import DEFAULT_LIMITS, ByteStream, Dialect, FileLimits, FileShape, Report

_BLOCK_CHARS = 1 << 16


def write_full(
    stream: ByteStream,
    shape: FileShape,
    edits: Iterable[Edit],
    *,
    report: Report = ignore_problem,
    limits: FileLimits = DEFAULT_LIMITS,
) -> Iterator[bytes]:
    """The seller's file with ``edits`` (row number, fields; ascending) in it.

    A field that the row has no column for, or a text that its column or the file's encoding cannot
    hold, is told to ``report`` and left as the seller wrote it. A list of several columns is
    written from the first on. Nothing is added: no column, no row.
    """
    texts = _iter_texts(stream, shape, edits, report=report, limits=limits)
    return encode_all(texts, shape.dialect)


def _iter_texts(
    stream: ByteStream,
    shape: FileShape,
    edits: Iterable[Edit],
    *,
    report: Report,
    limits: FileLimits,
) -> Iterator[str]:
    queue = EditQueue(edits=edits)
    editor = RecordEditor(shape, report=report)
    for row_no, record in iter_records(stream, shape, limits=limits):
        fields = queue.take(row_no) if row_no else None
        yield editor.rewrite(record, fields) if row_no else record.raw
        yield record.newline
    queue.require_done()


def encode_all(texts: Iterable[str], dialect: Dialect) -> Iterator[bytes]:
    """Text as the file's bytes, byte order mark first, in blocks of a useful size."""
    yield encode_bom(dialect)
    parts: list[str] = []
    held = 0
    for text in texts:
        parts.append(text)
        held += len(text)
        if held >= _BLOCK_CHARS:
            yield encode_text("".join(parts), dialect)
            parts, held = [], 0
    yield encode_text("".join(parts), dialect)
