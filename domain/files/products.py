"""Groups the rows of a file into products, in file order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from domain.files.columns import Layout, build_layout
from domain.files.draft import Draft
from domain.files.reader import Row, iter_rows
from domain.files.source import (
    DEFAULT_LIMITS,
    ByteStream,
    FileLimits,
    FileShape,
    RowProblem,
    SourceProduct,
    excerpt,
)


def iter_products(
    stream: ByteStream, shape: FileShape, *, limits: FileLimits = DEFAULT_LIMITS
) -> Iterator[SourceProduct]:
    """The products of a file.

    A row problem stays with its product and stops nothing. Memory does not grow with the file but
    for the keys seen, and, where variations may stand far from their parent, for those.
    """
    layout = build_layout(shape)
    rows = iter_rows(stream, shape, layout=layout, limits=limits)
    grouper = _Grouper(layout=layout, header=shape.header)
    if grouper.kind == "parent":
        grouper.learn_variations(iter_rows(stream, shape, layout=layout, limits=limits))
    keys = _KeyRing(layout=layout, header=shape.header)
    for draft in grouper.iter_drafts(rows):
        yield _build_product(draft, keys)


def _build_product(draft: Draft, keys: _KeyRing) -> SourceProduct:
    key, problem = keys.name(draft)
    return SourceProduct(
        key=key,
        row_no=draft.first.row_no,
        line=draft.first.line,
        row_nos=tuple(draft.row_nos),
        listing=draft.build_listing(key),
        problems=(*draft.problems, *([problem] if problem else [])),
    )


@dataclass(slots=True, kw_only=True)
class _KeyRing:
    """Gives every product a key of its own; a repeated one is told apart by a number."""

    layout: Layout
    header: tuple[str, ...]
    lines: dict[str, int] = field(default_factory=dict)

    def name(self, draft: Draft) -> tuple[str, RowProblem | None]:
        own, column = self._find_own(draft.first)
        if not own:
            key = self._make_unique(f"row-{draft.first.row_no}", draft.first.line)
            return key, self._missing(draft.first) if self.layout.key else None
        first_line = self.lines.get(own)
        if first_line is None:
            self.lines[own] = draft.first.line
            return own, None
        key = self._make_unique(own, draft.first.line)
        return key, self._duplicate(draft.first, own, column=column, first_line=first_line)

    def _find_own(self, row: Row) -> tuple[str, str]:
        for index in self.layout.key:
            if 0 <= index < len(row.values) and (value := row.values[index].strip()):
                return value, self.header[index]
        return "", ""

    def _make_unique(self, key: str, line: int) -> str:
        unique, number = key, 2
        while unique in self.lines:
            unique, number = f"{key}#{number}", number + 1
        self.lines[unique] = line
        return unique

    def _missing(self, row: Row) -> RowProblem:
        return RowProblem(
            line=row.line,
            column=self.header[self.layout.key[0]],
            code="missing_key",
            message="The row has no key of its own; it is known by its row number.",
        )

    def _duplicate(self, row: Row, own: str, *, column: str, first_line: int) -> RowProblem:
        stray = self.layout.profile.grouping.kind == "key" and not self._has_title(row)
        message = f"The same key stands in line {first_line} already."
        if stray:
            message += " This row has no title: rows of one product must stand together."
        return RowProblem(
            line=row.line,
            column=column,
            code="scattered_rows" if stray else "duplicate_key",
            message=message,
            value=excerpt(own),
            blocking=stray,
        )

    def _has_title(self, row: Row) -> bool:
        return bool(_title_of(row, self.layout))


def _title_of(row: Row, layout: Layout) -> str:
    indexes = next((indexes for name, indexes in layout.texts if name == "title"), ())
    return _cell(row, indexes[0]) if indexes else ""


def _cell(row: Row, index: int) -> str:
    return row.values[index].strip() if 0 <= index < len(row.values) else ""


@dataclass(slots=True, kw_only=True)
class _Grouper:
    """Decides which rows are one product, as the profile's grouping says."""

    layout: Layout
    header: tuple[str, ...]
    variations: dict[str, Draft] = field(default_factory=dict)
    parents: set[str] = field(default_factory=set)

    @property
    def kind(self) -> str:
        """The grouping, ``rows`` where the file lacks the columns it needs."""
        needed = {
            "key": self.layout.group_key,
            "follow": self.layout.group_column,
            "parent": min(self.layout.group_column, self.layout.group_parent),
        }
        kind = self.layout.profile.grouping.kind
        return kind if needed.get(kind, -1) >= 0 else "rows"

    def iter_drafts(self, rows: Iterable[Row]) -> Iterator[Draft]:
        """One draft per product, in the order of their first rows."""
        if self.kind == "parent":
            yield from self._iter_with_variations(rows)
        elif self.kind == "rows":
            yield from map(self._start, rows)
        else:
            yield from self._iter_runs(rows)

    def _start(self, row: Row) -> Draft:
        return Draft(layout=self.layout, header=self.header, first=row)

    def _iter_runs(self, rows: Iterable[Row]) -> Iterator[Draft]:
        draft: Draft | None = None
        for row in rows:
            if draft is not None and self._continues(draft.first, row):
                draft.add(row)
                continue
            if draft is not None:
                yield draft
            draft = self._start(row)
        if draft is not None:
            yield draft

    def _continues(self, first: Row, row: Row) -> bool:
        if self.kind == "follow":
            return self._is_variation(row)
        key = _cell(row, self.layout.group_key)
        if not key:
            return not _title_of(row, self.layout)
        return key == _cell(first, self.layout.group_key)

    def _is_variation(self, row: Row) -> bool:
        kinds = _cell(row, self.layout.group_column).casefold().split(",")
        wanted = self.layout.profile.grouping.value.casefold()
        return any(kind.strip() == wanted for kind in kinds)

    def learn_variations(self, rows: Iterable[Row]) -> None:
        """Remember every variation under its parent's name, and all names a parent may have."""
        for row in rows:
            if not self._is_variation(row):
                if "variable" in _cell(row, self.layout.group_column).casefold():
                    self.parents.update(self._names_of(row))
                continue
            parent = _cell(row, self.layout.group_parent)
            if parent in self.variations:
                self.variations[parent].add(row)
            else:
                self.variations[parent] = self._start(row)

    def _names_of(self, row: Row) -> list[str]:
        names = [value for index in self.layout.key if (value := _cell(row, index))]
        return [*names, *(f"id:{name}" for name in names)]

    def _iter_with_variations(self, rows: Iterable[Row]) -> Iterator[Draft]:
        for row in rows:
            if not self._is_variation(row):
                draft = self._start(row)
                for name in self._names_of(row):
                    if name in self.variations and name in self.parents:
                        draft.merge(self.variations.pop(name))
                yield draft
            elif _cell(row, self.layout.group_parent) not in self.parents:
                draft = self._start(row)
                draft.problems.append(self._orphan(row))
                yield draft

    def _orphan(self, row: Row) -> RowProblem:
        return RowProblem(
            line=row.line,
            column=self.header[self.layout.group_parent],
            code="missing_parent",
            message="The variation's parent is not in the file; it is taken as its own product.",
            value=excerpt(_cell(row, self.layout.group_parent)),
        )
