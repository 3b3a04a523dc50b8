"""What a check looks at, and what it answers."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain

import regex

from domain.findings import Level
from domain.listing import Listing, TextValue, is_blank, iter_items
from domain.marketplaces.names import OwnNames
from domain.marketplaces.words import Word, iter_content_words, list_words

_TAG = regex.compile(r"<[/!]?[a-zA-Z!-][^<>]*>")
_TOKEN = re.compile(r"\w+")
_HREF = regex.compile(r"""(?i)\bhref\s*=\s*["']?([^"'\s>]+)""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Breach:
    """One way in which a text breaks a rule.

    ``code`` picks the wording within the rule's kind ("" for the only one), ``values`` fill it in.
    ``level`` is given where this breach is milder than its rule.
    """

    code: str = ""
    values: Mapping[str, object] = field(default_factory=dict)
    item: int | None = None
    excerpt: str = ""
    level: Level | None = None


class Passage:
    """One text: a whole text field, or one item of a list field (``item`` is its index)."""

    def __init__(self, text: str, *, names: OwnNames, item: int | None = None) -> None:
        self.text = text
        self.names = names
        self.item = item
        self.plain = _read_plain(text)
        """The text as a shopper reads it: tags become spaces, entities characters."""

    @cached_property
    def visible_lower(self) -> str:
        """``visible`` in small letters, for a first quick look."""
        return self.visible.lower()

    @cached_property
    def tokens(self) -> frozenset[str]:
        """The words of ``plain`` in small letters, hyphens parting them, for a first quick look."""
        return frozenset(_TOKEN.findall(self.plain.lower()))

    @cached_property
    def visible(self) -> str:
        """``plain`` plus the addresses its links lead to, for rules about contact."""
        if "<" not in self.text:
            return self.plain
        return " ".join([self.plain, *_HREF.findall(self.text)])

    @cached_property
    def words(self) -> list[Word]:
        """The words of ``text`` in order."""
        return list_words(self.text)

    @cached_property
    def content(self) -> list[tuple[str, Word]]:
        """The words that name something, each with its folded form."""
        return list(iter_content_words(self.words))

    @property
    def length(self) -> int:
        """Code points after NFC, markup included."""
        return count_chars(self.text)


class Subject:
    """One field of one listing, as a rule sees it; ``names`` saves finding the listing's anew."""

    def __init__(
        self, name: str, value: TextValue, listing: Listing, *, names: OwnNames | None = None
    ) -> None:
        self.name = name
        self.value = value
        self.listing = listing
        self.passages = _list_passages(value, names or OwnNames.of(listing))
        """The texts in order, blank ones left out."""

    @property
    def blank(self) -> bool:
        """Whether there is nothing to read."""
        return is_blank(self.value)

    @property
    def items(self) -> tuple[str, ...]:
        """The items with content; a text field is one item."""
        return tuple(item for item in iter_items(self.value) if item.strip())


def _read_plain(text: str) -> str:
    if "<" not in text and "&" not in text:
        return text
    return html.unescape(_TAG.sub(" ", text))


def _list_passages(value: TextValue, names: OwnNames) -> tuple[Passage, ...]:
    if isinstance(value, str):
        return (Passage(value, names=names),) if value.strip() else ()
    return tuple(
        Passage(text, names=names, item=index) for index, text in enumerate(value) if text.strip()
    )


Check = Callable[[Subject], Iterable[Breach]]
"""A rule made ready to run: looks at one field, answers what is wrong with it."""

PassageCheck = Callable[[Passage], Iterable[Breach]]


def each_passage(check: PassageCheck) -> Check:
    """A check of a whole field from a check of one text; breaches carry the item's index."""

    def run(subject: Subject) -> Iterable[Breach]:
        passages = subject.passages
        if len(passages) == 1:
            return check(passages[0])
        return chain.from_iterable(map(check, passages))

    return run


def count_chars(text: str) -> int:
    """Unicode code points after NFC, the way marketplaces count."""
    return len(text) if text.isascii() else len(unicodedata.normalize("NFC", text))


def count_bytes(text: str) -> int:
    """UTF-8 bytes after NFC; a lone surrogate counts as what it would be encoded to."""
    if text.isascii():
        return len(text)
    return len(unicodedata.normalize("NFC", text).encode("utf-8", "surrogatepass"))
