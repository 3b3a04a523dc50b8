"""Turns edited fields into edited cells of one record, or says why one cannot be written."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from domain.files.cells import UnwritableError, write_field
from domain.files.columns import Layout, build_layout
from domain.files.encoding import find_unwritable
from domain.files.reader import build_tokenizer
from domain.files.source import FileShape, Report, RowProblem, excerpt
from domain.files.tokens import Record
from domain.listing import Fields, TextValue

Edit = tuple[int, Fields]
"""A row number and the fields that change in that row."""


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

    def take(self, row_no: int) -> Fields | None:
        """The edit of a row; None when it has none."""
        if self._next is None or self._next[0] > row_no:
            return None
        if self._next[0] < row_no:
            message = f"edits must ascend by row number from 1: {self._next[0]} after {row_no - 1}"
            raise ValueError(message)
        fields = self._next[1]
        self._next = next(self._iterator, None)
        return fields

    def require_done(self) -> None:
        """Raises ValueError for an edit of a row that never came."""
        if self._next is not None:
            message = f"edits must ascend and name rows of the file; left over: {self._next[0]}"
            raise ValueError(message)


class RecordEditor:
    """Rewrites the edited cells of a record and no other byte of it."""

    def __init__(self, shape: FileShape, *, report: Report = ignore_problem) -> None:
        self._shape = shape
        self._layout: Layout = build_layout(shape)
        self._tokenizer = build_tokenizer(shape)
        self._report = report
        self._repeats = self._layout.profile.grouping.repeats_texts and self._layout.group_key >= 0
        self._repeated_key = ""
        self._repeated: dict[int, tuple[str, str]] = {}

    def edit_cells(self, record: Record, fields: Fields | None) -> dict[int, str]:
        """New raw cells by column index: only those that change.

        Where a format repeats a product's texts in all of its rows, the rows after an edited one
        change with it as far as they repeat its old text.
        """
        if not fields:
            return self._repeat_edit(record) if self._repeated else {}
        cells = self._tokenizer.split(record.raw)
        changed = self._edit_fields(record, fields, cells)
        if self._repeats:
            self._repeated_key = cells[self._layout.group_key]
            self._repeated = {index: (cells[index], new) for index, new in changed.items()}
        return changed

    def _repeat_edit(self, record: Record) -> dict[int, str]:
        cells = self._tokenizer.split(record.raw)
        if cells[self._layout.group_key : self._layout.group_key + 1] != [self._repeated_key]:
            self._repeated = {}
        return {
            index: new
            for index, (old, new) in self._repeated.items()
            if cells[index : index + 1] == [old]
        }

    def _edit_fields(self, record: Record, fields: Fields, cells: list[str]) -> dict[int, str]:
        changed: dict[int, str] = {}
        for name, value in fields.items():
            try:
                texts = self._write_field(name, value, cells)
            except UnwritableError as error:
                self._report(self._refusal(record, name, value=value, error=error))
                continue
            changed.update(
                (index, self._tokenizer.write(text, like=cells[index]))
                for index, text in texts.items()
            )
        return changed

    def rewrite(self, record: Record, fields: Fields | None) -> str:
        """The record's text with the edits in it."""
        changed = self.edit_cells(record, fields)
        if not changed:
            return record.raw
        cells = self._tokenizer.split(record.raw)
        return self._tokenizer.join(changed.get(i, cell) for i, cell in enumerate(cells))

    def _write_field(self, name: str, value: TextValue, cells: list[str]) -> dict[int, str]:
        indexes = [i for i in self._shape.mapping.get(name, ()) if i < len(cells)]
        if not indexes:
            raise UnwritableError("no_column", f"The file has no column for {name!r} here.")
        old = [self._tokenizer.value(cells[index]) for index in indexes]
        texts = write_field(name, value, old, self._layout.profile)
        return {indexes[at]: self._require_writable(text) for at, text in texts.items()}

    def _require_writable(self, text: str) -> str:
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
