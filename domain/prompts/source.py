"""The listing as a language model sees it: one line of JSON between two marks, cut to a size.

Everything a seller, a supplier or a stranger wrote goes through here and nowhere else into a
prompt. JSON has no line breaks, so no text can end the block it stands in, and the mark is made
of the block's own hash, so no text can know it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from core.ids import hash_text
from domain.brief import Brief, canonical_json
from domain.findings import Finding
from domain.listing import TextValue, is_blank, iter_items

MAX_SOURCE_BYTES = 6_000
"""With the rules and the answer this stays below the 8,000 tokens a minute of Groq's free plan."""

_MAX_WANTED_BYTES, _MAX_OTHER_BYTES, _MAX_ATTRIBUTE_BYTES = 4_500, 1_200, 300
_MAX_FINDINGS_BYTES, _MAX_KEYWORDS_BYTES, _MAX_WORDS_BYTES = 1_000, 300, 200
_MAX_ATTRIBUTES = 40
_MARK_LENGTH = 12
_LINE_ENDS = {"\u0085": "\\u0085", "\u2028": "\\u2028", "\u2029": "\\u2029", "\x7f": "\\u007f"}
_NO_FACTS = re.compile(
    r"(?i)\b(?:price|cost|tax|taxable|images?|img|url|src|links?|quantity|qty|inventory|stock"
    r"|barcode|gtin|ean|upc|isbn|published|status|position|handle|ids?|sku|policy|fulfillment"
    r"|gift card|visibility|featured|backorders|shipping|sold|reviews|ratings?|seller|currency"
    r"|promotions?|structured|availab\w+|condition(?:id)?|custom label|ads?|destinations?"
    r"|identifiers?|expiration|duration|watchers|bids|reserve|item group|pause|country code)\b|\?$"
)
"""Columns that run a shop or a feed: true as they may be, no shopper wants to read them."""
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_ADDRESS = re.compile(r"(?i)^\s*(?:(?:https?:|www\.|data:)\S*(?:\s+|$))+$")
_NOTHING = frozenset({"false", "0", "null", "none", "[]", "{}", "default title"})


@dataclass(slots=True)
class _Cutter:
    """Takes texts in order of importance until the room is used up."""

    left: int = MAX_SOURCE_BYTES
    shortened: list[str] = field(default_factory=list)

    def take(self, name: str, text: str, *, limit: int) -> str:
        """As much of ``text`` as there is room for, cut at a word."""
        room = min(limit, self.left)
        taken = cut_bytes(text, room)
        if len(taken) < len(text) and name not in self.shortened:
            self.shortened.append(name)
        self.left -= len(taken.encode("utf-8", "replace"))
        return taken


def build_block(brief: Brief, fields: Sequence[str], *, findings: Sequence[Finding]) -> str:
    """The block, marks included; equal input gives equal text."""
    text = quote_json(_build_content(brief, fields, findings))
    mark = hash_text(text)[:_MARK_LENGTH]
    return f"<listing-{mark}>\n{text}\n</listing-{mark}>"


def _take_voice(brief: Brief) -> dict[str, Any]:
    words = {"prefer": brief.prefer, "avoid": brief.avoid, "brands": brief.brands}
    taken = {name: take_texts(told, limit=_MAX_KEYWORDS_BYTES) for name, told in words.items()}
    tone = take_texts([brief.tone], limit=_MAX_WORDS_BYTES)
    return {name: told for name, told in {"tone": "".join(tone), **taken}.items() if told}


def list_cut_fields(brief: Brief, fields: Sequence[str]) -> tuple[str, ...]:
    """Those of ``fields`` that are too long to be shown whole: a rewrite would lose the rest."""
    cutter = _Cutter()
    _take_fields(brief, fields, cutter)
    return tuple(name for name in fields if name in cutter.shortened)


def _build_content(
    brief: Brief, fields: Sequence[str], findings: Sequence[Finding]
) -> Mapping[str, Any]:
    cutter = _Cutter()
    content = {
        "fields": _take_fields(brief, fields, cutter),
        "attributes": _take_attributes(brief, cutter),
        "html_fields": sorted(brief.listing.html_fields & set(fields)),
        "keywords": take_texts(brief.keywords, limit=_MAX_KEYWORDS_BYTES),
        "voice": _take_voice(brief),
        "findings": take_texts(
            (f"{f.level.value}: {f.field}: {f.message}" for f in findings if f.field in fields),
            limit=_MAX_FINDINGS_BYTES,
        ),
        "shortened": cutter.shortened,
    }
    return {key: value for key, value in content.items() if value}


def take_texts(texts: Iterable[str], *, limit: int) -> list[str]:
    """As many of the texts as fit into ``limit`` bytes, each cut to a sentence's length."""
    cutter = _Cutter(left=limit)
    taken = [cutter.take("", text, limit=_MAX_WORDS_BYTES) for text in texts]
    return [text for text in taken if text]


def _take_fields(brief: Brief, fields: Sequence[str], cutter: _Cutter) -> dict[str, Any]:
    """The wanted fields first, then the others for what they tell about the product."""
    own = brief.listing.fields
    wanted = [name for name in fields if name in own]
    others = [name for name in own if name not in wanted and not is_blank(own[name])]
    taken = {n: _take_value(n, own[n], cutter, limit=_MAX_WANTED_BYTES) for n in wanted}
    taken |= {n: _take_value(n, own[n], cutter, limit=_MAX_OTHER_BYTES) for n in others}
    return taken


def _take_value(name: str, value: TextValue, cutter: _Cutter, *, limit: int) -> str | list[str]:
    if isinstance(value, str):
        # No buyer sees a comment, so it is no product's text; strangers hide orders in them.
        return cutter.take(name, _COMMENT.sub(" ", value), limit=limit)
    items = [cutter.take(name, item, limit=limit) for item in iter_items(value)]
    return [item for item in items if item]


def _take_attributes(brief: Brief, cutter: _Cutter) -> dict[str, str]:
    facts = [(key, text) for key, text in brief.listing.attributes.items() if _is_fact(key, text)]
    taken = {
        key: cutter.take(key, text, limit=_MAX_ATTRIBUTE_BYTES)
        for key, text in facts[:_MAX_ATTRIBUTES]
    }
    return {key: text for key, text in taken.items() if text}


def _is_fact(key: str, text: str) -> bool:
    """Whether a cell can tell something about the product that belongs into its texts."""
    value = text.strip()
    if not value or value.casefold() in _NOTHING or _ADDRESS.match(value):
        return False
    return not _NO_FACTS.search(re.sub(r"[_\-]+", " ", key))


def cut_bytes(text: str, room: int) -> str:
    """At most ``room`` bytes of UTF-8; what is longer is cut between words where there are any."""
    whole = text.encode("utf-8", "replace")
    if len(whole) <= room:
        return text
    head = whole[: max(room, 0)].decode("utf-8", "ignore")
    return head[: head.rfind(" ")] if " " in head else head


def quote_json(value: object) -> str:
    """JSON on one line, whatever counts as the end of a line in Unicode."""
    text = canonical_json(value)
    for char, escaped in _LINE_ENDS.items():
        text = text.replace(char, escaped)
    return text
