"""Gives sellers their own file back: byte for byte what it was, but for the edited cells."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from domain.files.added import widen_shape
from domain.files.edits import Edit, EditQueue, RecordEditor, ignore_problem
from domain.files.encoding import encode_bom, encode_text
from domain.files.reader import build_tokenizer, iter_records
from domain.files.source import DEFAULT_LIMITS, ByteStream, Dialect, FileLimits, FileShape, Report
from domain.files.workbook_writer import write_workbook

_BLOCK_CHARS = 1 << 16


def write_full(
    stream: ByteStream,
    shape: FileShape,
    edits: Iterable[Edit],
    *,
    report: Report = ignore_problem,
    limits: FileLimits = DEFAULT_LIMITS,
) -> Iterator[bytes]:
    """The seller's file with ``edits`` (row number, fields, ascending) in it.

    A field that the row has no column for, or a text that its column or the file's encoding cannot
    hold, is told to ``report`` and left as the seller wrote it. A list of several columns is
    written from the first on. Nothing is added, no column, no row, but for one case: a Google feed
    gets the structured columns that text of a language model must stand in, where it lacks them.
    """
    if shape.dialect.sheet:
        return write_workbook(stream, shape, edits, report=report, limits=limits)
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
    wide, edits, added = widen_shape(shape, edits)
    queue = EditQueue(edits=edits)
    editor = RecordEditor(wide, report=report, added=len(added))
    for row_no, record in iter_records(stream, shape, limits=limits):
        if row_no:
            yield editor.rewrite(record, queue.take(row_no))
        elif added and record.line == shape.header_line:
            yield build_tokenizer(shape).join((record.raw, *added))
        else:
            yield record.raw
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
