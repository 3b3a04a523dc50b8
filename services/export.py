"""Gives the seller's file back, with only the approved cells changed."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy.orm import Session

from core.errors import ConflictError, InvalidFieldError, NotFoundError
from domain.brief import Engine
from domain.files.added import find_missing_columns
from domain.files.forms import Form
from domain.files.paste import write_paste_text
from domain.files.source import (
    ByteStream,
    FileShape,
    Report,
    RowProblem,
    SupplementRow,
    excerpt,
)
from domain.files.subset import require_changes_form, write_changes, write_revert
from domain.files.supplement import write_supplement
from domain.files.writer import write_full
from domain.listing import TEXT_FIELDS, Channel, TextValue, fields_from_json
from models import import_file as imports
from models import suggestion as suggestions
from services.deps import Deps
from services.import_options import ImportOptions
from services.imports import open_stream

PAGE: Final = 500
MADE_UP_COUNTED: Final = 1000
READY_STATES = ("ready", "done", "cancelled")


@dataclass(frozen=True, slots=True, kw_only=True)
class Approved:
    """The approved fields of one product of the file, ``by_llm`` those of a language model."""

    row_no: int
    key: str
    fields: dict[str, TextValue]
    by_llm: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """A file to hand out; ``notes`` are warnings known beforehand."""

    name: str
    form: Form
    body: Iterator[bytes]
    notes: tuple[str, ...]


def choose_form(shape: FileShape, channel: str) -> Form:
    """In place where file and channel match or the file is generic, else a supplement."""
    return Form.FULL if shape.channel in ("", channel) else Form.SUPPLEMENT


def choose_form_of(shown: Mapping[str, Any], wanted: Form | None) -> Form:
    """The form for an import as ``get_import`` shows it: the wanted one, else the fitting one."""
    if wanted is not None:
        return wanted
    return Form.FULL if shown["file_channel"] in ("", shown["channel"]) else Form.SUPPLEMENT


def require_form(deps: Deps, seller_id: uuid.UUID, import_id: uuid.UUID, form: Form) -> None:
    """Raises InvalidFieldError where a file that was read cannot come back in that form."""
    with deps.database.transaction(seller=seller_id) as session:
        row = imports.find_import(session, seller_id, import_id)
    if row is None or not row.shape:
        raise NotFoundError("there is no such import.", field="id")
    if form is Form.PASTE:
        _require_paste(row)
    elif form in (Form.CHANGES, Form.REVERT):
        require_changes_form(FileShape.from_json(row.shape))


def export_import(
    deps: Deps,
    seller_id: uuid.UUID,
    import_id: uuid.UUID,
    *,
    form: Form | None = None,
    report: Report | None = None,
    own_work: bool = False,
) -> Export:
    """The file of an import with what is approved by now.

    With ``own_work`` only what was approved of the very work this import asked for, whatever
    earlier ones with other wishes had approved of the same texts.

    Raises NotFoundError; ConflictError while the import is being worked on or when it failed;
    InvalidFieldError for a form that this file or channel does not have.
    ``report`` is told of approved texts that the file cannot hold.
    """
    with deps.database.transaction(seller=seller_id) as session:
        row = imports.find_import(session, seller_id, import_id)
    if row is None:
        raise NotFoundError("there is no such import.", field="id")
    if row.state not in READY_STATES or not row.shape:
        raise ConflictError(
            f"the import is {row.state}, so its file is not ready.",
            remedy="Ask again when its state is done.",
        )
    shape = FileShape.from_json(row.shape)
    chosen = form or choose_form(shape, row.channel)
    approved = iter_approved(deps, row, own_work=own_work)
    stream = open_stream(deps, row.seller_id, row.id)
    body = _write(row, shape, chosen, stream=stream, approved=approved, report=report or _ignore)
    notes = list(_iter_notes(row, shape, chosen))
    if chosen is Form.SUPPLEMENT:
        with deps.database.transaction(seller=seller_id) as session:
            notes += note_made_up_keys(session, import_id)
    return Export(name=_name(row, shape, chosen), form=chosen, body=body, notes=tuple(notes))


def note_made_up_keys(session: Session, import_id: uuid.UUID) -> list[str]:
    """What to say where a supplement holds keys that are not the seller's; [] where it does not."""
    found = imports.list_made_up_keys(session, import_id, limit=MADE_UP_COUNTED)
    if not found:
        return []
    count = f"{MADE_UP_COUNTED:,} or more" if len(found) == MADE_UP_COUNTED else f"{len(found):,}"
    key, line = found[0]
    note = (
        f"We made up a key for {count} of the products: they have none, or one that stood there"
        f" before (the first: {excerpt(key)!r}, line {line}). The other channel does not know these"
        " keys: correct them before you import a supplement."
    )
    return [note]


def _ignore(_problem: RowProblem) -> None:
    return None


def _name(row: imports.ImportFileRow, shape: FileShape, form: Form) -> str:
    stem, dot, suffix = row.name.rpartition(".")
    if form is Form.SUPPLEMENT:
        return f"{stem or row.name}-{row.channel}.csv"
    if form is Form.PASTE or (shape.dialect.sheet and form is not Form.FULL):
        dot, suffix = ".", "txt"
    return f"{stem or row.name}-{form.value}{dot}{suffix if dot else ''}"


def _iter_notes(row: imports.ImportFileRow, shape: FileShape, form: Form) -> Iterator[str]:
    if form in (Form.SUPPLEMENT, Form.PASTE):
        return
    if shape.channel not in ("", row.channel):
        yield (
            f"This is your {shape.channel} file with texts written for {row.channel}: import it"
            f" back into {shape.channel} only if you want them there."
        )
    if missing := find_missing_columns(shape).values():
        yield (
            f"Text that a language model wrote must stand in {', '.join(missing)}: your file lacks"
            " that, so the columns needed are added at its end, and the plain cells emptied."
        )


def _write(
    row: imports.ImportFileRow,
    shape: FileShape,
    form: Form,
    *,
    stream: ByteStream,
    approved: Iterator[Approved],
    report: Report,
) -> Iterator[bytes]:
    if form is Form.SUPPLEMENT:
        fields = ImportOptions.from_json(row.options).fields or TEXT_FIELDS
        return write_supplement(_iter_supplement(approved), row.channel, fields)
    if form is Form.PASTE:
        _require_paste(row)
        return write_paste_text(_iter_supplement(approved))
    edits = ((one.row_no, one.fields, one.by_llm) for one in approved)
    if form is Form.CHANGES:
        return write_changes(stream, shape, edits, report=report)
    if form is Form.REVERT:
        return write_revert(stream, shape, edits)
    return write_full(stream, shape, edits, report=report)


def _require_paste(row: imports.ImportFileRow) -> None:
    if row.channel != Channel.ETSY:
        raise InvalidFieldError(
            f"there is no text to paste for {row.channel}, which takes files.",
            field="form",
            remedy="Use one of the other forms.",
        )


def _iter_supplement(approved: Iterator[Approved]) -> Iterator[SupplementRow]:
    for one in approved:
        yield SupplementRow(key=one.key, fields=one.fields, by_llm=one.by_llm)


def iter_approved(
    deps: Deps, row: imports.ImportFileRow, *, own_work: bool = False
) -> Iterator[Approved]:
    """Products with approved fields, in file order, a page a transaction.

    Only the fields this import was to write: an earlier one of the same texts may have had others.
    """
    wanted = ImportOptions.from_json(row.options).fields or TEXT_FIELDS
    after = -1
    while True:
        with deps.database.transaction(seller=row.seller_id) as session:
            items = imports.list_items(session, row.id, after=after, limit=PAGE)
            if not items:
                return
            found = suggestions.list_approved_fields(
                session,
                row.seller_id,
                [(item.listing_id, item.revision_id) for item in items],
                batch_id=row.batch_id if own_work else None,
            )
        yield from _group(items, [one for one in found if one[1] in wanted])
        after = items[-1].ordinal


def _group(
    items: Sequence[imports.ImportItemRow], found: Sequence[tuple[uuid.UUID, str, Any, str]]
) -> Iterator[Approved]:
    fields: dict[uuid.UUID, dict[str, TextValue]] = {}
    authors: dict[uuid.UUID, dict[str, str]] = {}
    for listing_id, name, content, engine in found:
        fields.setdefault(listing_id, {}).update(fields_from_json({name: content}))
        authors.setdefault(listing_id, {})[name] = engine
    for item in items:
        if item.listing_id in fields:
            written = authors[item.listing_id].items()
            yield Approved(
                row_no=item.row_no,
                key=item.source_key,
                fields=fields[item.listing_id],
                by_llm=frozenset(name for name, engine in written if engine == Engine.GROQ),
            )


def parse_form(name: str) -> Form | None:
    """A form by name, None for ""; raises InvalidFieldError naming the known ones."""
    if not name:
        return None
    if name not in list(Form):
        raise InvalidFieldError(
            f"there is no form {name!r}.", field="form", remedy=f"Use one of: {', '.join(Form)}."
        )
    return Form(name)
