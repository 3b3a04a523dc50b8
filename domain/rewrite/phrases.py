"""Removes phrases a channel forbids, with what only stood there for them."""

from __future__ import annotations

import regex

from domain.marketplaces.names import OwnNames
from domain.rewrite.tidy import PAIRS
from domain.text import is_html

_ASIDE = regex.compile(
    "|".join(
        rf"{regex.escape(a)}[^{regex.escape(a + b)}]*{regex.escape(b)}" for a, b in PAIRS.items()
    )
)
_NODE = regex.compile(r"[^<>]+(?=<|$)")
_LINK = regex.compile(r"<a\b[^<>]*>([^<>]*)</a>", regex.IGNORECASE)
_EMPTY = regex.compile(
    r"<(p|li|div|span|em|strong|b|i|h[1-6]|a)\b[^<>]*>\s*</\1>", regex.IGNORECASE
)
_LEAD = regex.compile(
    r"(?:(?<!\p{L})(?:as|seen|see|visit|at|on|from|order|shop|write|mail|email|call|contact|us|to|"
    r"our|siehe|auf|unter|voir|sur|ver|en|kunjungi|hubungi)[\s:]+)+$",
    regex.IGNORECASE,
)
_SENTENCE = regex.compile(r"[^.!?\n<>]*(?:[.!?](?=\S)[^.!?\n<>]*)*[.!?]*[ \t]*\n?")
_FEW_WORDS = 4


def drop_phrase(text: str, phrase: str, names: OwnNames) -> str:
    """Every telling of ``phrase`` outside the listing's names, with the brackets around it.

    Words that only lead to it go too ("see www…", "as seen on …").
    """
    for aside in reversed(list(_ASIDE.finditer(text))):
        inside = aside.group()
        if phrase in inside and len(inside.split()) <= len(phrase.split()) + _FEW_WORDS:
            text = f"{text[: aside.start()]} {text[aside.end() :]}"
    for match in reversed(list(regex.finditer(regex.escape(phrase), text, regex.IGNORECASE))):
        if not names.covers(text, match.start(), match.end()):
            head = _LEAD.sub("", text[: match.start()])
            text = f"{head} {text[match.end() :]}"
    return text


def drop_sentences(text: str, phrase: str) -> str:
    """A text of sentences without those that hold ``phrase``; without the phrase alone at need.

    A question right before such a sentence was only its opening and goes with it.
    """
    if is_html(text):
        return _drop_from_html(text, phrase)
    kept = "".join(_list_kept(_SENTENCE.findall(text), phrase))
    return kept if kept.strip() and kept != text else _erase(text, phrase)


def _list_kept(sentences: list[str], phrase: str) -> list[str]:
    kept: list[str] = []
    for sentence in sentences:
        if phrase not in sentence:
            kept.append(sentence)
        elif kept and kept[-1].rstrip().endswith("?"):
            kept.pop()
    return kept


def _drop_from_html(markup: str, phrase: str) -> str:
    """Without the sentences between two tags that hold the phrase, or the tag that links to it."""
    for node in _NODE.finditer(markup):
        if phrase in node.group():
            kept = "".join(_list_kept(_SENTENCE.findall(node.group()), phrase))
            return _EMPTY.sub("", markup[: node.start()] + kept + markup[node.end() :])
    for link in _LINK.finditer(markup):
        if phrase in link.group():
            return markup[: link.start()] + link.group(1) + markup[link.end() :]
    return _erase(markup, phrase)


def _erase(text: str, phrase: str) -> str:
    rest = text.replace(phrase, " ")
    return regex.sub(r"[ \t]{2,}", " ", rest)
