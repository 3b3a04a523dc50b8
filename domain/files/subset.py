"""Files that carry only what changed, to be imported on the platform: the change and its revert.

A full export put back days later resets prices and stock; these hold the key columns, what the
platform needs for an update (for Shopify the options of every variant: an update without them may
delete variants) and the columns that changed, for the products that changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from core.errors import InvalidFieldError
from domain.files.added import widen_shape
from domain.files.edits import Edit, EditQueue, RecordEditor, ignore_problem
from domain.files.products import iter_products
from domain.files.profile import find_columns, load_profile, normalize_header
from domain.files.reader import build_tokenizer, iter_records
from domain.files.source import DEFAULT_LIMITS, ByteStream, FileLimits, FileShape, Report
from domain.files.tokens import Record
from domain.files.writer import encode_all


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
    for one product stands with the seller's own text for the others. What stands above the header
    stays. Of a workbook it is a text file. Raises InvalidFieldError where the format takes no such
    file, or the file lacks a column without which the platform would do something else.
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
    """Which columns and rows the file gets: row number to new cells ({} for a variant's row).

    ``shape`` has the added columns, ``verbs`` is what a column says in every row.
    """

    shape: FileShape
    added: tuple[str, ...]
    keys: set[int]
    columns: set[int]
    verbs: dict[int, str]
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
    require_changes_form(shape)
    wide, edits, added = widen_shape(shape, edits)
    keys, verbs = _find_keys(shape), _find_verbs(shape)
    update = _find_all(shape, load_profile(shape.profile).update_columns)
    plan = _Plan(shape=wide, added=added, keys=keys, columns=keys | update | {*verbs}, verbs=verbs)
    _plan_cells(stream, plan, {edit[0]: edit for edit in edits}, report=report, limits=limits)
    _plan_variants(stream, shape, plan, limits=limits)
    texts = _iter_texts(stream, plan, new_texts=new_texts, limits=limits)
    return encode_all(texts, replace(shape.dialect, sheet=""))


def require_changes_form(shape: FileShape) -> None:
    """Raises InvalidFieldError, with reason and remedy, for a file without changes and revert."""
    profile = load_profile(shape.profile)
    if profile.no_changes:
        reason, remedy = profile.no_changes
        raise InvalidFieldError(f"{profile.label}: {reason}", field="form", remedy=remedy)
    if not _find_keys(shape):
        raise InvalidFieldError(
            "the file has no SKU or id column, so that changes could not be told apart.",
            field="form",
            remedy="Use the form full.",
        )
    for column, verb in profile.update_verb.items():
        if not _find_all(shape, [column]):
            raise InvalidFieldError(
                f"the file has no column {column!r} to say {verb!r}; without it {profile.label}"
                " would replace whole products.",
                field="form",
                remedy=f"Use the form full, or add the column {column!r} and upload again.",
            )


def _find_keys(shape: FileShape) -> set[int]:
    profile = load_profile(shape.profile)
    # A column that says what to do is no key, even where it must stand beside one.
    entries = [entry for entry in profile.key_columns if entry not in profile.update_verb]
    if found := _find_all(shape, entries):
        return found
    names = [name for name in ("sku", "id", "handle") if name in shape.mapping]
    return {shape.mapping[name][0] for name in names[:1]}


def _find_verbs(shape: FileShape) -> dict[int, str]:
    verbs = load_profile(shape.profile).update_verb
    return {index: verb for column, verb in verbs.items() for index in _find_all(shape, [column])}


def _find_all(shape: FileShape, entries: Sequence[str]) -> set[int]:
    names = [normalize_header(name[:200]) for name in shape.header]
    return {index for entry in entries for index in find_columns(names, entry)}


def _plan_cells(
    stream: ByteStream,
    plan: _Plan,
    edits: dict[int, Edit],
    *,
    report: Report,
    limits: FileLimits,
) -> None:
    editor = RecordEditor(plan.shape, report=report, added=len(plan.added))
    queue = EditQueue(edits=[edits[row_no] for row_no in sorted(edits)])
    for row_no, record in iter_records(stream, plan.shape, limits=limits):
        edit = queue.take(row_no) if row_no else None
        if row_no and (cells := editor.edit_cells(record, edit)):
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
    stream: ByteStream, plan: _Plan, *, new_texts: bool, limits: FileLimits
) -> Iterator[str]:
    shape = plan.shape
    tokenizer = build_tokenizer(shape)
    for row_no, record in iter_records(stream, shape, limits=limits):
        if not row_no:
            if record.line < shape.rows_from:
                yield _write_heading(record, plan) + shape.dialect.newline
            continue
        cells = tokenizer.split(record.raw)
        changed = plan.changed.get(row_no)
        if changed is None or (not changed and not _says_more(cells, plan)):
            continue
        new = {index: tokenizer.write(verb, like="") for index, verb in plan.verbs.items()}
        if new_texts:
            new = {**changed, **new}
        picked = zip(sorted(plan.columns), _pick(cells, sorted(plan.columns)), strict=True)
        yield tokenizer.join(new.get(index, cell) for index, cell in picked) + shape.dialect.newline


def _write_heading(record: Record, plan: _Plan) -> str:
    """The header and lines laid out like it with the columns picked; other lines whole."""
    shape = plan.shape
    aligned = load_profile(shape.profile).aligned_preamble and record.line > 1
    if record.line != shape.header_line and not aligned:
        return record.raw
    tokenizer = build_tokenizer(shape)
    cells = tokenizer.split(record.raw)
    if record.line == shape.header_line:
        cells += plan.added
    return tokenizer.join(_pick(cells, sorted(plan.columns)))


def _says_more(cells: Sequence[str], plan: _Plan) -> bool:
    """Whether a variant's row has more than its key: a row for a picture alone has not."""
    return any(_pick(cells, sorted(plan.columns - plan.keys)))


def _pick(cells: Sequence[str], columns: Sequence[int]) -> list[str]:
    return [cells[index] if index < len(cells) else "" for index in columns]
