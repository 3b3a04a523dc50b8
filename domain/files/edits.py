"""Turns edited fields into edited cells of one record, or says why one cannot be written."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from domain.files.cells import UnwritableError, neutralize, write_field
from domain.files.columns import Layout, build_layout
from domain.files.encoding import find_unwritable
from domain.files.reader import build_tokenizer
from domain.files.source import FileShape, Report, RowProblem, excerpt
from domain.files.structured import (
    DEFAULT_MARK,
    build_structured,
    parse_structured,
    read_structured_field,
)
from domain.files.tokens import Record
from domain.files.workbook import MAX_CELL_CHARS
from domain.listing import Fields, TextValue, iter_items

Edit = tuple[int, Fields] | tuple[int, Fields, Collection[str]]
"""A row number, the fields that change in that row, and which of them a language model wrote."""


class RowEdit(NamedTuple):
    """The edit of one row; ``by_llm`` names the fields whose text a language model wrote."""

    fields: Fields
    by_llm: Collection[str] = ()


def ignore_problem(_problem: RowProblem) -> None:
    """A Report that tells nobody."""


@dataclass(slots=True, kw_only=True)
class EditQueue:
    """Hands out edits row by row; they must come with ascending row numbers (ValueError)."""

    edits: Iterable[Edit]
    _iterator: Iterator[Edit] = field(init=False)
    _next: Edit | None = field(init=False)

    def __post_init__(self) -> None:
        """Fetch the first edit."""
        self._iterator = iter(self.edits)
        self._next = next(self._iterator, None)

    def take(self, row_no: int) -> RowEdit | None:
        """The edit of a row; None when it has none."""
        if self._next is None or self._next[0] > row_no:
            return None
        if self._next[0] < row_no:
            message = f"edits must ascend by row number from 1: {self._next[0]} after {row_no - 1}"
            raise ValueError(message)
        edit = RowEdit(*self._next[1:])
        self._next = next(self._iterator, None)
        return edit

    def require_done(self) -> None:
        """Raises ValueError for an edit of a row that never came."""
        if self._next is not None:
            message = f"edits must ascend and name rows of the file; left over: {self._next[0]}"
            raise ValueError(message)


class RecordEditor:
    """Rewrites the edited cells of a record and no other byte of it.

    ``added`` counts columns at the end of the shape's header that the file itself does not have:
    every record is filled up to them.
    """

    def __init__(
        self, shape: FileShape, *, report: Report = ignore_problem, added: int = 0
    ) -> None:
        self._shape = shape
        self._min_width = len(shape.header) if added else 0
        self._layout: Layout = build_layout(shape)
        self._tokenizer = build_tokenizer(shape)
        self._report = report
        self._repeats = self._layout.profile.grouping.repeats_texts and self._layout.group_key >= 0
        self._repeated_key = ""
        self._repeated: dict[int, tuple[str, str]] = {}

    def split(self, record: Record) -> list[str]:
        """The record's raw cells, added columns included."""
        cells = self._tokenizer.split(record.raw)
        return [*cells, *[""] * (self._min_width - len(cells))]

    def edit_cells(self, record: Record, edit: RowEdit | None) -> dict[int, str]:
        """New raw cells by column index: only those that change.

        Where a format repeats a product's texts in all of its rows, the rows after an edited one
        change with it as far as they repeat its old text.
        """
        if not edit or not edit.fields:
            return self._repeat_edit(record) if self._repeated else {}
        cells = self.split(record)
        changed = self._edit_fields(record, edit, cells)
        if self._repeats:
            self._repeated_key = cells[self._layout.group_key]
            self._repeated = {index: (cells[index], new) for index, new in changed.items()}
        return changed

    def _repeat_edit(self, record: Record) -> dict[int, str]:
        cells = self.split(record)
        if cells[self._layout.group_key : self._layout.group_key + 1] != [self._repeated_key]:
            self._repeated = {}
        return {
            index: new
            for index, (old, new) in self._repeated.items()
            if cells[index : index + 1] == [old]
        }

    def _edit_fields(self, record: Record, edit: RowEdit, cells: list[str]) -> dict[int, str]:
        changed: dict[int, str] = {}
        for name, value in edit.fields.items():
            try:
                if name in self._layout.structured and name in self._shape.mapping:
                    by_llm = name in edit.by_llm
                    texts = self._write_structured(name, value, cells, by_llm=by_llm)
                else:
                    texts = self._write_field(name, value, cells)
            except UnwritableError as error:
                self._report(self._refusal(record, name, value=value, error=error))
                continue
            changed.update(
                (index, self._tokenizer.write(text, like=cells[index]))
                for index, text in texts.items()
            )
        return changed

    def rewrite(self, record: Record, edit: RowEdit | None) -> str:
        """The record's text with the edits in it."""
        changed = self.edit_cells(record, edit)
        if not changed and not self._min_width:
            return record.raw
        cells = self.split(record)
        return self._tokenizer.join(changed.get(i, cell) for i, cell in enumerate(cells))

    def _write_field(self, name: str, value: TextValue, cells: list[str]) -> dict[int, str]:
        indexes = [i for i in self._shape.mapping.get(name, ()) if i < len(cells)]
        if not indexes:
            raise UnwritableError("no_column", f"The file has no column for {name!r} here.")
        old = [self._tokenizer.value(cells[index]) for index in indexes]
        texts = write_field(name, value, old, self._layout.profile)
        return {indexes[at]: self._require_writable(text) for at, text in texts.items()}

    def _write_structured(
        self, name: str, value: TextValue, cells: list[str], *, by_llm: bool
    ) -> dict[int, str]:
        """The plain cell's new text, or the marked cell's: then the plain one is emptied.

        Text of a language model is marked; other text stands where the seller's stood.
        """
        plain, marked = self._shape.mapping[name][0], self._layout.structured[name]
        values = [self._tokenizer.value(cell) for cell in cells]
        text = self._require_writable("\n".join(iter_items(value)))
        if read_structured_field(values, plain, marked) == text:
            return {}
        if max(plain, marked) >= len(cells):
            raise UnwritableError("no_column", f"The row is too short to hold {name!r}.")
        kept = values[plain] if plain != marked else ""
        if not by_llm and (kept.strip() or not values[marked].strip()) and plain != marked:
            return {plain: neutralize(text, original=kept)}
        old_mark = parse_structured(values[marked])[0] or DEFAULT_MARK
        mark = self._layout.profile.llm_mark if by_llm else old_mark
        texts = {marked: build_structured(text, mark)}
        return {**texts, plain: ""} if kept else texts

    def _require_writable(self, text: str) -> str:
        if self._shape.dialect.sheet and len(text) > MAX_CELL_CHARS:
            message = f"The text has {len(text)} characters; Excel allows {MAX_CELL_CHARS}."
            raise UnwritableError("cell_too_long", message)
        bad = find_unwritable(text, self._shape.dialect)
        if bad and (composed := unicodedata.normalize("NFC", text)) != text:
            text, bad = composed, find_unwritable(composed, self._shape.dialect)
        if bad:
            shown = f"U+{ord(bad):04X}"
            message = f"The file's encoding ({self._shape.dialect.encoding}) has no {shown}."
            raise UnwritableError("unwritable_character", message)
        return text

    def _refusal(
        self, record: Record, name: str, *, value: TextValue, error: UnwritableError
    ) -> RowProblem:
        text = value if isinstance(value, str) else ", ".join(value)
        return RowProblem(
            line=record.line,
            column=self._shape.column_name(name) or name,
            code=error.code,
            message=f"{error} The seller's own text is kept.",
            value=excerpt(text),
        )
