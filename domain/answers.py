"""Reads what a language model answered: the wanted fields and nothing else, or an error."""

from __future__ import annotations

import json
from collections.abc import Sequence

from core.errors import LlmOutputError
from domain.listing import LIST_FIELDS, TextValue

MAX_ANSWER_BYTES = 1_000_000
MAX_ITEMS = 200
_MAX_QUOTE = 60


def parse_answer(text: str, fields: Sequence[str]) -> dict[str, TextValue]:
    """The proposed content of each of ``fields``, in their order.

    Raises LlmOutputError for everything that is not exactly one JSON object with these fields:
    empty, cut, prose around it, twice the same key, missing or further fields, wrong types, NUL or
    half characters, more than 1 MB.
    """
    if not text.strip():
        raise LlmOutputError("The answer is empty.")
    if len(text.encode("utf-8", "surrogatepass")) > MAX_ANSWER_BYTES:
        raise LlmOutputError(f"The answer is larger than {MAX_ANSWER_BYTES:,} bytes.")
    answer = _parse_object(text)
    missing = [name for name in fields if name not in answer]
    if missing:
        raise LlmOutputError(f"The answer lacks {', '.join(missing)}.")
    unwanted = [name for name in answer if name not in fields]
    if unwanted:
        raise LlmOutputError(f"The answer has fields nobody asked for: {_quote(unwanted[0])}.")
    return {name: _parse_value(name, answer[name]) for name in fields}


def _parse_object(text: str) -> dict[str, object]:
    try:
        answer = json.loads(text, object_pairs_hook=_build_object, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise LlmOutputError(f"The answer is no whole JSON: {_quote(text)}.") from error
    if not isinstance(answer, dict):
        raise LlmOutputError(f"The answer is no JSON object: {_quote(text)}.")
    return answer


def _build_object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """An object whose keys differ; the usual reading would keep the last one in silence."""
    built = dict(pairs)
    if len(built) < len(pairs):
        raise LlmOutputError("The answer has the same field twice.")
    return built


def _refuse_constant(name: str) -> object:
    raise LlmOutputError(f"The answer contains {name}, which is no JSON.")


def _parse_value(name: str, value: object) -> TextValue:
    if name not in LIST_FIELDS:
        return _parse_text(name, value)
    if not isinstance(value, list):
        raise LlmOutputError(f"The answer's {name} is no list.")
    if len(value) > MAX_ITEMS:
        raise LlmOutputError(f"The answer's {name} has more than {MAX_ITEMS} items.")
    return tuple(_parse_text(name, item) for item in value)


def _parse_text(name: str, value: object) -> str:
    """Text that can be stored: Postgres takes no NUL, UTF-8 no half of a surrogate pair."""
    if not isinstance(value, str):
        raise LlmOutputError(f"The answer's {name} is no text.")
    if "\x00" in value:
        raise LlmOutputError(f"The answer's {name} contains a NUL character.")
    if any("\ud800" <= char <= "\udfff" for char in value):
        raise LlmOutputError(f"The answer's {name} contains half a character.")
    return value.strip()


def _quote(text: str) -> str:
    """The beginning of a text, safe for a log line."""
    shown = text[:_MAX_QUOTE].encode("unicode_escape").decode()
    return f'"{shown}…"' if len(text) > _MAX_QUOTE else f'"{shown}"'
