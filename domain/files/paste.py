"""Texts for people to paste into a platform that takes no file back, listing by listing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from domain.files.source import SupplementRow
from domain.listing import LIST_FIELDS, TEXT_FIELDS, TextValue, is_blank, iter_items

_RULE = "=" * 60
_LABELS = {"seo_title": "SEO TITLE", "seo_description": "SEO DESCRIPTION"}


def write_paste_text(rows: Iterable[SupplementRow]) -> Iterator[bytes]:
    """UTF-8 text with one section per listing: its key, then each new text under its name.

    Items of a list stand in one line with commas, as Etsy's form takes them.
    """
    for number, row in enumerate(rows, start=1):
        yield _format_listing(number, row).encode("utf-8", "replace")


def _format_listing(number: int, row: SupplementRow) -> str:
    parts = [f"{_RULE}\nListing {number}: {row.key}\n{_RULE}\n"]
    names = [name for name in TEXT_FIELDS if name in row.fields]
    parts.extend(_format_field(name, row.fields[name]) for name in names)
    return "\n".join(parts) + "\n"


def _format_field(name: str, value: TextValue) -> str:
    label = _LABELS.get(name, name.replace("_", " ").upper())
    if is_blank(value):
        return f"{label}\n(leave empty)\n"
    items = list(iter_items(value))
    if name in LIST_FIELDS:
        return f"{label} ({len(items)})\n{', '.join(items)}\n"
    text = "\n".join(items)
    return f"{label}\n{text}\n"
