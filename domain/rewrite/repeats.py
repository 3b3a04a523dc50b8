"""Words that a title says again, and which of them may go."""

from __future__ import annotations

from typing import Final

from domain.facts.numbers import list_quantities
from domain.marketplaces.words import fold_word, load_lexicon
from domain.rewrite.cut import SEGMENT
from domain.rewrite.words import DANGLING, DENIALS
from domain.text import Word, fold, list_words

_SENTENCE_SMALL_WORDS: Final = 4
_SHORTEST_REPEAT: Final = 3


def list_repeats(text: str) -> list[Word]:
    """Words that name something and stand earlier in the text too."""
    small = load_lexicon().small
    measured = {at for quantity in list_quantities(text) for at in range(*quantity.span)}
    seen: set[str] = set()
    found = []
    for word in list_words(text):
        name = fold_word(word.text)
        telling = len(name) >= _SHORTEST_REPEAT and name.isalpha() and name not in small
        telling = telling and word.start not in measured and name not in DENIALS
        if telling and name in seen and not is_joined(text, word):
            found.append(word)
        seen.add(name)
    return found


def list_spare_repeats(text: str) -> list[Word]:
    """Repeats that may go by themselves: no part of a sentence, the less telling last.

    In a sentence a word does work that its first telling does not do for it ("does not irritate
    and does not damage"); beside a number it is part of a name ("Pixel 9").
    """
    spare = [word for word in list_repeats(text) if not _is_in_sentence(text, word)]
    return sorted(spare, key=lambda word: (not _is_by_number(text, word), word.start))


def _is_in_sentence(text: str, word: Word) -> bool:
    gaps = [gap.span() for gap in SEGMENT.finditer(text)]
    start = max((end for _, end in gaps if end <= word.start), default=0)
    end = min((begin for begin, _ in gaps if begin >= word.end), default=len(text))
    part = [fold(w.text) for w in list_words(text[start:end])]
    return bool(DENIALS & set(part)) or sum(w in DANGLING for w in part) >= _SENTENCE_SMALL_WORDS


def _is_by_number(text: str, word: Word) -> bool:
    before, after = text[: word.start].split()[-1:], text[word.end :].split()[:1]
    return any(any(c.isdigit() for c in neighbour) for neighbour in (*before, *after))


def is_joined(text: str, word: Word) -> bool:
    """Whether a sign ties a word to its neighbour ("Multi-Tool"): it does not go alone."""
    around = text[max(0, word.start - 1) : word.start] + text[word.end : word.end + 1]
    return any(sign in "-/'\u2019&+." for sign in around)
