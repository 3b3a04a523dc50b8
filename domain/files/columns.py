"""Maps a file's columns to our names, and lays them out for reading and writing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from core.errors import InvalidFieldError
from domain.files.profile import (
    GENERIC,
    OptionColumns,
    Profile,
    find_columns,
    load_profile,
    normalize_header,
)
from domain.files.source import FileShape
from domain.listing import LIST_FIELDS, TEXT_FIELDS

_NUMBER = re.compile(r"\d+")
_KEY_NAMES = ("sku", "id", "handle", "gtin", "mpn")


Choice = Mapping[str, str | Sequence[str]]
"""Canonical field to the header name, or names, a seller chose for it; "" for no column."""


def map_columns(
    profile: Profile, header: Sequence[str], *, chosen: Choice | None = None
) -> dict[str, tuple[int, ...]]:
    """Canonical name to column indexes; every column serves one name, the best one that fits.

    List fields and pictures may stand in several columns; all else takes its preferred one. What
    is ``chosen`` comes first; raises InvalidFieldError for a choice that the file cannot follow.
    """
    names = [normalize_header(name[:200]) for name in header]
    mapping = {name: _find_chosen(names, name, value) for name, value in (chosen or {}).items()}
    taken: set[int] = set()
    for name, indexes in mapping.items():
        if taken.intersection(indexes):
            raise _bad_choice(f"a column chosen for {name!r} is chosen for another field too.")
        taken.update(indexes)
    for canonical, entries in profile.columns.items():
        if canonical in mapping:
            continue
        found = _find_first(names, entries, taken)
        if not found:
            continue
        many = canonical in LIST_FIELDS or canonical == "image_url"
        mapping[canonical] = found if many else found[:1]
        taken.update(mapping[canonical])
    return {name: indexes for name, indexes in mapping.items() if indexes}


def list_choices(value: str | Sequence[str]) -> tuple[str, ...]:
    """The header names of one choice."""
    names = (value,) if isinstance(value, str) else tuple(value)
    return tuple(name for name in names if name.strip())


def check_choice(chosen: Choice) -> None:
    """Raises InvalidFieldError for a choice that no file could follow."""
    known = {*TEXT_FIELDS, *load_profile(GENERIC).columns}
    for name, value in chosen.items():
        if name not in known:
            raise InvalidFieldError(
                f"there is no field {name!r} to choose a column for.",
                field="mapping",
                remedy=f"Use some of: {', '.join(sorted(known))}.",
            )
        many = name in LIST_FIELDS or name == "image_url"
        if len(list_choices(value)) > 1 and not many:
            raise _bad_choice(f"{name!r} has one column, not {len(list_choices(value))}.")
    if "title" in chosen and not list_choices(chosen["title"]):
        raise _bad_choice("the title cannot be without a column.")


def _find_chosen(
    names: Sequence[str], canonical: str, value: str | Sequence[str]
) -> tuple[int, ...]:
    indexes: list[int] = []
    for wanted in list_choices(value):
        plain = normalize_header(wanted[:200])
        found = [i for i, name in enumerate(names) if name == plain and i not in indexes]
        if not found:
            raise _bad_choice(f"the file has no column {wanted!r}, chosen for {canonical!r}.")
        indexes.append(found[0])
    return tuple(indexes)


def _bad_choice(message: str) -> InvalidFieldError:
    remedy = "Choose a column of the file's header for each field, each column once."
    return InvalidFieldError(message, field="mapping", remedy=remedy)


def _find_first(names: Sequence[str], entries: Sequence[str], taken: set[int]) -> tuple[int, ...]:
    for entry in entries:
        found = tuple(index for index in find_columns(names, entry) if index not in taken)
        if found:
            return found
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionPlace:
    """Column indexes of one variant option; ``name`` is -1 where ``value`` holds pairs."""

    name: int
    value: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Where everything stands in a file's rows.

    ``texts``: field to its columns. ``attributes``: (name, index) of everything else, option
    columns left out. ``key``: columns that may give a product's key, by preference.
    ``structured``: field to the column where its text stands with a mark. The other indexes are
    those of the profile's grouping, -1 where the file has no such column.
    """

    profile: Profile
    texts: tuple[tuple[str, tuple[int, ...]], ...]
    attributes: tuple[tuple[str, int], ...]
    options: tuple[OptionPlace, ...]
    key: tuple[int, ...]
    structured: Mapping[str, int]
    group_key: int
    group_column: int
    group_parent: int


def build_layout(shape: FileShape) -> Layout:
    """The layout of a file whose shape is known."""
    profile = load_profile(shape.profile)
    names = [normalize_header(name[:200]) for name in shape.header]
    options = tuple(_place_options(profile.options, names))
    used = {index for place in options for index in (place.name, place.value)}
    grouping = profile.grouping
    return Layout(
        profile=profile,
        texts=tuple((name, shape.mapping[name]) for name in TEXT_FIELDS if shape.mapping.get(name)),
        attributes=_name_attributes(shape, used),
        options=options,
        key=_key_indexes(profile, shape),
        structured=dict(_place_structured(profile, names)),
        group_key=_first_index(names, grouping.key),
        group_column=_first_index(names, grouping.column),
        group_parent=_first_index(names, grouping.parent),
    )


def _place_structured(profile: Profile, names: Sequence[str]) -> Iterable[tuple[str, int]]:
    for name, column in profile.llm_columns.items():
        for index in find_columns(names, column)[:1]:
            yield name, index


def _place_options(options: Sequence[OptionColumns], names: Sequence[str]) -> list[OptionPlace]:
    places: list[OptionPlace] = []
    for option in options:
        if option.pairs:
            places.extend(
                OptionPlace(name=-1, value=index) for index in find_columns(names, option.pairs)
            )
            continue
        values = {_number(names[index]): index for index in find_columns(names, option.value)}
        places.extend(
            OptionPlace(name=index, value=values[number])
            for index in find_columns(names, option.name)
            if (number := _number(names[index])) in values
        )
    return places


def _number(name: str) -> str:
    found = _NUMBER.search(name)
    return found[0] if found else ""


def _name_attributes(shape: FileShape, used: set[int]) -> tuple[tuple[str, int], ...]:
    """Names of all columns that hold no text field and no option, in file order."""
    canonical = {index: name for name, indexes in shape.mapping.items() for index in indexes}
    found: list[tuple[str, int]] = []
    for index, header in enumerate(shape.header):
        name = canonical.get(index, "")
        if index in used or name in TEXT_FIELDS:
            continue
        # A column named like a field that stands elsewhere is evidence, not that field.
        free = header if header not in TEXT_FIELDS else f"{header} (column {index + 1})"
        found.append((name or free or f"column {index + 1}", index))
    return tuple(found)


def _key_indexes(profile: Profile, shape: FileShape) -> tuple[int, ...]:
    if profile.grouping.kind == "key":
        names = [normalize_header(name[:200]) for name in shape.header]
        return (_first_index(names, profile.grouping.key),)
    return tuple(shape.mapping[name][0] for name in _KEY_NAMES if shape.mapping.get(name))


def _first_index(names: Sequence[str], entry: str) -> int:
    found = find_columns(names, entry) if entry else ()
    return found[0] if found else -1


def describe_title_columns() -> str:
    """The names under which a title is looked for, for a message; the common ones, not all."""
    return ", ".join(load_profile(GENERIC).columns["title"][:20])
