"""Tells the language of a text by its small words."""

from __future__ import annotations

from typing import Final

from domain.text import fold, list_words

_LANGUAGE_WORDS: Final = {
    "en": "the and with for of from your this is are to in by",
    "de": "der die das und mit für aus von im ist ein eine nicht auf zum zur dem den",
    "fr": "le la les et avec pour des du une est en au aux dans sur",
    "es": "el la los las y con para del una es en por su",
    "ms": "dan untuk dengan yang dari di ini tahan isi warna bahan murah asli atau pada",
}
_LANGUAGES: Final = {
    language: frozenset(fold(w) for w in words.split())
    for language, words in _LANGUAGE_WORDS.items()
}


def find_language(text: str) -> str:
    """The language whose small words stand in ``text`` most often; English when none does."""
    words = [fold(word.base) for word in list_words(text[:4000])]
    counts = {
        language: sum(word in small for word in words) for language, small in _LANGUAGES.items()
    }
    best = max(counts, key=lambda language: counts[language])
    return best if counts[best] > counts["en"] else "en"
