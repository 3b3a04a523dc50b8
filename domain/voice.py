"""What a seller wants of every text: tone, words, spellings of brands, fields to leave alone."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Final

from core.errors import InvalidFieldError
from domain.listing import TEXT_FIELDS

MAX_WORDS: Final = 50
MAX_WORD_CHARS: Final = 100
MAX_TONE_CHARS: Final = 200

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f\u2028\u2029\ud800-\udfff]")
_BREAKS: Final = re.compile(r"[\s.\-]+")
_CAMEL: Final = re.compile(r"(?<=[a-zß-öø-ÿ])(?=[A-ZÀ-ÖØ-Þ])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """A seller's wishes for all texts; ``version`` rises with each change, 0 before the first.

    ``brands`` are known spellings. ``prefer`` and ``avoid`` are words or short phrases. ``locks``
    are fields that stay as they are, ``keywords`` the search terms to be found by.
    """

    version: int = 0
    tone: str = ""
    brands: tuple[str, ...] = ()
    prefer: tuple[str, ...] = ()
    avoid: tuple[str, ...] = ()
    locks: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain values for storage; ``from_json`` is the inverse."""
        return {
            spec.name: list(value) if isinstance(value, tuple) else value
            for spec in fields(self)
            for value in (getattr(self, spec.name),)
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Voice:
        """Rebuild what ``to_json`` stored; what is missing is as if nothing had been said."""
        values: dict[str, Any] = dict(stored)
        for name, value in stored.items():
            values[name] = tuple(value) if isinstance(value, list) else value
        return cls(**values)

    def with_wishes(self, wishes: Mapping[str, Any]) -> Voice:
        """The same with some wishes of one order instead of its own; they are checked here.

        Raises InvalidFieldError.
        """
        return replace(self, **check_wishes(wishes))


WISHES: Final = tuple(spec.name for spec in fields(Voice) if spec.name != "version")


def parse_wishes(text: str) -> dict[str, Any]:
    """Wishes from a JSON object, {} for ""; raises InvalidFieldError."""
    if not text.strip():
        return {}
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise _bad_wish("this is no JSON object.")
    return check_wishes(found)


def check_wishes(wishes: Mapping[str, Any]) -> dict[str, Any]:
    """The wishes as the voice holds them; raises InvalidFieldError for what no voice can say."""
    return {name: _check_wish(name, value) for name, value in wishes.items()}


def _check_wish(name: str, value: object) -> str | tuple[str, ...]:
    if name not in WISHES:
        raise _bad_wish(f"there is no {name!r} in a voice.")
    if name == "tone":
        return _check_text(name, value, limit=MAX_TONE_CHARS)
    if isinstance(value, str) or not isinstance(value, Sequence) or len(value) > MAX_WORDS:
        raise _bad_wish(f"{name} is a list of at most {MAX_WORDS} texts.")
    words = tuple(_check_text(name, word, limit=MAX_WORD_CHARS) for word in value)
    unknown = [word for word in words if name == "locks" and word not in TEXT_FIELDS]
    if unknown:
        raise _bad_wish(f"there is no field {unknown[0]!r} to keep.")
    return tuple(dict.fromkeys(word for word in words if word))


def _check_text(name: str, value: object, *, limit: int) -> str:
    if not isinstance(value, str) or len(value) > limit or _CONTROL.search(value):
        raise _bad_wish(f"{name} takes plain text of at most {limit} characters.")
    return value.strip()


def _bad_wish(message: str) -> InvalidFieldError:
    remedy = f"Use some of: {', '.join(WISHES)}."
    return InvalidFieldError(message, field="voice", remedy=remedy)


def find_word(word: str, text: str) -> list[str]:
    """Every place where a text holds a word or phrase as a whole, in whatever case."""
    return _find(word.split(), r"[\s\-]+", text)


def find_places(word: str, text: str) -> list[tuple[int, int]]:
    """Where a text holds a word or phrase as a whole, in whatever case."""
    return [match.span() for match in _iter_found(word.split(), r"[\s\-]+", text)]


def find_spellings(brand: str, text: str) -> list[str]:
    """Every spelling of a brand in a text: in other case, or divided otherwise where it divides."""
    return _find(_BREAKS.split(_CAMEL.sub(" ", brand)), r"[\s.\-]*", text)


def _find(parts: Sequence[str], joint: str, text: str) -> list[str]:
    return [match[0] for match in _iter_found(parts, joint, text)]


def _iter_found(parts: Sequence[str], joint: str, text: str) -> Iterator[re.Match[str]]:
    words = joint.join(re.escape(part) for part in parts if part)
    if words:
        yield from re.finditer(rf"(?<!\w)(?:{words})(?!\w)", text, re.IGNORECASE)
