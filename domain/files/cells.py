"""Turns cells into field contents and new contents into cell texts, in the file's own style."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from domain.files.profile import ListStyle, Profile
from domain.listing import LIST_FIELDS, TextValue, iter_items

_FORMULA_STARTS = frozenset("=+-@\t\r")
_TAG = re.compile(
    r"</?(?:p|br|ul|ol|li|div|b|i|em|strong|span|table|h[1-6])\b[^<>]*>", re.IGNORECASE
)


class UnwritableError(ValueError):
    """A new content that the field's columns cannot hold; the message says why."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def read_field(name: str, cells: Sequence[str], profile: Profile) -> TextValue:
    """What the field's cells (their values, one per column) say."""
    if name not in LIST_FIELDS:
        text = cells[0]
        if _escapes_newlines(name, profile) and "\\n" in text:
            text = text.replace("\\r\\n", "\n").replace("\\n", "\n")
        return text
    if len(cells) > 1:
        return tuple(cell.strip() for cell in cells if cell.strip())
    return split_items(cells[0], profile.list_style(name))


def write_field(
    name: str, value: TextValue, cells: Sequence[str], profile: Profile
) -> Mapping[int, str]:
    """New text by position in ``cells`` (the old values); only positions that change.

    Raises UnwritableError for more items than columns, or an item the cell's style cannot hold.
    """
    if read_field(name, cells, profile) == value:
        return {}
    if name not in LIST_FIELDS:
        new = [_write_text(name, "\n".join(iter_items(value)), cells[0], profile)]
    else:
        new = _write_items(name, value, cells, profile)
    return {
        position: neutralize(text, original=old)
        for position, (text, old) in enumerate(zip(new, cells, strict=True))
        if text != old
    }


def _write_items(name: str, value: TextValue, cells: Sequence[str], profile: Profile) -> list[str]:
    items = tuple(item.strip() for item in iter_items(value) if item.strip())
    if len(cells) == 1:
        return [join_items(items, profile.list_style(name), original=cells[0])]
    if len(items) > len(cells):
        message = f"{len(items)} items do not fit into {len(cells)} columns."
        raise UnwritableError("too_many_items", message)
    return [*items, *[""] * (len(cells) - len(items))]


def _escapes_newlines(name: str, profile: Profile) -> bool:
    return profile.backslash_newlines and name in profile.html_fields


def _write_text(name: str, text: str, original: str, profile: Profile) -> str:
    """The text with the line breaks that the cell used so far."""
    if _escapes_newlines(name, profile) and "\\n" in original:
        return text.replace("\r\n", "\n").replace("\n", "\\n")
    if "\r\n" in original and "\n" not in original.replace("\r\n", ""):
        return text.replace("\r\n", "\n").replace("\n", "\r\n")
    return text


def _find_separator(cell: str, style: ListStyle) -> str:
    """The separator a cell uses, "" when it holds one item or none."""
    plain = cell
    for separator in style.separators:
        if style.escape:
            plain = cell.replace(style.escape + separator, "")
        if separator in plain:
            return separator
    return ""


def split_items(cell: str, style: ListStyle) -> tuple[str, ...]:
    """The items of a list in one cell, without outer space, empty ones left out."""
    separator = _find_separator(cell, style)
    if separator and style.escape:
        parts = re.split(f"(?<!{re.escape(style.escape)}){re.escape(separator)}", cell)
    else:
        parts = cell.split(separator) if separator else [cell]
    return tuple(item for part in parts if (item := _read_item(part, style)))


def _read_item(part: str, style: ListStyle) -> str:
    if style.escape:
        for separator in style.separators:
            part = part.replace(style.escape + separator, separator)
    return (part.replace(style.space, " ") if style.space else part).strip()


def join_items(items: Sequence[str], style: ListStyle, *, original: str) -> str:
    """The items in one cell, separated as ``original`` was; raises UnwritableError."""
    separator = _find_separator(original, style)
    joint = style.join
    if separator:
        joint = separator + " " if separator + " " in original else separator
    text = joint.join(_write_item(item, style, joint.strip() or joint) for item in items)
    if split_items(text, style) != tuple(items):
        message = f"An item holds a character that separates items ({joint.strip() or 'line end'})."
        raise UnwritableError("separator_in_item", message)
    return text


def _write_item(item: str, style: ListStyle, separator: str) -> str:
    if style.escape:
        item = item.replace(separator, style.escape + separator)
    return item.replace(" ", style.space) if style.space else item


def neutralize(text: str, *, original: str = "") -> str:
    """Text of ours that a spreadsheet would take for a formula gets an apostrophe before it.

    Not where the seller's own cell began with the same character: then it is the seller's choice.
    """
    if text and text[0] in _FORMULA_STARTS and not original.startswith(text[0]):
        return f"'{text}"
    return text


def looks_like_html(text: str) -> bool:
    """Whether a text holds the tags that descriptions hold."""
    return "<" in text and _TAG.search(text) is not None
