"""Reads docs/examples.md: every pair in it is a test of the rules engine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import regex

from domain.listing import LIST_FIELDS, Listing, TextValue
from domain.text import is_html

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples.md"
_BLOCK = regex.compile(r"^\*\*(\w+), (\w+)\*\*([^\n]*)\n\n```diff\n(.*?)^```", regex.M | regex.S)
_JOINT = " ; "


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One listing and what the engine makes of it on a channel."""

    channel: str
    mode: str
    listing: Listing
    after: dict[str, TextValue]


def read_examples() -> list[Example]:
    """All examples in order."""
    return [_build(*match.groups()) for match in _BLOCK.finditer(EXAMPLES.read_text("utf-8"))]


def _build(channel: str, mode: str, row: str, body: str) -> Example:
    before: dict[str, TextValue] = {}
    after: dict[str, TextValue] = {}
    for line in body.splitlines():
        name, _, text = line[2:].partition(":")
        value = _read(name, text.strip())
        (after if line.startswith("+") else before)[name] = value
    attributes = dict(part.split(": ", 1) for part in row.strip(" ·").split(" · ") if part)
    html = frozenset(n for n, v in before.items() if isinstance(v, str) and is_html(v))
    listing = Listing(key="example", fields=before, attributes=attributes, html_fields=html)
    return Example(channel=channel, mode=mode, listing=listing, after=after)


def _read(name: str, text: str) -> TextValue:
    if name in LIST_FIELDS:
        return tuple(text.split(_JOINT)) if text else ()
    return text.replace("\\n", "\n")
