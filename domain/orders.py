"""Orders to a language model that somebody hid in a listing, and the listing without them.

The gate looks facts up in the row. What a stranger ordered stands in the row too, so it must not
count as a fact: from where an order begins, a cell proves nothing.
"""

from __future__ import annotations

from typing import Final

import regex

from domain.listing import Listing, TextValue

_WHAT: Final = (
    r"(?:instructions?|rules?|prompts?|guidelines?|anweisungen|regeln|instrucciones|reglas|"
    r"consignes|règles|arahan|peraturan|instruksi|aturan|istruzioni|regole)"
)
_IGNORE: Final = (
    r"\b(?:ignore|disregard|forget|override|bypass|vergiss|ignorier\w*|missachte|olvida|ignora\w*|"
    r"oubliez?|ignorez?|abaikan|lupakan|dimentica)\b[^.!?\n]{0,60}?"
)
_ROLE: Final = (
    r"\b(?:system|assistant|developer|admin(?:istrator)?) "
    r"(?:message|prompt|note|override|update|mode|instructions?)\b"
)
_EVERYWHERE: Final = (
    r"\b(?:add|append|insert|include|write|put|mention)\b[^.!?\n]{0,60}?\b(?:in|into|to|at the "
    r"(?:end|start) of) (?:every|each|all|your) (?:\w+ )?(?:title|description|listing|answer|tag)"
)
_READER: Final = (
    r"\b(?:note|message|hint|attention|dear)[ ,:]+(?:to |for )?(?:the |any )?"
    r"(?:AI|language model|LLM|chatbot|copywriter bot|model|assistant|KI|IA)\b"
)
_ORDERS: Final = (
    r"<\|[^|>]*\|>|\[/?INST\]|<</?SYS>>|</?(?:listing|system|assistant|user|tool)\b[^>]*>",
    r"(?-i:(?<![A-Z] )\b(?:SYSTEM|ASSISTANT|DEVELOPER|ADMIN|USER)\s*:)",
    r"\"role\"\s*:|#{2,}\s*(?:system|instructions?|rules)\b",
    _ROLE,
    _IGNORE + _WHAT,
    r"忽略.{0,20}(?:指示|规则|指令)|(?:指示|ルール).{0,10}無視",
    r"игнорируй\w*[^.!]{0,40}(?:правил|инструкц)\w*",
    r"\b(?:new|updated|revised|additional) (?:instructions?|rules|prompt)\s*:",
    r"\b(?:you are|you're) now\b|\bas an? (?:AI|language model)\b",
    r"\b(?:decode|execute|evaluate) (?:this|the following|base64)\b|\bbase64\s*:",
    _READER,
    _EVERYWHERE,
    r"\b(?:respond|reply|answer) only with\b|\bprompt injection\b|\bjailbreak\b",
)
_BEGINS: Final = tuple(regex.compile(order, regex.IGNORECASE) for order in _ORDERS)
_COMMENT: Final = regex.compile(r"<!--.*?(?:-->|\Z)", regex.DOTALL)


def without_orders(listing: Listing) -> Listing:
    """The listing as evidence: without comments, each cell only up to the first order in it."""
    fields = {name: _clean(value) for name, value in listing.fields.items()}
    attributes = {_cut(name): _cut(text) for name, text in listing.attributes.items()}
    if fields == dict(listing.fields) and attributes == dict(listing.attributes):
        return listing
    return Listing(
        key=listing.key,
        fields=fields,
        attributes=attributes,
        html_fields=listing.html_fields,
    )


def _clean(value: TextValue) -> TextValue:
    return _cut(value) if isinstance(value, str) else tuple(_cut(item) for item in value)


def _cut(text: str) -> str:
    shown = _COMMENT.sub(" ", text)
    starts = [found.start() for order in _BEGINS if (found := order.search(shown))]
    return shown[: min(starts)].rstrip() if starts else shown
