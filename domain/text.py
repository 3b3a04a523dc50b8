"""Text as people read it: graphemes, words, stems, and HTML to plain text and back."""

from __future__ import annotations

import html
import unicodedata
from dataclasses import dataclass, field
from functools import lru_cache
from html.parser import HTMLParser

import nh3
import regex

_GRAPHEME = regex.compile(r"\X")
_WORD = regex.compile(
    r"(?<![\p{L}\p{M}\p{N}])(\p{L}|[qQ]u)(?=['’]\p{L}{3})|([\p{L}\p{M}\p{N}]+)(?:['’]\p{L}+)?"
)
_CONTROL = regex.compile(r"[\p{Cc}\p{Cs}\p{Co}\p{Cn}\u2028\u2029--[\t\n\r]]", regex.V1)
_INVISIBLE = regex.compile(r"[\u200b\u200e\u200f\u202a-\u202e\u2060\ufeff\u00ad]")
_BROKEN = regex.compile("(?:[\u00cf\u00ef]\u00bf\u00bd|\ufffd)+")
_TAG = regex.compile(r"</?[a-zA-Z][^<>]*>|<!--")
_SENTENCE_END = regex.compile(r"(?<=[.!?…。!?])[\"'”’)]*(?:\s+|$)|\n+")
_BLOCK_TAGS = frozenset(
    {"address", "article", "blockquote", "br", "dd", "div", "dl", "dt", "fieldset", "figcaption",
     "figure", "footer", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "nav",
     "ol", "p", "pre", "section", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul"}
)  # fmt: skip
SAFE_TAGS = frozenset(
    {"a", "b", "blockquote", "br", "caption", "code", "dd", "del", "div", "dl", "dt", "em", "h1",
     "h2", "h3", "h4", "h5", "h6", "hr", "i", "img", "li", "ol", "p", "pre", "s", "small", "span",
     "strong", "sub", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "u", "ul"}
)  # fmt: skip
"""Tags that carry text and its shape and can do no harm."""
_SILENT_TAGS = frozenset({"script", "style", "template", "noscript", "head", "iframe", "object"})
_GERMAN = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})
_SUFFIXES = (("ing", 3), ("ed", 3), ("em", 6), ("en", 4), ("e", 3))
_LONG_TEXT = 500
"""Characters; longer texts are not remembered, so that memory stays small."""
_MIN_STEM = 3
_MIN_STEM_BEFORE_ER = 6


@dataclass(frozen=True, slots=True)
class Word:
    """A word and where it stands; ``base`` is it without ``'s`` and the like."""

    text: str
    base: str
    start: int
    end: int


def list_words(text: str) -> list[Word]:
    """Runs of letters and digits in reading order; hyphens and slashes part words.

    So does the apostrophe of an elision: ``d'Iroise`` is ``d`` and ``Iroise``.
    """
    if len(text) <= _LONG_TEXT:
        return list(_list_words_once(text))
    return [Word(m.group(), m[1] or m[2], m.start(), m.end()) for m in _WORD.finditer(text)]


@lru_cache(maxsize=512)
def _list_words_once(text: str) -> tuple[Word, ...]:
    """Several judges read the same text one after the other."""
    return tuple(Word(m.group(), m[1] or m[2], m.start(), m.end()) for m in _WORD.finditer(text))


def list_sentences(text: str) -> list[str]:
    """Sentences and lines, trimmed, without empty ones."""
    return [part.strip() for part in _SENTENCE_END.split(text) if part and part.strip()]


def cut_graphemes(text: str, limit: int) -> str:
    """At most ``limit`` code points, never parting what a reader sees as one character."""
    if len(text) <= limit:
        return text
    end = 0
    for match in _GRAPHEME.finditer(text):
        if match.end() > limit:
            break
        end = match.end()
    return text[:end]


def cut_words(text: str, limit: int) -> str:
    """At most ``limit`` code points, ending after a whole word where there is one to end after."""
    if len(text) <= limit:
        return text
    head = cut_graphemes(text, limit)
    boundary = max(head.rfind(" "), head.rfind("\n"))
    if head and text[len(head) : len(head) + 1].isspace():
        return head.rstrip()
    return head[:boundary].rstrip() if boundary > 0 else head


def strip_controls(text: str) -> str:
    """NFC without control, private-use and direction characters; line breaks and tabs stay."""
    return _INVISIBLE.sub("", _CONTROL.sub("", unicodedata.normalize("NFC", text)))


def blank_broken(text: str) -> str:
    """Replacement characters, and what they turn into when misread, as as many spaces."""
    return _BROKEN.sub(lambda match: " " * len(match.group()), text)


def tidy_spaces(text: str) -> str:
    """One space between words; line breaks become spaces."""
    return " ".join(text.split())


def fold(text: str) -> str:
    """Lower case without accents, for comparing: ``Größe`` and ``grosse`` are one."""
    lowered = text.casefold()
    if lowered.isascii():
        return lowered
    parts = unicodedata.normalize("NFKD", lowered.replace("ß", "ss"))
    return unicodedata.normalize("NFC", "".join(c for c in parts if not unicodedata.combining(c)))


@lru_cache(maxsize=65536)
def list_forms(word: str) -> tuple[str, ...]:
    """The ways one word may be spelled, folded and stemmed: with umlauts, also ``ae oe ue``."""
    plain = stem(fold(word))
    lowered = word.lower()
    if lowered.isascii():
        return (plain,)
    return tuple({plain, stem(fold(lowered.translate(_GERMAN)))})


def stem(folded: str) -> str:
    """A folded word without its commonest endings (plural, -ed, -ing, German -e, -en, -er)."""
    if not folded.isalpha() or len(folded) <= _MIN_STEM:
        return folded
    word = _strip_ending(_strip_plural(folded))
    if word.endswith("er") and len(word) >= _MIN_STEM_BEFORE_ER + 2:
        return word[:-2]
    return word


def _strip_ending(word: str) -> str:
    for suffix, shortest in _SUFFIXES:
        rest = word[: -len(suffix)]
        if word.endswith(suffix) and len(rest) >= shortest:
            is_doubled = suffix in {"ing", "ed"} and rest[-1] == rest[-2] != "s"
            return rest[:-1] if is_doubled and len(rest) > shortest else rest
    return word


def _strip_plural(word: str) -> str:
    if word.endswith(("ies", "ie")) and len(word) > _MIN_STEM + 1:
        return word.removesuffix("s")[:-2] + "y"
    return word[:-1] if word.endswith("s") and not word.endswith("ss") else word


def is_html(text: str) -> bool:
    """Whether a text holds at least one tag."""
    return _TAG.search(text) is not None


def html_to_text(markup: str) -> str:
    """What a reader sees: blocks on lines of their own, no scripts or styles."""
    reader = _TextReader()
    reader.feed(markup)
    reader.close()
    lines = (tidy_spaces(line) for line in "".join(reader.parts).splitlines())
    return "\n".join(line for line in lines if line)


def text_to_html(text: str) -> str:
    """Plain text as paragraphs; single line breaks become ``<br>``."""
    blocks = (block.strip() for block in regex.split(r"\n\s*\n", text))
    escaped = (html.escape(block, quote=False).replace("\n", "<br>") for block in blocks if block)
    return "".join(f"<p>{block}</p>" for block in escaped)


def clean_html(markup: str, *, allowed: frozenset[str], attributes: bool = True) -> str:
    """Keep allowed tags only; scripts and styles go with their content, other tags leave theirs."""
    kept = {"a": {"href", "title"}, "img": {"src", "alt", "width", "height"}, "*": {"class"}}
    return nh3.clean(
        markup,
        tags=set(allowed),
        attributes=kept if attributes else {},
        link_rel=None,
        clean_content_tags={"script", "style"} - allowed,
    )


@dataclass(slots=True, eq=False)
class _Silence:
    """How deep we stand inside tags whose content nobody sees."""

    depth: int = 0
    parts: list[str] = field(default_factory=list)


class _TextReader(HTMLParser):
    """Collects visible text."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._silence = _Silence()

    @property
    def parts(self) -> list[str]:
        return self._silence.parts

    def handle_starttag(self, tag: str, _attrs: list[tuple[str, str | None]]) -> None:
        if tag in _SILENT_TAGS:
            self._silence.depth += 1
        elif tag in _BLOCK_TAGS:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in _SILENT_TAGS:
            self._silence.depth = max(0, self._silence.depth - 1)
        elif tag in _BLOCK_TAGS:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if self._silence.depth == 0:
            self.parts.append(data)
