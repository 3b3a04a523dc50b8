"""Makes a title fit by dropping whole pieces: where none may go, nothing is dropped."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Final

import regex

from domain.facts import LostFact, find_lost_among
from domain.listing import Listing
from domain.marketplaces.words import fold_word
from domain.rewrite.atoms import (
    find_closing_name,
    find_parted,
    list_atoms,
    list_led,
    list_model_lists,
)
from domain.rewrite.cut import LEAST_SHARE, SEGMENT
from domain.rewrite.tidy import join_rest, strip_dangling
from domain.rewrite.words import FILLERS
from domain.text import fold, list_words

Facts = tuple[LostFact, ...]
Span = tuple[int, int]

_ITEM_GAP: Final = regex.compile(r"\s*[,|/]\s*")
_PARTED: Final = regex.compile(rf"{SEGMENT.pattern}|[&+)]")
_LITTLE_TOO_LONG: Final = 1.4
"""Of a limit; of a longer title too few describing words would stay for its name."""

_SLASH_PART: Final = regex.compile(r"/[\p{L}\p{N}-]+(?: [\p{L}\p{N}-]+)?(?=/|\s|$)")
_HEAD_LAST: Final = frozenset({"en", "de", ""})
_PLACED: Final = frozenset({"brand", "product_type"})
_MOST_DROPS: Final = 40


def shorten_whole(text: str, *, limit: int, facts: Facts, language: str) -> str:
    """``text`` in at most ``limit`` code points without some whole pieces, or unchanged.

    Pieces go in this order: praise, what it is for or has, parts after separators, then from the
    name's farthest describing words inwards; never one that alone tells one of ``facts``.
    """
    line = text
    for _ in range(_MOST_DROPS):
        if len(line) <= limit:
            return line
        shorter = _drop_one(line, text, facts, language=language, limit=limit)
        if not shorter:
            break
        line = shorter
    return _cut_end(text, limit, facts, language) or text


def _cut_end(text: str, limit: int, facts: Facts, language: str) -> str:
    """The longest beginning that parts nothing, with the facts that stood behind it; ""."""
    ends = [word.end for word in list_words(text) if word.end <= limit]
    for end in reversed(ends):
        head = strip_dangling(text[:end])
        if len(head) < limit * LEAST_SHARE:
            return ""
        lost = [
            fact for fact in _find_missing(head, facts) if fact not in _find_missing(text, facts)
        ]
        line = head + "".join(f", {fact.text}" for fact in lost)
        is_placed = not any(fact.kind in _PLACED for fact in lost)
        if len(line) <= limit and is_placed and not find_parted(text, line, language):
            return line
    return ""


def _drop_one(line: str, text: str, facts: Facts, *, language: str, limit: int) -> str:
    for start, end in _list_spare(line, language, limit=limit):
        shorter = strip_dangling(join_rest(line[:start], line[end:]))
        if len(shorter) >= len(line) or _lose(line, shorter, facts):
            continue
        if not find_parted(text, shorter, language):
            return shorter
    return ""


def _lose(line: str, shorter: str, facts: Facts) -> bool:
    return bool(set(_find_missing(shorter, facts)) - set(_find_missing(line, facts)))


def _find_missing(text: str, facts: Facts) -> Facts:
    return find_lost_among(facts, Listing(key="", fields={"title": text}))


def _list_spare(line: str, language: str, *, limit: int) -> Iterator[Span]:
    """What may go, in the order in which it does."""
    words = list_words(line)
    yield from ((w.start, w.end) for w in reversed(words[1:]) if fold(w.text) in FILLERS)
    yield from reversed(list(list_led(line, language)))
    ends = [*(gap.start() for gap in SEGMENT.finditer(line)), len(line)]
    yield from reversed(list(pairwise(ends)))
    if len(line) <= limit * _LITTLE_TOO_LONG:
        yield from _list_describing(line, language)


def _list_describing(line: str, language: str) -> Iterator[Span]:
    """The pieces between the opening and the name, the farthest from the name first."""
    name = find_closing_name(line, language)
    closing = line.rfind(name) if name else len(line)
    groups = [span for span in _list_groups(line, language)[1:] if span[1] <= closing]
    if language in _HEAD_LAST and name and not _PARTED.search(line, 0, closing):
        yield from groups


def _list_groups(line: str, language: str) -> list[Span]:
    spans = [(word.start, word.end) for word in list_words(line)]
    spans += [(atom.start, atom.end) for atom in list_atoms(line, language)]
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def say_once(text: str, wanted: str) -> str:
    """A word that a list of models repeats said once ("iPad 2, 3, 4"), or a part with it gone.

    The text unchanged where a model would lose its name.
    """
    for start, end in list_model_lists(text):
        items = _ITEM_GAP.split(text[start:end])
        shared = items[0].rsplit(" ", 1)[0]
        rests = [item.removeprefix(f"{shared} ") for item in items]
        is_plain = all(any(c.isdigit() for c in rest) for rest in rests)
        if is_plain and all(item.startswith(f"{shared} ") for item in items):
            return f"{text[:start]}{shared} {', '.join(rests)}{text[end:]}"
        return text
    for part in reversed(list(_SLASH_PART.finditer(text))):
        if any(fold_word(word.text) == wanted for word in list_words(part.group())):
            return text[: part.start()] + text[part.end() :]
    return text
