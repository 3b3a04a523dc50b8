"""Words of a title: how they are told apart, and which of them mean little."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import NamedTuple

import regex

from domain.marketplaces.rule_files import read_yaml

_WORD = regex.compile(r"[\p{L}\p{M}\p{N}]+(?:['\u2019-][\p{L}\p{M}\p{N}]+)*")
_SHORTEST_PLURAL = 4
_LONG_TEXT = 500
"""Characters; longer texts are not remembered, so that memory stays small."""


class Word(NamedTuple):
    """A word and where it begins in its text."""

    text: str
    start: int

    @property
    def end(self) -> int:
        """The index after its last character."""
        return self.start + len(self.text)


@dataclass(frozen=True, slots=True)
class Lexicon:
    """The packaged word lists, all lower case but for the acronyms."""

    small: frozenset[str]
    units: frozenset[str]
    plain_short: frozenset[str]
    acronyms: frozenset[str]
    lower_case_names: frozenset[str]
    number_words: tuple[str, ...]
    counted: tuple[str, ...]


@cache
def load_lexicon() -> Lexicon:
    """Read the packaged lists once."""
    stored = read_yaml("words.yaml")
    return Lexicon(
        small=frozenset(word for words in stored["small_words"].values() for word in words),
        units=frozenset(stored["units"]),
        plain_short=frozenset(stored["plain_short"]),
        acronyms=frozenset(stored["long_acronyms"]),
        lower_case_names=frozenset(stored["lower_case_names"]),
        number_words=tuple(stored["number_words"]),
        counted=tuple(stored["counted"]),
    )


def list_words(text: str) -> list[Word]:
    """The words in order; a hyphenated compound is one word."""
    if len(text) <= _LONG_TEXT:
        return list(_list_words_once(text))
    return [Word(match.group(), match.start()) for match in _WORD.finditer(text)]


@lru_cache(maxsize=512)
def _list_words_once(text: str) -> tuple[Word, ...]:
    """Several rules and parts of the score read the same text one after the other."""
    return tuple(Word(match.group(), match.start()) for match in _WORD.finditer(text))


@lru_cache(maxsize=65_536)
def fold_word(word: str) -> str:
    """The word without regard to case and plural: "Boxes" and "box" are one, "glass" stays."""
    folded = word.casefold().removesuffix("'s").removesuffix("\u2019s")
    if len(folded) < _SHORTEST_PLURAL or folded.endswith(("ss", "us", "is")):
        return folded
    if folded.endswith("ies") and len(folded) > _SHORTEST_PLURAL:
        return folded[:-3] + "y"
    if folded.endswith(("ches", "shes", "sses", "xes", "zes")):
        return folded[:-2]
    return folded.removesuffix("s")


def iter_content_words(words: Iterable[Word]) -> Iterator[tuple[str, Word]]:
    """Folded form and word of what names something: no small words, single letters or numbers.

    A unit right after a number belongs to the number.
    """
    lexicon = load_lexicon()
    after_number = False
    for word in words:
        folded = fold_word(word.text)
        is_unit = after_number and word.text.casefold() in lexicon.units
        after_number = word.text[0].isdigit()
        if len(folded) == 1 or is_unit or folded in lexicon.small or _is_number(folded):
            continue
        yield folded, word


def count_repeats(text: str) -> Counter[str]:
    """How often each content word occurs."""
    return Counter(folded for folded, _ in iter_content_words(list_words(text)))


def _is_number(folded: str) -> bool:
    return not folded.isalpha() and not any(character.isalpha() for character in folded)
