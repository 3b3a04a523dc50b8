"""A file of new texts for another channel: its key, its own column names, nothing else."""

from __future__ import annotations

import csv
import functools
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from core.errors import InvalidFieldError
from domain.files.cells import neutralize
from domain.files.source import SupplementRow
from domain.files.structured import build_structured, quote
from domain.listing import LIST_FIELDS, TextValue, iter_items

_PATH = Path(__file__).parent / "supplements.yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class SupplementFormat:
    """How a channel names its columns.

    ``columns``: canonical field to its columns; a list of several columns takes one item each.
    ``joins``: what joins the items of a list that has one column; items that hold it are quoted
    there where ``quoted`` names the field. ``llm_columns``: where text that
    a language model wrote must stand instead, marked by ``llm_mark``.
    """

    key: str
    columns: Mapping[str, tuple[str, ...]]
    joins: Mapping[str, str]
    llm_columns: Mapping[str, str]
    llm_mark: str = ""
    quoted: tuple[str, ...] = ()


@functools.cache
def load_supplement_format(channel: str) -> SupplementFormat:
    """The format of a channel; raises InvalidFieldError for one that has none."""
    stored = yaml.safe_load(_PATH.read_text(encoding="utf-8"))
    if channel not in stored:
        message = f"There is no supplement file for {channel!r}."
        raise InvalidFieldError(message, field="channel", remedy=f"Use one of {', '.join(stored)}.")
    entry = stored[channel]
    return SupplementFormat(
        key=entry["key"],
        columns={
            name: (column,) if isinstance(column, str) else tuple(column)
            for name, column in entry["columns"].items()
        },
        joins=entry.get("joins", {}),
        llm_columns=entry.get("llm_columns", {}),
        llm_mark=entry.get("llm_mark", ""),
        quoted=tuple(entry.get("quoted", ())),
    )


def write_supplement(
    rows: Iterable[SupplementRow], channel: str, fields: Sequence[str]
) -> Iterator[bytes]:
    """A CSV in UTF-8 with one line per row; ``fields`` without a column there are left out.

    Items of a list beyond the channel's columns are left out too. Every text is ours, so all that
    a spreadsheet would take for a formula is neutralised; the seller's keys are not. On Google,
    text that a language model wrote stands in the structured columns, as its rules demand.
    """
    layout = load_supplement_format(channel)
    names = [name for name in layout.columns if name in fields]
    header = [layout.key, *(c for name in names for c in layout.columns[name])]
    llm_names = [layout.llm_columns[name] for name in names if name in layout.llm_columns]
    yield format_line([*header, *llm_names])
    for row in rows:
        cells = _place_cells(row, layout, names)
        yield format_line([row.key, *(cells.get(name, "") for name in [*header[1:], *llm_names])])


def _place_cells(
    row: SupplementRow, layout: SupplementFormat, names: Sequence[str]
) -> dict[str, str]:
    cells: dict[str, str] = {}
    for name in names:
        if name not in row.fields:
            continue
        if name in row.by_llm and name in layout.llm_columns:
            text = _join(name, row.fields[name], layout)
            cells[layout.llm_columns[name]] = build_structured(text, layout.llm_mark)
        else:
            cells.update(_place_plain(name, row.fields[name], layout))
    return cells


def _place_plain(name: str, value: TextValue, layout: SupplementFormat) -> dict[str, str]:
    columns = layout.columns[name]
    texts = [_join(name, value, layout)] if len(columns) == 1 else list(iter_items(value))
    return {column: neutralize(text) for column, text in zip(columns, texts, strict=False)}


def _join(name: str, value: TextValue, layout: SupplementFormat) -> str:
    joint = layout.joins.get(name, ", " if name in LIST_FIELDS else "\n")
    items = list(iter_items(value))
    if name in layout.quoted:
        items = [quote(item) if joint.strip() in item or '"' in item else item for item in items]
    return joint.join(items)


def format_line(cells: Sequence[str]) -> bytes:
    """One line of a CSV in UTF-8."""
    line = io.StringIO()
    csv.writer(line, lineterminator="\r\n").writerow(cells)
    return line.getvalue().encode("utf-8", "replace")
