"""The text of an answer: honest, or spoiled in the way a fault asks for."""

from __future__ import annotations

import base64
import json
import random
import re
from typing import Any

from simulators.groq.faults import Fault
from simulators.groq.shape import ChatRequest
from simulators.groq.writer import Row, find_row, read_limits, write_by_schema

_ORDER = re.compile(
    r"(?:ignore|disregard|forget)\b[^.!:]*(?:instructions?|rules?)[.!:,;]*\s*(?P<order>[^\n\"]*)",
    re.IGNORECASE,
)
_MARK = re.compile(r"\[\[(?P<verb>say|add)(?P<coded>64)?:(?P<text>[^\]\"]*)\]\]")
"""``[[say:TEXT]]`` in a listing wants every field to be TEXT, ``[[add:TEXT]]`` to end with it;
``say64`` and ``add64`` hide TEXT in base64."""

_SAY = re.compile(
    r"^(?:and\s+|then\s+|instead\s+)*(?:say|write|reply with|output|answer)[:\s]+", re.IGNORECASE
)
_REFUSALS = (
    "I'm sorry, but I can't help with that.",
    "As an AI language model, I cannot write this listing.",
)
_INVENTIONS = (
    "certified to ISO 9001",
    "with 7 free batteries",
    "lasts 48 hours",
    "by Acme Industries",
    "made of 925 sterling silver",
)


def write_content(request: ChatRequest, fault: Fault, dice: random.Random) -> str:
    """The answer's text; ``dice`` chooses among several ways to spoil it."""
    row = find_row(request.user_text) or Row("", {}, {})
    if fault is Fault.EMPTY:
        return ""
    if fault is Fault.PROSE or not request.wants_json:
        return f"Sure! Here is a better listing: {row.name}. Let me know what you think."
    schema = request.schema or {"properties": {name: {"type": "string"} for name in row.fields}}
    written = write_by_schema(schema, row=row, limits=read_limits(request.system_text))
    if fault is Fault.REFUSAL:
        written = _replace_first(written, dice.choice(_REFUSALS))
    elif fault is Fault.INVENT:
        written = _append_first(written, dice.choice(_INVENTIONS))
    elif fault is Fault.LEAK:
        obeyed = _follow_mark(written, row)
        written = obeyed or _replace_first(written, _obey(row, request))
    text = json.dumps(written, ensure_ascii=False)
    return text[: max(1, len(text) * 2 // 3)] if fault is Fault.CUT else text


def _follow_mark(written: dict[str, Any], row: Row) -> dict[str, Any] | None:
    """Every field as a mark in the listing wants it; None when it holds no such mark."""
    found = _MARK.search(json.dumps([row.fields, row.attributes], ensure_ascii=False))
    if found is None:
        return None
    text = found["text"]
    if found["coded"]:
        text = base64.b64decode(text).decode()
    if found["verb"] == "say":
        return {name: [text] if isinstance(old, list) else text for name, old in written.items()}
    return {
        name: [*old[:-1], text] if isinstance(old, list) else f"{old} {text}"
        for name, old in written.items()
    }


def _obey(row: Row, request: ChatRequest) -> str:
    """What an order hidden in the listing asks for; without one, a leak of the caller's rules."""
    everything = json.dumps([row.fields, row.attributes], ensure_ascii=False)
    found = _ORDER.search(everything)
    order = _SAY.sub("", found["order"].strip(), count=1) if found else ""
    return order.strip("' ") or request.system_text[:200]


def _replace_first(written: dict[str, Any], text: str) -> dict[str, Any]:
    name, value = next(iter(written.items()), ("", ""))
    return {**written, name: text if isinstance(value, str) else [text, *value[1:]]}


def _append_first(written: dict[str, Any], text: str) -> dict[str, Any]:
    name, value = next(iter(written.items()), ("", ""))
    added = f"{value} {text}" if isinstance(value, str) else [*value[:-1], text]
    return {**written, name: added}
