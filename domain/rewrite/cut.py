"""Cuts a line after a word that may end it: no fact, name or range of numbers is parted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import regex

from domain.facts.extract import list_facts
from domain.facts.lexicon import is_common, states_plainly
from domain.facts.nouns import is_noun, list_compounds
from domain.rewrite.tidy import PAIRS, strip_dangling
from domain.rewrite.words import DANGLING, OPENERS
from domain.text import cut_graphemes, fold, list_words

SEGMENT = regex.compile(r"\s*[|;•·]\s*|,\s+|\s+[-–—/]\s+|\s+//\s+")
"""What parts a title into pieces."""
_RANGE = regex.compile(
    r"(?:(?:up\s?to|from|ab|von)\s+)?\d+\s*(?:to|bis|hingga|à|a|-|~)\s*\d+(?:\s\p{L}+)?",
    regex.IGNORECASE,
)
_DIMENSIONS = regex.compile(
    r"(?:Ø\s?)?\d+(?:[.,]\d+)?(?:\s?(?:\p{L}{1,2}|\"|″))?"
    r"(?:\s?[x×X*]\s?\d+(?:[.,]\d+)?(?:\s?(?:[mcdk]?[mlgL]|in|ft|\"|″)(?!\p{L}))?)+"
    r"|Ø\s?\d+(?:[.,]\d+)?(?:\s?[mc]?m(?!\p{L}))?"
)
_LED_WORD = regex.compile(
    r" (?:for|with|in|für|mit|pour|avec|para|con|untuk|dengan) ([\p{L}]+(?:['\u2019]s)?|\d+)$",
    regex.IGNORECASE,
)
_TERM = regex.compile(
    r" (?:with|in|for|mit|avec|con) (?:an? )?\d+[ -]?(?:years?|months?|tahun|jahren?|ans|años)$",
    regex.IGNORECASE,
)
"""What a cut leaves of a term of warranty."""
LEAST_SHARE: Final = 0.5
"""Of a limit: a text cut to less has lost too much."""

_GOOD_SHARE: Final = 0.65


def cut_clean(text: str, limit: int) -> str:
    """At most ``limit`` code points, ending after a word that may end, never inside a fact."""
    if len(text) <= limit:
        return strip_dangling(text)
    inside = {at for start, end in _list_whole(text) for at in range(start + 1, end)}
    words = list_words(text)
    ends = [word.end for word in words if word.end <= limit and word.end not in inside]
    whole = [end for end in ends if end == len(text) or not _is_parted(text, end)]
    if not whole:
        return cut_graphemes(text, limit).rstrip() if words and words[0].end > limit else ""
    cut = _close(_strip_half_said(text, _after(text, whole[-1], limit)))
    parted = list(SEGMENT.finditer(cut))
    if parted and parted[-1].start() >= limit * _GOOD_SHARE:
        cut = cut[: parted[-1].start()]
    return _strip_open(strip_dangling(cut))


def _strip_half_said(text: str, end: int) -> str:
    """Without "for" and one describing word, when what it describes is cut off ("For Festive")."""
    head = text[:end]
    led = _LED_WORD.search(head)
    follows = regex.match(r" (\p{L}+)", text[end:])
    is_open = follows is not None and fold(follows.group(1)) not in DANGLING
    return head[: led.start()] if led and is_open and _describes(led.group(1)) else head


def _describes(word: str) -> bool:
    return word.isdigit() or ((is_common(word) or states_plainly(word)) and not is_noun(word))


def _list_whole(text: str) -> Iterator[tuple[int, int]]:
    """Where facts stand that no cut may part; "Gold" of "Gold Plated" would be another thing."""
    yield from list_compounds(text)
    yield from (found.span() for found in _DIMENSIONS.finditer(text))
    words = list_words(text)
    start, end, kind = 0, -1, ""
    for fact in list_facts(text):
        if fact.weak:
            continue
        follows = next((word.end for word in words if word.start >= fact.end), fact.end)
        runs_on = fact.start == end + 1 and fact.kind == kind == "color"
        start, kind = start if runs_on else fact.start, fact.kind
        end = follows if fact.normalized.startswith("faux ") else fact.end
        yield start, end


def _strip_open(text: str) -> str:
    """Without a last word that only opens what was cut off ("… Low" of "Low Sheen")."""
    text = strip_dangling(_TERM.sub("", text))
    words = list_words(text)
    while len(words) > 1 and words[-1].end == len(text) and fold(words[-1].text) in OPENERS:
        text = strip_dangling(text[: words[-1].start])
        words = list_words(text)
    return text


def _is_parted(text: str, end: int) -> bool:
    """Whether a cut at ``end`` parts a word, or a range of numbers ("6 to 14 years")."""
    ranges = (found.span() for found in _RANGE.finditer(text))
    return _runs_on(text, end) or any(start < end < last for start, last in ranges)


def _runs_on(text: str, end: int) -> bool:
    """Whether a word goes on after ``end`` with a hyphen or an apostrophe."""
    return bool(regex.match(r"[-'\u2019./&+][\p{L}\p{N}]", text[end : end + 2]))


def _after(text: str, end: int, limit: int) -> int:
    """The end of a word with the sign that belongs to it: an inch mark, a bracket, a percent."""
    sign = regex.match(r"[\"'″)%\]+]+", text[end:limit])
    return end + (sign.end() if sign else 0)


def _close(text: str) -> str:
    """Without an aside that was cut open, where enough stands before it."""
    opened = max(text.rfind(opening) for opening in PAIRS)
    closed = max(text.rfind(closing) for closing in PAIRS.values())
    return text[:opened] if opened > closed and opened > len(text) * LEAST_SHARE else text
