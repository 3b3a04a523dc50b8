"""Writes what a careful model would: plain text from the row's own words, within the rules told.

It stands in for a language model, so it reads only what the prompt says: the rules as lines of the
system message (``## field`` and ``- at most 80 characters``), the row as the JSON between two marks
in the user's message.
"""

from __future__ import annotations

import html
import json
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from simulators.groq.faults import strip_marks

_BLOCK = re.compile(r"^<listing-(\w+)>\n(.*)\n</listing-\1>$", re.MULTILINE)
_HEADING = re.compile(r"^## (\w+)$")
_LENGTH = re.compile(r"at most (\d+) characters")
_BYTES = re.compile(r"at most (\d+) bytes")
_COUNT = re.compile(r"at most (\d+) items")
_CHARS = re.compile(r"(?:never these characters[^:]*|identifier or a measure): (.*)$")
_PHRASES = re.compile(r"never these (?:words|phrases|words or phrases): (.*)$")
_ENOUGH = {"title": 80, "description": 1200, "short_description": 300}
_ENOUGH_ITEMS = {"bullets": 5, "tags": 10, "materials": 5}
_SIGNS = frozenset({"So", "Co", "Cs"})
_MIN_TAG, _MAX_BULLET, _SHOUT = 3, 200, 4


@dataclass(slots=True)
class Limits:
    """What the prompt says about one field."""

    characters: int = 10_000
    max_bytes: int = 100_000
    items: int = 5
    characters_banned: str = ""
    phrases_banned: list[str] = field(default_factory=list)
    plain: bool = False
    quiet: bool = False
    repeats: int = 2


@dataclass(frozen=True, slots=True)
class Row:
    """The listing as the prompt shows it; ``mark`` names it."""

    mark: str
    fields: dict[str, Any]
    attributes: dict[str, str]

    @property
    def name(self) -> str:
        """What the product is called."""
        title = str(self.fields.get("title") or "")
        parts = (self.attributes.get(key, "") for key in ("brand", "product_type", "category"))
        return title or " ".join(part for part in parts if part) or "Product"


def find_row(prompt: str) -> Row | None:
    """The last listing of the prompt, None when it holds none."""
    blocks = _BLOCK.findall(prompt)
    if not blocks:
        return None
    mark, text = blocks[-1]
    try:
        content = json.loads(text)
    except ValueError:
        return None
    return Row(mark, content.get("fields", {}), content.get("attributes", {}))


def read_limits(rules_text: str) -> dict[str, Limits]:
    """Field name to the limits the prompt tells."""
    found: dict[str, Limits] = {}
    current = Limits()
    for line in rules_text.splitlines():
        heading = _HEADING.match(line)
        if heading:
            current = found.setdefault(heading[1], Limits(items=_ENOUGH_ITEMS.get(heading[1], 5)))
        elif line.startswith("- "):
            _read_rule(line, current)
    everywhere = found.pop("all", Limits())
    for limits in found.values():
        limits.phrases_banned += everywhere.phrases_banned
    return found


def _read_rule(line: str, limits: Limits) -> None:
    if length := _LENGTH.search(line):
        limits.characters = min(limits.characters, int(length[1]))
    if size := _BYTES.search(line):
        limits.max_bytes = min(limits.max_bytes, int(size[1]))
    if count := _COUNT.search(line):
        limits.items = min(limits.items, int(count[1]))
    if banned := _CHARS.search(line):
        limits.characters_banned += banned[1].replace(" ", "")
    if phrases := _PHRASES.search(line):
        limits.phrases_banned += [p.strip() for p in phrases[1].split(";") if p.strip()]
    limits.plain |= "HTML" in line
    limits.quiet |= "no words in capitals" in line
    if "no word repeated" in line:
        limits.repeats = 1


def write_by_schema(schema: dict[str, Any], *, row: Row, limits: dict[str, Limits]) -> Any:
    """A value of the shape ``schema`` asks for, each property written as the field of its name."""
    return {
        name: _write_value(child, name=name, row=row, limits=limits.get(name, Limits()))
        for name, child in schema.get("properties", {}).items()
    }


def _write_value(schema: dict[str, Any], *, name: str, row: Row, limits: Limits) -> Any:
    match schema.get("type"):
        case "string" if schema.get("enum"):
            return schema["enum"][0]
        case "string":
            return write_text(name, row=row, limits=limits)
        case "array" if schema.get("items", {}).get("type") == "string":
            return list(write_items(name, row=row, limits=limits))
        case "array":
            return []
        case "object":
            return write_by_schema(schema, row=row, limits={})
        case "boolean":
            return False
        case _:
            return 0


def write_text(name: str, *, row: Row, limits: Limits) -> str:
    """One text field, from its own words where it has some, else from the title or attributes."""
    own = row.fields.get(name)
    source = own if isinstance(own, str) and own.strip() else _compose(name, row)
    if "description" in name and "<" in source and not limits.plain:
        return strip_marks(source)[: limits.characters]
    if "description" in name:
        return _cut(_clean(source, limits), limits, _ENOUGH.get(name, 160))
    text = _cut(
        _drop_repeats(_clean(source, limits), limits.repeats), limits, _ENOUGH.get(name, 120)
    )
    return text.lower() if name == "search_terms" else text


def write_items(name: str, *, row: Row, limits: Limits) -> Iterator[str]:
    """The items of a list field, without repeats, as many as are allowed."""
    seen: set[str] = set()
    for raw in _list_candidates(name, row):
        item = _cut(_clean(raw, limits), limits, _MAX_BULLET)
        if item and item.casefold() not in seen and len(seen) < limits.items:
            seen.add(item.casefold())
            yield item


def _compose(name: str, row: Row) -> str:
    if "description" not in name:
        return row.name
    facts = [f"{_label(key)}: {value}." for key, value in row.attributes.items() if key != "sku"]
    return " ".join([f"{row.name}.", *facts])


def _list_candidates(name: str, row: Row) -> Iterable[str]:
    own = row.fields.get(name)
    yield from own if isinstance(own, list) else ()
    if name == "tags":
        words = [w.strip(".,:;!?()\"'") for w in row.name.lower().split()]
        yield from (word for word in words if len(word) >= _MIN_TAG)
    elif name == "materials":
        yield row.attributes.get("material", "")
    else:
        yield from (f"{_label(k)}: {v}" for k, v in row.attributes.items() if k != "sku")


def _label(key: str) -> str:
    return key.replace("_", " ").strip().capitalize()


def _clean(text: str, limits: Limits) -> str:
    text = strip_marks(html.unescape(re.sub(r"<[^>]+>", " ", text)))
    for phrase in sorted(limits.phrases_banned, key=len, reverse=True):
        text = re.sub(rf"(?<!\w){re.escape(phrase)}(?!\w)", " ", text, flags=re.IGNORECASE)
    text = text.translate(dict.fromkeys(map(ord, limits.characters_banned)))
    text = "".join(char for char in text if unicodedata.category(char) not in _SIGNS)
    shouting = limits.quiet or _is_shouting(text)
    words = (w.capitalize() if shouting and _is_loud(w) else w for w in text.split())
    return " ".join(words).strip(" -|,;")


def _is_loud(word: str) -> bool:
    return len(word) >= _SHOUT and word.isalpha() and word.isupper()


def _is_shouting(text: str) -> bool:
    letters = [c for c in text if c.isalpha()]
    return len(letters) >= _SHOUT and sum(c.isupper() for c in letters) > len(letters) / 2


def _drop_repeats(text: str, allowed: int) -> str:
    kept: list[str] = []
    for word in text.split():
        if sum(word.casefold() == other.casefold() for other in kept) < allowed:
            kept.append(word)
    return " ".join(kept)


def _cut(text: str, limits: Limits, enough: int) -> str:
    room = min(limits.characters, max(enough, 1))
    if len(text) > room:
        head = text[: room + 1]
        text = (head[: head.rfind(" ")] if " " in head else head[:room]).rstrip(" -|,;:&")
    while len(text.encode()) > limits.max_bytes:
        text = text[: text.rfind(" ")] if " " in text else text[:-1]
    return text
