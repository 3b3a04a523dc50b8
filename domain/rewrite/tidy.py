"""Leaves a text clean after a cut: spaces, brackets, separators, dangling words."""

from __future__ import annotations

from typing import Final

import regex

from domain.rewrite.words import DANGLING
from domain.text import blank_broken, fold, list_words

PAIRS: Final = {"(": ")", "[": "]", "{": "}", "【": "】", "「": "」", "『": "』", "《": "》"}
EMOJI: Final = regex.compile("[\U0001f000-\U0001faff\u2600-\u27bf\u2b00-\u2bff\ufe0f\u200d\u20e3]+")
_LAST_EMOJI = regex.compile(f"{EMOJI.pattern}$")
_EMPTY_PAIR = regex.compile(r"\(\s*\)|\[\s*\]|\{\s*\}|【\s*】|「\s*」|『\s*』|《\s*》|\"\s*\"")
_SEPARATORS = r",;:|/\\•·—–+&~*=_<>^¬¦"
_SPACE_BEFORE = regex.compile(r"\s+([,;.!?)\]}】])(?!\d)")
_SPACE_AFTER_OPEN = regex.compile(r"([(\[{【])\s+")
_DOUBLED = regex.compile(
    r"(?:\s*([,;|•·/—–&]|(?<=\s)\+|\s-(?=\s))\s*)"
    r"(?:[,;|•·/—–+&:]|-(?=\s))(?:\s*(?:[,;|•·/—–+&:]|-(?=\s)))*\s*"
)
_HEAD = regex.compile(rf"^[\s{_SEPARATORS}!?.)\]}}】'’-]+(?<![.](?=\d))")
_TAIL = regex.compile(rf"(?:(?<=[\p{{L}}\p{{N}}])\+$)(*SKIP)(*FAIL)|[\s{_SEPARATORS}(\[{{【-]+$")
_QUOTE = regex.compile(r"(?<!\d\s?)[\"“”]")
_COMMA_GAP = regex.compile(r",(?=[\p{L}])")
_LONGEST_TAIL: Final = 4
_LEADING: Final = frozenset({"with", "for", "mit", "für", "avec", "pour", "con", "para", "dengan"})
_JOINTS: Final = frozenset("-./'\u2019")
"""Before a word these make it a part of a code ("TE-30G-AT"), no small word."""


def tidy_line(text: str) -> str:
    """One line without doubled spaces, empty or lone brackets, and stray separators."""
    line = _COMMA_GAP.sub(", ", " ".join(blank_broken(text).split()))
    for _ in range(3):
        line = _EMPTY_PAIR.sub(" ", line)
    line = _drop_lone_quote(_drop_lone_brackets(line))
    line = _DOUBLED.sub(_keep_first, line)
    line = _SPACE_BEFORE.sub(r"\1", line)
    line = _SPACE_AFTER_OPEN.sub(r"\1", line)
    line = _strip_ends(line)
    return " ".join(line.split())


def _strip_ends(line: str) -> str:
    """Without separators and pictures at both ends."""
    while True:
        shorter = _TAIL.sub("", _HEAD.sub("", line)).strip()
        for edge in (EMOJI.match(shorter), _LAST_EMOJI.search(shorter)):
            if edge:
                shorter = (
                    shorter.replace(edge.group(), " ", 1)
                    if edge.start() == 0
                    else shorter[: edge.start()]
                )
        if shorter == line:
            return line
        line = shorter.strip()


def join_rest(head: str, tail: str) -> str:
    """What stood before and after a span that is gone: no comma before "with" and the like."""
    head, tail = head.rstrip(), tail.lstrip()
    if tail[:1] == "/" and head[-1:].isalnum():  # "Travel Charger/Fast …/Portable"
        return head + tail
    leads = list_words(tail)[:1]
    if head.endswith(",") and leads and leads[0].start == 0 and leads[0].text in _LEADING:
        head = head[:-1]
    return f"{head} {tail}"


def strip_dangling(text: str) -> str:
    """Without separators and small words at the end ("… with", "… &", "… for the")."""
    line = tidy_line(text)
    for _ in range(_LONGEST_TAIL):
        words = list_words(line)
        if len(words) < 2 or words[-1].end != len(line):  # noqa: PLR2004 - one word must stay
            break
        if fold(words[-1].text) not in DANGLING or line[words[-1].start - 1] in _JOINTS:
            break
        line = tidy_line(line[: words[-1].start])
    return line


def _keep_first(match: regex.Match[str]) -> str:
    first = match.group(1).strip()
    return f"{first} " if first in {",", ";"} else f" {first} "


def _drop_lone_quote(text: str) -> str:
    """Remove a quotation mark whose partner is missing; after a digit it is an inch mark."""
    marks = [match.start() for match in _QUOTE.finditer(text)]
    if len(marks) % 2 == 0:
        return text
    opening = [at for at in marks if at == 0 or text[at - 1].isspace() or text[at - 1] in "(["]
    lone = (opening or marks)[-1]
    return text[:lone] + text[lone + 1 :]


def _drop_lone_brackets(text: str) -> str:
    """Remove brackets whose partner is missing."""
    open_at: list[tuple[str, int]] = []
    lone: set[int] = set()
    closing = {close: opening for opening, close in PAIRS.items()}
    for at, character in enumerate(text):
        if character in PAIRS:
            open_at.append((character, at))
        elif character in closing:
            if open_at and open_at[-1][0] == closing[character]:
                open_at.pop()
            else:
                lone.add(at)
    lone |= {at for _, at in open_at}
    return "".join(c for at, c in enumerate(text) if at not in lone)
