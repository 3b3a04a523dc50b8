"""Text that speaks about itself: refusals, chat, markup and prompt leftovers, new contact data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import regex

from domain.text import fold


@dataclass(frozen=True, slots=True)
class MetaText:
    """A part of a text that no shopper should read, and what is wrong with it."""

    message: str
    excerpt: str


_REFUSAL = (
    r"\bas an? (?:AI|artificial intelligence|language model|large language model)\b",
    r"\bI(?:['’]m| am) (?:sorry|unable|not able|just an? (?:AI|assistant))\b",
    r"\bI (?:cannot|can['’]?t|can not|do not have|don['’]t have|won['’]t|apologi[sz]e)\b",
    r"\b(?:goes|violates?|against) (?:OpenAI|Anthropic|my|our) (?:use |usage |content )?polic",
    r"\bmy (?:training data|knowledge cutoff|guidelines)\b",
    r"\bals (?:eine? )?(?:KI|künstliche Intelligenz)\b|\bich kann (?:leider )?(?:nicht|keine)\b",
    r"\ben tant (?:qu['’]IA|que modèle)|\bje ne peux pas\b|\bje suis désolée?\b",
    r"\bcomo (?:una? )?(?:IA|modelo de lenguaje)\b|\bno puedo (?:ayudar|crear)\b|\blo siento\b",
    r"\bsebagai (?:model bahasa|AI)\b|\bmaaf, saya\b",
)
_CHAT = (
    (
        r"\bhere(?:['’]s| is| are) (?:your|the|an?|my) (?:\w+ ){0,3}(?:title|description|listing|"
        r"tags|bullets?|bullet points|version|text|keywords)\b"
    ),
    r"^\s*(?:sure|certainly|of course|absolutely|okay|great)[,!.:]\s",
    (
        r"^\s*(?:seo )?(?:title|description|product title|product description|tags|bullets|titel|"
        r"beschreibung|titre|título|judul|output|answer)\s*:\s"
    ),
    r"\b(?:optimi[sz]ed|revised|rewritten|improved|new|updated) (?:title|description|listing)\s*:",
    r"\blet me know if\b|\bhope this helps\b|\bfeel free to (?:ask|adjust|modify|edit)\b",
    r"\((?:\d+ characters|character count[^)]*)\)",
)
_MARKUP = (
    r"```|\*\*[^*\n]+\*\*|(?m:^\s{0,3}#{1,6} )|\[[^\]\n]+\]\([^)\n]+\)|(?m:^\s*\* )|__[^_\n]+__",
    r"[{\[]\s*[\"'][a-z_]+[\"']\s*:|\\n|\\u[0-9a-f]{4}",
)
_PROMPT = (
    r"<\|[^|]*\|>|\[/?INST\]|<</?SYS>>|\{\{[^}]*\}\}|\{%[^%]*%\}",
    (
        r"\b(?:ignore|disregard) (?:all |any |the |your )*(?:previous|prior|above|earlier) "
        r"(?:instructions|rules|prompts?)\b"
    ),
    r"\bsystem prompt\b|\buser prompt\b|\bdeveloper message\b",
    r"\[(?:brand|product|insert|your|color|size|model|name|title|price)[^\]]{0,30}\]",
    r"\blorem ipsum\b|\bnull\b,|\bundefined\b|\bNaN\b",
)
_CONTACT = (
    r"(?:https?://|www\.)\S+",
    r"\b[\w-]{2,}\.(?:com|net|org|shop|store|io|de|fr|es|co\.uk|co\.id|com\.my)\b(?:/\S*)?",
    r"[\w.+-]+@[\w-]+\.[\w.]{2,}",
    r"(?<![\w.])\+?(?:\d[\s().-]{0,2}){8,14}\d(?!\w)",
    r"\b(?:whatsapp|telegram|wechat|call us|text us|e-?mail us|contact us at)\b",
)
_MODEL_LIST: Final = regex.compile(r"\d{3,5}(?: \d{3,5})+")
_FAMILIES: Final = tuple(
    (message, tuple(regex.compile(pattern, regex.IGNORECASE) for pattern in patterns))
    for message, patterns in (
        ("speaks as a language model that refuses", _REFUSAL),
        ("speaks to the user instead of the shopper", _CHAT),
        ("holds leftover markup or code", _MARKUP),
        ("holds leftovers of a prompt or placeholders", _PROMPT),
        ("holds contact data that the listing does not have", _CONTACT),
    )
)
_CONTACTS: Final = _FAMILIES[-1][1]


def find_meta_text(text: str, *, own: str, same: str | None = None) -> MetaText | None:
    """The first such part of ``text`` that the seller's ``own`` texts do not hold already.

    An address or telephone number must have stood in the ``same`` field, where one is named: it is
    not carried from one into another. A plain number may be an article's.
    """
    known, here = fold(own), fold(own if same is None else same)
    for message, patterns in _FAMILIES:
        for pattern in patterns:
            for match in pattern.finditer(text):
                excerpt = match.group().strip()
                moved = patterns is _CONTACTS and not excerpt.isdigit()
                if fold(excerpt) not in (here if moved else known) and not _lists_known_numbers(
                    excerpt, own
                ):
                    return MetaText(message=message, excerpt=excerpt)
    return None


def _lists_known_numbers(excerpt: str, own: str) -> bool:
    """Whether what looks like a telephone number lists models of the row ("8210 8216 8218")."""
    if not _MODEL_LIST.fullmatch(excerpt):
        return False
    return all(regex.search(rf"(?<!\d){number}(?!\d)", own) for number in excerpt.split())
