"""What a seller says about the columns of a file, and what they said of the same header before."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from core.errors import InvalidFieldError
from domain.files.columns import check_choice
from domain.files.dialect import read_names
from domain.files.opening import open_file
from domain.files.profile import list_profile_names
from domain.files.source import ByteStream, FileLimits, excerpt

Columns = Mapping[str, tuple[str, ...]]
"""Canonical field to the header names chosen for it; () for no column."""

AUTOMATIC = "auto"
"""Said instead of columns: find them yourself, whatever was chosen for such a file before."""

_REMEDY = 'Send {"title": "Product name", "bullets": ["Point 1", "Point 2"]}, or lines title=Name.'


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierChoice:
    """What a seller chose for a file with this header; ``origin`` says which file.

    ``profile`` is "" where they left the format to us.
    """

    header: tuple[str, ...]
    columns: Columns
    origin: str
    profile: str = ""


def parse_profile(name: str, *, field: str = "profile") -> str:
    """A file format by name, "" where nothing was said, ``auto`` to have it recognised.

    Raises InvalidFieldError naming the known ones.
    """
    wanted = name.strip().lower()
    if wanted not in ("", AUTOMATIC, *list_profile_names()):
        raise InvalidFieldError(
            f"there is no file format {excerpt(name)!r}.",
            field=field,
            remedy=f"Use one of: {', '.join((*list_profile_names(), AUTOMATIC))}.",
        )
    return wanted


def parse_columns(text: str) -> Columns | None:
    """Chosen columns from a JSON object, or from lines ``field=Header``.

    None for "" (nothing was said), {} for ``auto`` and for an empty object. Raises
    InvalidFieldError.
    """
    plain = text.strip()
    if not plain:
        return None
    if not plain.startswith("{"):
        return parse_pairs(plain.splitlines())
    try:
        found = json.loads(plain)
    except (ValueError, RecursionError):
        raise InvalidFieldError("this is not JSON.", field="mapping", remedy=_REMEDY) from None
    columns = {name: _read_names(name, value) for name, value in found.items()}
    check_choice(columns)
    return columns


def _read_names(name: str, value: object) -> tuple[str, ...]:
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list) or not all(isinstance(one, str) for one in names):
        message = f"the columns of {name!r} are neither a header's name nor a list of them."
        raise InvalidFieldError(message, field="mapping", remedy=_REMEDY)
    return tuple(one.strip() for one in names if one.strip())


def parse_pairs(pairs: Iterable[str]) -> Columns | None:
    """Chosen columns from ``field=Header``, one each; a field may be named again for a list.

    None when there are none, {} for ``auto`` alone. Raises InvalidFieldError.
    """
    said = [pair.strip() for pair in pairs if pair.strip()]
    if said == [AUTOMATIC]:
        return {}
    columns: dict[str, tuple[str, ...]] = {}
    for pair in said:
        name, equals, header = (part.strip() for part in pair.partition("="))
        if not equals:
            message = f"{pair!r} does not say which column a field has."
            raise InvalidFieldError(message, field="mapping", remedy=_REMEDY)
        columns[name] = (*columns.get(name, ()), *([header] if header else []))
    check_choice(columns)
    return columns or None


def find_earlier(
    stream: ByteStream, earlier: Sequence[EarlierChoice], *, limits: FileLimits
) -> EarlierChoice | None:
    """The first of the earlier choices whose header stands among the file's first records.

    Reads the file once, but not where nothing was chosen before. Raises as ``inspect_file`` does.
    """
    if not earlier:
        return None
    opened = open_file(stream, limits=limits)
    headers = {
        read_names(record, opened.tokenizer)
        for records in opened.sheets.values()
        for record in records
    }
    return next((one for one in earlier if one.header in headers), None)
