"""Descriptions: length cut after a sentence, markup reduced to what a channel takes."""

from __future__ import annotations

import html
from typing import Final

import regex

from domain.marketplaces.rule import Rule
from domain.text import clean_html, cut_words, html_to_text, is_html

_SENTENCE = regex.compile(r"\S.*?(?:[.!?…]+[\"')\]]*(?=\s|$)|\n|$)", regex.DOTALL)
_BLOCK_END = regex.compile(r"</(?:p|li|ul|ol|div|h[1-6]|table|tr)>|<br\s*/?>", regex.IGNORECASE)
_VOID: Final = frozenset({"br", "hr", "img"})
_TAG = regex.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)[^<>]*>")
_LEAST_SHARE: Final = 0.5


def cut_prose(text: str, limit: int) -> str:
    """At most ``limit`` code points, ending after a sentence where half the limit stays filled."""
    if len(text) <= limit:
        return text
    if is_html(text):
        return _cut_html(text, limit)
    end = 0
    for match in _SENTENCE.finditer(text):
        if match.end() > limit:
            break
        end = match.end()
    return text[:end].rstrip() if end >= limit * _LEAST_SHARE else cut_words(text, limit)


def _cut_html(markup: str, limit: int) -> str:
    """Whole blocks that fit, their open tags closed again."""
    best = ""
    for match in _BLOCK_END.finditer(markup):
        closed = _close_tags(markup[: match.end()])
        if len(closed) > limit:
            break
        best = closed
    return best or cut_prose(html_to_text(markup), limit)


def _close_tags(markup: str) -> str:
    """``markup`` with the tags closed that were open at its end."""
    opened: list[str] = []
    for closing, name in _TAG.findall(markup):
        folded = name.lower()
        if folded in _VOID:
            continue
        if not closing:
            opened.append(folded)
        elif folded in opened:
            while opened.pop() != folded:
                pass
    return markup + "".join(f"</{name}>" for name in reversed(opened))


def fix_markup(text: str, rule: Rule) -> str:
    """Only what an html_policy rule allows; no tag allowed at all means plain text."""
    allowed = frozenset(rule.texts("allow"))
    if not allowed:
        return html.unescape(html_to_text(text)) if "<" in text else html.unescape(text)
    if allowed == {"br"}:
        return html.escape(html_to_text(text), quote=False).replace("\n", "<br>")
    attributes = rule.flag("attributes", default=True)
    return clean_html(_keep_breaks(text, allowed), allowed=allowed, attributes=attributes).strip()


def _keep_breaks(text: str, allowed: frozenset[str]) -> str:
    """Paragraphs and headings that must go leave a line break, so that words do not meet."""
    if "br" not in allowed:
        return text
    gone = [name for name in ("p", "h1", "h2", "h3", "h4", "h5", "h6", "tr") if name not in allowed]
    if not gone:
        return text
    return regex.sub(
        rf"</(?:{'|'.join(gone)})>(?!\s*(?:</|$))", "<br>", text, flags=regex.IGNORECASE
    )
