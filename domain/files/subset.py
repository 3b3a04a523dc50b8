"""Files that carry only what changed, to be imported on the platform: the change and its revert.

A full export put back days later resets prices and stock; these hold the key columns, what the
platform needs for an update (for Shopify the options of every variant: an update without them may
delete variants) and the columns that changed, for the products that changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from domain.files.edits import Edit, EditQueue, RecordEditor, ignore_problem
from domain.files.products import iter_products
from domain.files.profile import find_columns, load_profile, normalize_header
from domain.files.reader import build_tokenizer, iter_records
from domain.files.source import DEFAULT_LIMITS, ByteStream, FileLimits, FileShape, Report
from domain.files.writer import encode_all
from domain.listing import Fields


def write_changes(
    stream: ByteStream,
    shape: FileShape,
    edits: Iterable[Edit],
    *,
    report: Report = ignore_problem,
    limits: FileLimits = DEFAULT_LIMITS,
) -> Iterator[bytes]:
    """The edited products alone, with their new texts, in the file's own dialect.

    ``edits`` as for ``write_full``; they are held in memory, since the header names the columns
    that any of them changes. Where a platform overwrites with empty cells, a column that changed
    for one product stands with the seller's own text for the others.
    """
    return _write(stream, shape, edits, new_texts=True, report=report, limits=limits)


def write_revert(
    stream: ByteStream,
    shape: FileShape,
    edits: Iterable[Edit],
    *,
    limits: FileLimits = DEFAULT_LIMITS,
) -> Iterator[bytes]:
    """The same products and columns as ``write_changes`` with the seller's own texts."""
    return _write(stream, shape, edits, new_texts=False, report=ignore_problem, limits=limits)


@dataclass(slots=True, kw_only=True)
class _Plan:
    """Which columns and rows the file gets: row number to new cells ({} for a variant's row)."""

    keys: set[int]
    columns: set[int]
    changed: dict[int, dict[int, str]] = field(default_factory=dict)


def _write(
    stream: ByteStream,
    shape: FileShape,
    edits: Iterable[Edit],
    *,
    new_texts: bool,
    report: Report,
    limits: FileLimits,
) -> Iterator[bytes]:
    by_row = dict(edits)
    keys = _key_columns(shape)
    plan = _Plan(keys=keys, columns=keys | _update_columns(shape))
    _plan_cells(stream, shape, by_row, plan=plan, report=report)
    _plan_variants(stream, shape, plan, limits=limits)
    texts = _iter_texts(stream, shape, plan, new_texts=new_texts, limits=limits)
    return encode_all(texts, shape.dialect)


def _key_columns(shape: FileShape) -> set[int]:
    found = _find_all(shape, load_profile(shape.profile).key_columns)
    if found:
        return found
    names = [name for name in ("sku", "id", "handle") if name in shape.mapping]
    return {shape.mapping[name][0] for name in names[:1]}


def _update_columns(shape: FileShape) -> set[int]:
    return _find_all(shape, load_profile(shape.profile).update_columns)


def _find_all(shape: FileShape, entries: Sequence[str]) -> set[int]:
    names = [normalize_header(name[:200]) for name in shape.header]
    return {index for entry in entries for index in find_columns(names, entry)}


def _plan_cells(
    stream: ByteStream,
    shape: FileShape,
    edits: dict[int, Fields],
    *,
    plan: _Plan,
    report: Report,
) -> None:
    editor = RecordEditor(shape, report=report)
    queue = EditQueue(edits=sorted(edits.items()))
    for row_no, record in iter_records(stream, shape):
        fields = queue.take(row_no) if row_no else None
        if row_no and (cells := editor.edit_cells(record, fields)):
            plan.changed[row_no] = cells
            plan.columns.update(cells)
    queue.require_done()


def _plan_variants(
    stream: ByteStream, shape: FileShape, plan: _Plan, *, limits: FileLimits
) -> None:
    """Add the other rows of edited products where an update needs them."""
    if load_profile(shape.profile).grouping.kind != "key":
        return
    for product in iter_products(stream, shape, limits=limits):
        if product.row_no in plan.changed:
            for row_no in product.row_nos:
                plan.changed.setdefault(row_no, {})


def _iter_texts(
    stream: ByteStream, shape: FileShape, plan: _Plan, *, new_texts: bool, limits: FileLimits
) -> Iterator[str]:
    tokenizer = build_tokenizer(shape)
    columns = sorted(plan.columns)
    for row_no, record in iter_records(stream, shape, limits=limits):
        if record.line != shape.header_line and row_no not in plan.changed:
            continue
        cells = tokenizer.split(record.raw)
        changed = plan.changed.get(row_no, {})
        if row_no and not changed and not _says_more(cells, plan):
            continue
        if not new_texts:
            changed = {}
        picked = _pick(cells, columns)
        texts = (changed.get(index, cell) for index, cell in zip(columns, picked, strict=True))
        yield tokenizer.join(texts) + shape.dialect.newline


def _says_more(cells: Sequence[str], plan: _Plan) -> bool:
    """Whether a variant's row has more than its key: a row for a picture alone has not."""
    return any(_pick(cells, sorted(plan.columns - plan.keys)))


def _pick(cells: Sequence[str], columns: Sequence[int]) -> list[str]:
    return [cells[index] if index < len(cells) else "" for index in columns]
