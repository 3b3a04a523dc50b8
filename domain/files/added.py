"""Columns that a file must get because its format wants marked text in a place of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import NamedTuple

from domain.files.edits import Edit, RowEdit
from domain.files.profile import find_columns, load_profile, normalize_header
from domain.files.source import FileShape


class Widened(NamedTuple):
    """A shape with ``added`` columns at its end, and the edits that need them."""

    shape: FileShape
    edits: Iterable[Edit]
    added: tuple[str, ...]


def find_missing_columns(shape: FileShape) -> Mapping[str, str]:
    """Field to the column for a language model's text that the file lacks; empty for most files."""
    names = [normalize_header(name[:200]) for name in shape.header]
    return {
        name: column
        for name, column in load_profile(shape.profile).llm_columns.items()
        if name in shape.mapping and not find_columns(names, column)
    }


def widen_shape(shape: FileShape, edits: Iterable[Edit]) -> Widened:
    """Add the columns that these edits need and the file lacks.

    Only then are the edits held in memory: the header stands before the first of them.
    """
    missing = find_missing_columns(shape)
    if not missing:
        return Widened(shape, edits, ())
    held = list(edits)
    written = {name for edit in held for name in edit[1] if name in RowEdit(*edit[1:]).by_llm}
    added = tuple(column for name, column in missing.items() if name in written)
    return Widened(replace(shape, header=(*shape.header, *added)), held, added)
