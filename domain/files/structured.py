"""Text whose cell says who wrote it, as Google's feeds have it: ``mark:"text"``."""

from __future__ import annotations

import re
from collections.abc import Sequence

_MARKED = re.compile(r"(\w*):(.*)", re.DOTALL)
DEFAULT_MARK = "default"
"""What Google's feeds call text that no language model wrote."""


def parse_structured(cell: str) -> tuple[str, str]:
    """(mark, text) of a cell; a cell without a mark is text alone."""
    found = _MARKED.fullmatch(cell.strip())
    if not found or not _is_mark(found[1]):
        return "", cell
    text = found[2].strip()
    if len(text) > 1 and text[0] == text[-1] == '"':
        text = text[1:-1].replace('""', '"')
    return found[1], text


def _is_mark(word: str) -> bool:
    """Marks are long words in small letters; "Mug: blue" has none."""
    return word in ("", DEFAULT_MARK) or ("_" in word and word.islower())


def build_structured(text: str, mark: str) -> str:
    """The cell for a text; "" for an empty one."""
    return f"{mark}:{quote(text)}" if text else ""


def quote(text: str) -> str:
    """A text in quotes, those inside it doubled."""
    doubled = text.replace('"', '""')
    return f'"{doubled}"'


def read_structured_field(cells: Sequence[str], plain: int, marked: int) -> str:
    """The plain cell's text; where that is blank (or the same cell), the text of the marked one."""
    text = cells[plain] if plain != marked and plain < len(cells) else ""
    if text.strip() or marked >= len(cells):
        return text
    return parse_structured(cells[marked])[1]
