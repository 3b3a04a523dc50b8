"""Finds the delimiter and the header of a text from its first records."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice

from core.errors import FileFormatError
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
_GENERIC_CONFIDENCE = 0.4
_MIN_COLUMNS = 2
_NAMED_CELLS = 600
"""Cells of a record that are looked at for known names: above any format's columns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """Which record is the header and which format it tells; ``skipped`` is what stands above."""

    record: Record
    names: tuple[str, ...]
    profile: str
    confidence: float
    skipped: tuple[Record, ...] = ()


def sniff_delimiter(sample: str) -> str:
    """The delimiter under which the first records agree best and headers are known ones."""
    hint = _EXCEL_HINT.fullmatch(sample.split("\n", 1)[0].strip())
    if hint:
        return hint[1]
    return max(_DELIMITERS, key=lambda delimiter: _score_delimiter(sample, delimiter))


def _score_delimiter(sample: str, delimiter: str) -> float:
    tokenizer = Tokenizer(delimiter)
    rows = [tokenizer.split(record.raw) for record in iter_first_records(sample, tokenizer)]
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
    """The first non-blank records; stops quietly where the sample is cut or a quote stays open."""
    with suppress(FileFormatError):
        records = (record for record in tokenizer.iter_records([sample]) if record.raw.strip())
        yield from islice(records, SAMPLE_RECORDS)


def read_names(record: Record, tokenizer: Tokenizer) -> tuple[str, ...]:
    """The cells of a header as they are shown: without quotes and outer space."""
    return tuple(
        tokenizer.value(cell).strip().lstrip("\ufeff") for cell in tokenizer.split(record.raw)
    )


def find_header(sample: str, tokenizer: Tokenizer, *, profile: str | None = None) -> Header | None:
    """The best header among the first records, None when no record names a title.

    ``profile`` forces a format: the first record with its title column is then the header.
    """
    records = list(islice(iter_first_records(sample, tokenizer), HEADER_SEARCH_RECORDS))
    best: Header | None = None
    for position, record in enumerate(records):
        header = _read_header(record, tokenizer, above=records[:position], profile=profile)
        if header and (best is None or header.confidence > best.confidence):
            best = header
    return best


def _read_header(
    record: Record, tokenizer: Tokenizer, *, above: Sequence[Record], profile: str | None
) -> Header | None:
    names = read_names(record, tokenizer)
    normalized = [normalize_header(name[:200]) for name in names]
    preamble = "\n".join(line.raw for line in above)
    found = (
        _fit(profile, normalized)
        if profile
        else _find_profile(normalized, delimiter=tokenizer.delimiter, preamble=preamble)
    )
    if found is None:
        return None
    return Header(
        record=record, names=names, profile=found[0], confidence=found[1], skipped=tuple(above)
    )


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
