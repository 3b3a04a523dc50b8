"""Gives sellers their own workbook back: cell for cell what it was, but for the edited cells."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator
from itertools import chain
from tempfile import SpooledTemporaryFile
from typing import IO
from zipfile import ZipFile

from defusedxml.ElementTree import fromstring

from domain.files.added import widen_shape
from domain.files.archive import (
    BROKEN,
    IN_MEMORY_BYTES,
    copy_part,
    damaged,
    iter_blocks_of,
    open_zip,
    spool,
    twin_of,
)
from domain.files.edits import Edit, EditQueue, RecordEditor
from domain.files.reader import build_tokenizer, iter_records
from domain.files.source import ByteStream, FileLimits, FileShape, Report
from domain.files.splice import SheetEdits, SheetSplicer

_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_STRICT = "{http://purl.oclc.org/ooxml/spreadsheetml/main}"
_RELATION_ID = (
    "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id",
    "{http://purl.oclc.org/ooxml/officeDocument/relationships}id",
)


def write_workbook(
    stream: ByteStream,
    shape: FileShape,
    edits: Iterable[Edit],
    *,
    report: Report,
    limits: FileLimits,
) -> Iterator[bytes]:
    """The seller's workbook with ``edits`` in it; without any change its very bytes.

    Every part but the sheet is copied; of the sheet every byte outside the edited cells.
    """
    changes = _iter_changes(stream, shape, edits, report=report, limits=limits)
    first = next(changes, None)
    with spool(stream) as file:
        if first is None:
            yield from iter_blocks_of(file)
            return
        splicer = SheetSplicer(edits=chain([first], changes), report=report)
        with SpooledTemporaryFile(max_size=IN_MEMORY_BYTES) as target:
            try:
                _write_archive(file, target, shape.dialect.sheet, splicer=splicer)
            except BROKEN as error:
                raise damaged(f"its sheet cannot be written ({error})") from error
            yield from iter_blocks_of(target)


def _iter_changes(
    stream: ByteStream,
    shape: FileShape,
    edits: Iterable[Edit],
    *,
    report: Report,
    limits: FileLimits,
) -> SheetEdits:
    wide, edits, added = widen_shape(shape, edits)
    tokenizer = build_tokenizer(shape)
    queue = EditQueue(edits=edits)
    editor = RecordEditor(wide, report=report, added=len(added))
    for row_no, record in iter_records(stream, shape, limits=limits):
        if row_no and (cells := editor.edit_cells(record, queue.take(row_no))):
            yield record.line, {index: tokenizer.value(cell) for index, cell in cells.items()}
        elif added and record.line == shape.header_line:
            yield record.line, dict(enumerate(added, start=len(shape.header)))
    queue.require_done()


def _write_archive(
    file: IO[bytes], target: IO[bytes], sheet: str, *, splicer: SheetSplicer
) -> None:
    with open_zip(file) as source, ZipFile(target, "w") as new:
        path = _find_part(source, sheet)
        for part in source.infolist():
            if part.filename != path:
                copy_part(source, part, new)
                continue
            with source.open(part) as old, new.open(twin_of(part), "w", force_zip64=True) as out:
                for block in splicer.splice(old):
                    out.write(block)


def _find_part(archive: ZipFile, sheet: str) -> str:
    """The path of the part that holds a sheet; raises KeyError."""
    package = fromstring(archive.read("_rels/.rels"))
    root = next(
        relation.get("Target", "")
        for relation in package
        if relation.get("Type", "").endswith("/officeDocument")
    ).lstrip("/")
    folder, name = posixpath.split(root)
    book = fromstring(archive.read(root))
    ids = {
        entry.get("name"): next(filter(None, map(entry.get, _RELATION_ID)), "")
        for space in (_MAIN, _STRICT)
        for entry in book.iter(f"{space}sheet")
    }
    relations = fromstring(archive.read(posixpath.join(folder, "_rels", f"{name}.rels")))
    target = next(one.get("Target", "") for one in relations if one.get("Id") == ids[sheet])
    if target.startswith("/"):
        return target.lstrip("/")
    return posixpath.normpath(posixpath.join(folder, target))
