"""Takes out the words that a seller wants avoided, where what is left still reads well.

A word goes where nothing leans on it: between the parts of a title, or before a thing it only
describes ("a cheap lamp"). Anywhere else it stays: half a sentence is worse than a disliked word.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import regex

from domain.facts import LostFact
from domain.facts.nouns import form_words, read_nouns
from domain.marketplaces.names import OwnNames
from domain.rewrite.shorten import find_missing
from domain.rewrite.words import CONJUNCTIONS, DANGLING, DENIALS, DETERMINERS, FILLERS
from domain.text import Word, fold, list_words
from domain.voice import find_places

Span = tuple[int, int]

_AND: Final = rf"(?:&|{'|'.join(sorted(CONJUNCTIONS))})"
_AND_AFTER: Final = regex.compile(rf"\s+{_AND}\s+(?=\p{{L}})", regex.IGNORECASE)
_AND_BEFORE: Final = regex.compile(rf"(?<=\p{{L}})\s+{_AND}\s+$", regex.IGNORECASE)
_PART_END: Final = regex.compile(r"\s*(?:[,;:|()\[\]/•·.!?<]|\s[-–—]\s|$)")
_SIGNS: Final = frozenset("-/'\u2019&+@_")
_NAME_LAST: Final = frozenset({"en", "de"})


def drop_avoided(
    text: str,
    words: Iterable[str],
    *,
    names: OwnNames,
    language: str,
    facts: Sequence[LostFact] = (),
    in_sentences: bool = False,
) -> str:
    """``text`` without those of ``words`` that may go; one of ``facts`` keeps its words."""
    for word in words:
        for span in reversed(find_places(word, text)):
            if names.covers(text, *span) or _is_held(text, span):
                continue
            gone = _find_in_sentence(text, span, language) if in_sentences else _widen(text, span)
            if gone is not None:
                text = _without(text, gone, facts)
    return text


def _is_held(text: str, span: Span) -> bool:
    """Whether a sign, a denial or a tag holds the word: "cheap-looking", "not cheap"."""
    start, end = span
    before, _ = _around(text, span)
    denied = before is not None and fold(before.text) in DENIALS
    in_tag = text.rfind("<", 0, start) > text.rfind(">", 0, start)
    return denied or in_tag or not _SIGNS.isdisjoint(text[start - 1 : start] + text[end : end + 1])


def _widen(text: str, span: Span) -> Span | None:
    """What goes from a title or tag: the word, and the "and" that only joined it.

    None where a small word before it would lead nowhere ("Box for cheap, small things").
    """
    start, end = span
    if joined := _AND_AFTER.match(text, end):
        return start, joined.end()
    if joined := _AND_BEFORE.search(text, 0, start):
        return joined.start(), end
    before, _ = _around(text, span)
    leads = before is not None and fold(before.text) in DANGLING
    return None if leads and text[end:].strip() and _PART_END.match(text, end) else span


def _find_in_sentence(text: str, span: Span, language: str) -> Span | None:
    """What goes from a sentence: a description right beside the thing that it describes."""
    before, after = _around(text, span)
    if before is None or not text[before.end : span[0]].isspace():
        return None
    if language not in _NAME_LAST:
        return (before.end, span[1]) if _ends_thing(text, before, span, language) else None
    if joined := _AND_AFTER.match(text, span[1]):  # "a cheap and sturdy lamp"
        span = span[0], joined.end()
        _, second = _around(text, span)
        after = _next(text, second) if second else None
    leads = fold(before.text) in DETERMINERS
    return span if leads and after and _is_thing(text, span, after, language) else None


def _ends_thing(text: str, before: Word, span: Span, language: str) -> bool:
    """Whether the word follows the thing it describes, as in French, and ends its part."""
    return _PART_END.match(text, span[1]) is not None and _is_name(before, language)


def _is_thing(text: str, span: Span, after: Word, language: str) -> bool:
    """Whether the next word is a thing, or the avoided one only ever praises what follows."""
    if text[span[0] : after.start].count("\n") or "<" in text[span[0] : after.start]:
        return False
    avoided = list_words(text[span[0] : span[1]])[:1]
    is_praise = bool(avoided) and fold(avoided[0].text) in FILLERS
    return _is_name(after, language) or (is_praise and fold(after.text) not in DANGLING)


def _is_name(word: Word, language: str) -> bool:
    nouns = read_nouns().get(language)
    return nouns is not None and form_words((word,), language) in nouns.names


def _around(text: str, span: Span) -> tuple[Word | None, Word | None]:
    words = list_words(text)
    before = [word for word in words if word.end <= span[0]]
    after = [word for word in words if word.start >= span[1]]
    return (before[-1] if before else None), (after[0] if after else None)


def _next(text: str, word: Word) -> Word | None:
    """The word right after another, with nothing but a space between."""
    following = next((one for one in list_words(text) if one.start >= word.end), None)
    is_next = following is not None and text[word.end : following.start].isspace()
    return following if is_next else None


def _without(text: str, span: Span, facts: Sequence[LostFact]) -> str:
    head, tail = text[: span[0]].rstrip(" "), text[span[1] :].lstrip(" ")
    closes = not head or head.endswith("\n") or not tail or tail[0] in ",;.!?:)]"
    rest = f"{_with_article(head, tail)}{'' if closes else ' '}{tail}"
    if not list_words(rest) or set(find_missing(rest, facts)) - set(find_missing(text, facts)):
        return text
    return rest


def _with_article(head: str, tail: str) -> str:
    """The head with its "a" or "an" as the next word wants it."""
    found = regex.search(r"(?<!\w)(an?)$", head, regex.IGNORECASE)
    if not found or not tail[:1].isalpha():
        return head
    article = found.group()[0] + ("n" if tail[0].lower() in "aeiou" else "")
    return head[: found.start()] + article
