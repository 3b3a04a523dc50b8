"""The name of the product in a title whose row has no product type: "Ring", "Power Bank"."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Final

import regex

from domain.facts.lexicon import get_lexicon, is_common, list_stated
from domain.facts.nouns import LONGEST_NAME, form_words, read_nouns
from domain.facts.numbers import NUMBER_WORDS
from domain.language import find_language
from domain.text import Word, fold, list_words, stem
from domain.units import find_unit

_PARTED: Final = regex.compile(
    r"[;|()\[\]•·]|,(?!\d)|:\s|\s[/+]\s|/(?=\p{L}{3})|\s[-–—]|[-–—]\s|[.!?]\s"
)
_CODE: Final = regex.compile(r"(?<!\S)(?=\S*\d)(?=\S*-)[\p{L}\p{N}./-]+(?!\S)")
"""A code ("NV-POE30G-AT"), whose pieces are no words."""

_LEADING: Final[Mapping[str, str]] = {
    "en": "for with by from in at on that made without",
    "de": "aus mit für von im in ab zum zur ohne als",
    "fr": "pour avec en sans",
    "es": "para con en sin",
    "ms": "untuk dengan tanpa",
    "it": "per con in senza",
}
_LEADS: Final = {name: frozenset(map(fold, words.split())) for name, words in _LEADING.items()}
_NAME_LAST: Final = frozenset({"en", "de"})
"""Languages whose names end with the thing itself ("Trail Running Shoes"); in others it leads."""

_DESCRIBING: Final = frozenset(
    {"color", "size", "audience", "material", "claim", "certification", "country"}
)
_QUALIFIERS: Final = frozenset(
    word
    for line in (
        "size sizes type style edition version model series pattern color colour shade design new",
        "original pro plus max air mini lite ultra premium classic adult adults female male couple",
        "large medium small regular standard assorted included free fit quality bound hard soft",
        "na multi print use grade pcs pc per each",
    )
    for word in line.split()
)
"""What may follow the name of the product: it stands before them."""

_ENGLISH: Final = frozenset({"en"})
_ADJECTIVE: Final = regex.compile(r".+(?:al|ic|ive|ful|less|able|ible|ed|ous|ly|ish|ing)")
_MOST_AFTER: Final = 1
"""Words after a name that does not end its part: further back it is a part of something else."""

_SHORTEST_TAIL: Final = 4
_SHORTEST_NAME: Final = 3


@dataclass(frozen=True, slots=True)
class _Part:
    """A piece of a title between separators; ``led`` pieces say what for, with what or whose."""

    words: tuple[Word, ...]
    led: bool


def find_name(title: str, *, language: str = "", brand: str = "") -> str:
    """What the title calls the product, as it stands there; "" where nobody could be sure.

    The thing itself ends the head of an English or German title, before what it is for or has;
    a catalogue that writes its own product type writes it at the very end. In French, Spanish,
    Malay and Indonesian it comes first.
    """
    spoken = language or find_language(title)
    open_title = _blank_brand(title, brand)
    for one, only_head in _list_tried(spoken, open_title):
        found = _find_listed(open_title, one, only_head=only_head)
        if found:
            return _show(title, found)
    unlisted = _find_unlisted(open_title, brand) if spoken == "en" else None
    return _show(title, (unlisted,)) if unlisted else ""


def _blank_brand(title: str, brand: str) -> str:
    """The title with the brand as spaces: "Fashion Jewellery" sells rings."""
    name = brand.strip()
    at = title.casefold().find(name.casefold()) if name else -1
    blanked = title[:at] + " " * len(name) + title[at + len(name) :] if at >= 0 else title
    return blanked if len(blanked) == len(title) and blanked.strip() else title


def _list_tried(spoken: str, title: str) -> Iterator[tuple[str, bool]]:
    """The language told, English, and where no word is English, others; whether its head alone.

    Short titles often have no small words to tell their language by; sellers mix languages.
    """
    yield from dict.fromkeys(((spoken, True), ("en", False), (spoken, False)))
    if spoken == "en":
        yield "ms", False
        if not any(is_common(word.base, _ENGLISH) for word in list_words(title)):
            yield from ((one, False) for one in ("de", "fr", "es", "it"))


def _show(title: str, words: Sequence[Word]) -> str:
    first, last = words[0], words[-1]
    return title[first.start : last.end - len(last.text) + len(last.base)]


def _find_listed(title: str, language: str, *, only_head: bool = False) -> tuple[Word, ...]:
    parts = _list_parts(title, _LEADS.get(language, _LEADS["en"]))
    free = [part for part in parts if not part.led]
    if language not in _NAME_LAST:
        return _find_first(parts[:1] if only_head else parts, language)
    steps = (
        _find_at_end(free[:1], language),
        _find_within(free[:1], language, most_after=_MOST_AFTER),
        _find_at_end(free[1:][::-1], language, over_others=False),
        _find_within(free, language),
        _find_at_end(parts[::-1], language, over_others=False),
        _find_within(parts, language),
        _find_gathered(free, language),
    )
    return next((found for found in steps if found), ())


def _list_parts(title: str, leading: frozenset[str]) -> list[_Part]:
    parts: list[_Part] = []
    words: list[Word] = []
    led = False
    for word, before in _pair_with_gaps(title):
        leads = fold(word.text) in leading
        if words and (leads or _PARTED.search(before)):
            parts.append(_Part(tuple(words), led))
            words, led = [], leads
        led = led or leads
        words.append(word)
    return [*parts, _Part(tuple(words), led)] if words else parts


def _pair_with_gaps(title: str) -> list[tuple[Word, str]]:
    coded = {at for token in _CODE.finditer(title) for at in range(*token.span())}
    words = [word for word in list_words(title) if word.start not in coded]
    gaps = [title[one.end : two.start + 3] for one, two in pairwise(words)]
    return list(zip(words, ["", *gaps], strict=False))


def _find_at_end(
    parts: Sequence[_Part], language: str, *, over_others: bool = True
) -> tuple[Word, ...]:
    """The name that ends one of ``parts``, looking past what only describes it.

    Without ``over_others`` only parts that merely describe ("37 cm") are passed over.
    """
    for part in parts:
        words = _without_qualifiers(part.words, language)
        found = _match_end(words, language)
        if found or (words and not over_others):
            return found
    return ()


def _find_within(
    parts: Sequence[_Part], language: str, *, most_after: int | None = None
) -> tuple[Word, ...]:
    for part in parts:
        words = _without_qualifiers(part.words, language)
        for end in range(len(words), 0, -1):
            if most_after is not None and len(words) - end > most_after:
                break
            if found := _match_end(words[:end], language):
                return found
    return ()


def _find_first(parts: Sequence[_Part], language: str) -> tuple[Word, ...]:
    """The first name, of parts that are not led before those that are."""
    nouns = read_nouns()[language]
    for part in sorted(parts, key=lambda part: part.led):
        for start in range(len(part.words)):
            for end in range(min(start + LONGEST_NAME, len(part.words)), start, -1):
                if form_words(part.words[start:end], language) in nouns.names:
                    return part.words[start:end]
    return ()


def _match_end(words: Sequence[Word], language: str) -> tuple[Word, ...]:
    """The longest name that ends ``words``; a word like "Kit" after it is no part of it."""
    nouns = read_nouns()[language]
    end = len(words)
    while end and fold(words[end - 1].base) in nouns.weak:
        end -= 1
    for start in range(max(0, end - LONGEST_NAME), end):
        if form_words(words[start:end], language) in nouns.names:
            return tuple(words[start:end])
    last = tuple(words[end - 1 : end])
    return last if last and _ends_with_name(last[0], language) else ()


def _find_gathered(parts: Sequence[_Part], language: str) -> tuple[Word, ...]:
    """A word that gathers ("Patch Kit") with the one before it, where nothing better is found."""
    weak = read_nouns()[language].weak
    for part in parts:
        words = _without_qualifiers(part.words, language)[-2:]
        if len(words) > 1 and fold(words[-1].base) in weak:
            return words
    return ()


def _ends_with_name(word: Word, language: str) -> bool:
    """A German compound is what its last part is: ``Olivenholzbrett`` is a ``brett``."""
    if language != "de" or not word.base[:1].isupper():
        return False
    form = stem(fold(word.base))
    tails = (form[at:] for at in range(3, len(form) - _SHORTEST_TAIL + 1))
    return any((tail,) in read_nouns()["de"].names for tail in tails)


def _without_qualifiers(words: tuple[Word, ...], language: str) -> tuple[Word, ...]:
    while words and _is_qualifier(words[-1], language):
        words = words[:-1]
    return words


def _is_qualifier(word: Word, language: str) -> bool:
    """Whether a word describes the thing before it: a number, unit, colour, size or buyer."""
    folded = fold(word.base)
    if form_words((word,), language) in read_nouns()[language].names:
        return False
    is_measure = any(c.isdigit() for c in folded) or find_unit(word.base) is not None
    is_little = len(folded) == 1 or folded in NUMBER_WORDS or folded in _QUALIFIERS
    return is_measure or is_little or _describes(word.base)


@lru_cache(maxsize=4096)
def _describes(word: str) -> bool:
    entries = get_lexicon().phrases.get((stem(fold(word)),), ())
    return bool(entries) and all(entry.kind in _DESCRIBING for entry in entries)


def _find_unlisted(title: str, brand: str) -> Word | None:
    """A plain word that ends the head of an English title: whatever it is, it names the thing.

    None where it rather describes: an everyday word, or one of the brand.
    """
    branded = {fold(word.base) for word in list_words(brand)}
    head = next(iter(_list_parts(title, _LEADS["en"])), None)
    words = _without_qualifiers(head.words, "en") if head else ()
    if len(words) <= len(branded) + 1:
        return None
    last = words[-1]
    is_word = last.base.isalpha() and last.base.isascii() and len(last.base) > _SHORTEST_NAME
    is_plain = is_word and (last.base.islower() or last.base.istitle() or title.isupper())
    describes = is_common(last.base) or bool(list_stated(last.base))
    describes = describes or _ADJECTIVE.fullmatch(fold(last.base)) is not None
    return last if is_plain and not describes and fold(last.base) not in branded else None
