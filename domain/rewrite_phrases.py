"""Removes phrases a channel forbids, with what only stood there for them."""

from __future__ import annotations

import regex

from domain.marketplaces.names import OwnNames
from domain.rewrite_tidy import PAIRS
from domain.text import html_to_text, is_html

_ASIDE = regex.compile(
    "|".join(
        rf"{regex.escape(a)}[^{regex.escape(a + b)}]*{regex.escape(b)}" for a, b in PAIRS.items()
    )
)
_BLOCK = regex.compile(
    r"<(p|li|div|span|em|strong|b|i|td|h[1-6]|a)\b[^<>]*>[^<>]*</\1>", regex.IGNORECASE
)
_SENTENCE = regex.compile(r"[^.!?\n<>]*(?:[.!?](?=\S)[^.!?\n<>]*)*[.!?]*[ \t]*\n?")
_FEW_WORDS = 4


def drop_phrase(text: str, phrase: str, names: OwnNames) -> str:
    """Every telling of ``phrase`` outside the listing's names, with the brackets around it."""
    for aside in reversed(list(_ASIDE.finditer(text))):
        inside = aside.group()
        if phrase in inside and len(inside.split()) <= len(phrase.split()) + _FEW_WORDS:
            text = f"{text[: aside.start()]} {text[aside.end() :]}"
    for match in reversed(list(regex.finditer(regex.escape(phrase), text, regex.IGNORECASE))):
        if not names.covers(text, match.start(), match.end()):
            text = f"{text[: match.start()]} {text[match.end() :]}"
    return text


def drop_sentences(text: str, phrase: str) -> str:
    """A text of sentences without those that hold ``phrase``; without the phrase alone at need."""
    if is_html(text):
        return _drop_from_html(text, phrase)
    kept = "".join(part for part in _SENTENCE.findall(text) if phrase not in part)
    if kept.strip() and kept != text:
        return kept
    return _erase(text, phrase)


def _drop_from_html(markup: str, phrase: str) -> str:
    """Take the innermost element out whose text or link holds the phrase."""
    for block in _BLOCK.finditer(markup):
        if phrase not in block.group():
            continue
        start, end = block.span()
        opening, _, rest = block.group().partition(">")
        content, _, closing = rest.rpartition("</")
        if phrase in content and len(html_to_text(content).split()) > _FEW_WORDS:
            shorter = drop_sentences(content, phrase)
            return f"{markup[:start]}{opening}>{shorter}</{closing}{markup[end:]}"
        return markup[:start] + markup[end:]
    return _erase(markup, phrase)


def _erase(text: str, phrase: str) -> str:
    rest = text.replace(phrase, " ")
    return regex.sub(r"[ \t]{2,}", " ", rest)
