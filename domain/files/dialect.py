"""Finds the delimiter and the header of a text from its first records."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import islice

from core.errors import FileFormatError
from domain.files.columns import Choice, list_choices
from domain.files.profile import (
    GENERIC,
    find_columns,
    is_known_header,
    list_profile_names,
    load_profile,
    normalize_header,
)
from domain.files.tokens import Record, Tokenizer

SAMPLE_CHARS = 1 << 18
SAMPLE_RECORDS = 60
HEADER_SEARCH_RECORDS = 30
_DELIMITERS = (",", ";", "\t", "|")
_EXCEL_HINT = re.compile(r'"?sep=(.)"?', re.IGNORECASE)
_ROWS_SETTING = re.compile(r'"?settings=[^\t]*?\bdataRow=(\d+)')
_GENERIC_CONFIDENCE = 0.4
_MIN_COLUMNS = 2
_NAMED_CELLS = 600
"""Cells of a record that are looked at for known names: above any format's columns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """Which record is the header and which format it tells.

    ``skipped`` is what stands above; ``rows_from`` the first line that may hold a row.
    """

    record: Record
    names: tuple[str, ...]
    profile: str
    confidence: float
    rows_from: int
    skipped: tuple[Record, ...] = ()


def sniff_delimiter(sample: str) -> str:
    """The delimiter under which the first records agree best and headers are known ones."""
    hint = _EXCEL_HINT.fullmatch(sample.split("\n", 1)[0].strip())
    if hint:
        return hint[1]
    return max(_DELIMITERS, key=lambda delimiter: _score_delimiter(sample, delimiter))


def _score_delimiter(sample: str, delimiter: str) -> float:
    tokenizer = Tokenizer(delimiter)
    records = (one for one in iter_first_records(sample, tokenizer) if one.raw.strip())
    rows = [tokenizer.split(record.raw) for record in records]
    widths = Counter(len(row) for row in rows)
    if not widths:
        return 0.0
    width, agreeing = max(widths.items(), key=lambda item: (item[1], item[0]))
    if width < _MIN_COLUMNS:
        return 0.0
    known = max(_count_known(tokenizer, row) for row in rows[:HEADER_SEARCH_RECORDS])
    return 10.0 * known + 5.0 * agreeing / len(rows) + min(width, 30) / 10


def _count_known(tokenizer: Tokenizer, cells: Sequence[str]) -> int:
    names = (tokenizer.value(cell)[:200] for cell in cells[:_NAMED_CELLS])
    return sum(is_known_header(normalize_header(name)) for name in names)


def iter_first_records(sample: str, tokenizer: Tokenizer) -> Iterator[Record]:
    """The first records; stops quietly where the sample is cut or a quote stays open."""
    with suppress(FileFormatError):
        yield from islice(tokenizer.iter_records([sample]), SAMPLE_RECORDS)


def read_names(record: Record, tokenizer: Tokenizer) -> tuple[str, ...]:
    """The cells of a header as they are shown: without quotes and outer space."""
    return tuple(
        tokenizer.value(cell).strip().lstrip("\ufeff") for cell in tokenizer.split(record.raw)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the seller said about a file: its format, and columns for some fields."""

    profile: str | None = None
    mapping: Choice = field(default_factory=dict)

    @property
    def names(self) -> set[str]:
        """The normalized header names that the seller chose."""
        chosen = (name for value in self.mapping.values() for name in list_choices(value))
        return {normalize_header(name[:200]) for name in chosen}


def find_header(
    records: Sequence[Record], tokenizer: Tokenizer, *, wanted: Wanted
) -> Header | None:
    """The best header among a file's first records, None when no record names a title.

    A wanted format: the first record with its title column. Wanted columns: a record with them.
    """
    shown = [record for record in records if record.raw.strip()][:HEADER_SEARCH_RECORDS]
    best: Header | None = None
    for position, record in enumerate(shown):
        header = _read_header(record, tokenizer, above=shown[:position], wanted=wanted)
        if header and (best is None or header.confidence > best.confidence):
            best = header
    return best and replace(best, rows_from=_find_rows(records, best.record))


def _find_rows(records: Sequence[Record], header: Record) -> int:
    """The line of the first row: below the header, or where Amazon's settings line says."""
    if found := _ROWS_SETTING.match(records[0].raw):
        position = min(int(found[1][:4]), len(records)) - 1
        return max(records[position].line, header.line + 1)
    return header.line + 1


def _read_header(
    record: Record, tokenizer: Tokenizer, *, above: Sequence[Record], wanted: Wanted
) -> Header | None:
    names = read_names(record, tokenizer)
    normalized = [normalize_header(name[:200]) for name in names[:_NAMED_CELLS]]
    if not wanted.names <= set(normalized):
        return None
    found = _recognise(normalized, tokenizer, above=above, wanted=wanted)
    if found is None:
        return None
    return Header(
        record=record,
        names=names,
        profile=found[0],
        confidence=found[1],
        rows_from=record.line + 1,
        skipped=tuple(above),
    )


def _recognise(
    normalized: Sequence[str], tokenizer: Tokenizer, *, above: Sequence[Record], wanted: Wanted
) -> tuple[str, float] | None:
    if wanted.profile:
        found = _fit(wanted.profile, normalized)
    else:
        preamble = "\n".join(line.raw for line in above)
        found = _find_profile(normalized, delimiter=tokenizer.delimiter, preamble=preamble)
    if found is None and "title" in wanted.mapping:
        return (wanted.profile or GENERIC, _GENERIC_CONFIDENCE)
    return found


def _fit(profile: str, normalized: Sequence[str]) -> tuple[str, float] | None:
    has_title = any(
        find_columns(normalized, entry) for entry in load_profile(profile).columns["title"]
    )
    return (profile, 1.0) if has_title else None


def _find_profile(
    normalized: Sequence[str], *, delimiter: str, preamble: str
) -> tuple[str, float] | None:
    fits = {
        name: load_profile(name).fingerprint.confidence(
            normalized, delimiter=delimiter, preamble=preamble
        )
        for name in list_profile_names()
        if name != GENERIC
    }
    name = max(fits, key=lambda name: fits[name])
    if fits[name] > 0:
        return name, fits[name]
    return (GENERIC, _GENERIC_CONFIDENCE) if _fit(GENERIC, normalized) else None
