"""The words for things that are sold, by language, read from their file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from domain.marketplaces.words import fold_word
from domain.text import Word, fold, list_words, stem

LONGEST_NAME: Final = 3
"""Words."""

_NOUNS_FILE: Final = Path(__file__).with_name("nouns.txt")


@dataclass(frozen=True, slots=True)
class Nouns:
    """The words for things in one language, as tuples of forms; ``weak`` ones gather others."""

    names: frozenset[tuple[str, ...]]
    weak: frozenset[str]


def form_words(words: Sequence[Word], language: str) -> tuple[str, ...]:
    """The forms by which words are looked up among a language's names."""
    return tuple(_fold_noun(word.base, language) for word in words)


def _fold_noun(word: str, language: str) -> str:
    return fold(fold_word(word)) if language == "en" else stem(fold(word))


@lru_cache(maxsize=1)
def read_nouns() -> dict[str, Nouns]:
    """Language to its words for things, read once."""
    names: dict[str, set[tuple[str, ...]]] = {}
    weak: dict[str, set[str]] = {}
    language, is_weak = "", False
    for line in _NOUNS_FILE.read_text("utf-8").splitlines():
        if line.startswith("# "):
            language, _, rest = line[2:].partition(":")
            is_weak = rest.startswith(" weak")
        elif is_weak:
            weak.setdefault(language, set()).update(map(fold, line.split()))
        else:
            found = (_read_noun(written, language) for written in line.split())
            names.setdefault(language, set()).update(found)
    return {name: Nouns(frozenset(names[name]), frozenset(weak.get(name, ()))) for name in names}


def _read_noun(written: str, language: str) -> tuple[str, ...]:
    words = list_words(written.replace("_", " "))
    return tuple(_fold_noun(word.base, language) for word in words)


def is_noun(word: str) -> bool:
    """Whether a word alone is a name for things in any language."""
    return any((_fold_noun(word, one),) in nouns.names for one, nouns in read_nouns().items())


def list_compounds(text: str) -> Iterator[tuple[int, int]]:
    """Where an English name of several words stands ("Sun Shade"): it is cut whole or not."""
    names = read_nouns()["en"].names
    words = list_words(text)
    for start in range(len(words) - 1):
        for end in range(start + 2, min(start + LONGEST_NAME, len(words)) + 1):
            if form_words(words[start:end], "en") in names:
                yield words[start].start, words[end - 1].end
