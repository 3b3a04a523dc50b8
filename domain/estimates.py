"""How many tokens a text has at most, in any language, without the provider's vocabulary.

The weights are above what o200k (the vocabulary of gpt-oss) was measured to need: words of a
language as such, codes and rare characters each as what they are. ``bench.token_estimates``
compares them with it.
"""

from __future__ import annotations

import math
import re
import threading
from bisect import bisect_right
from collections import OrderedDict
from functools import lru_cache
from typing import Final

_PIECE: Final = re.compile(
    r"(?P<digits>[0-9]+(?![A-Za-z0-9]))|(?P<word>[A-Za-z]+(?![A-Za-z0-9]))|(?P<code>[A-Za-z0-9]+)"
    r"|(?P<space>\s+)|(?P<mark>[!-/:-@\[-`{-~])|(?P<other>[^\x00-\x7f])|(?P<control>.)",
    re.DOTALL,
)
_VOWELS: Final = re.compile(r"[aeiouyAEIOUY]")
_CONSONANTS: Final = re.compile(r"[^aeiouyAEIOUY]{5}")
_LONG_WORD, _LEAST_VOWELS = 24, 0.2
_WORD_BYTES, _SPACE_BYTES, _DIGITS = 3.0, 3.4, 2.9
_OWN_BYTES: Final = 3.3
_CODE, _MARK, _CAPITALS = 0.75, 0.72, 0.58

_HAN, _HANGUL = -1.0, -2.0
_RANGES: Final = (
    (0x0250, 1.0),  # Latin with marks
    (0x0370, 1.5),
    (0x0400, 0.9),  # Greek
    (0x0530, 0.8),  # Cyrillic
    (0x0590, 1.6),
    (0x0700, 0.75),  # Hebrew, Arabic
    (0x0900, 2.0),
    (0x0980, 1.0),  # Devanagari
    (0x0E00, 1.7),  # other scripts of India
    (0x0E80, 1.0),  # Thai
    (0x10A0, 2.0),
    (0x1100, 1.1),  # Georgian
    (0x1E00, 2.5),
    (0x1F00, 1.3),  # Vietnamese
    (0x2000, 2.5),
    (0x2C00, 1.5),  # dashes, quotes, currencies, arrows, boxes
    (0x3000, 2.5),
    (0x3100, 1.1),  # kana
    (0x4E00, 2.5),
    (0xA000, _HAN),
    (0xAC00, 3.0),
    (0xD7B0, _HANGUL),
    (0xFE00, 3.0),
    (0xFE10, 1.1),  # variation selectors
    (0xFF00, 3.0),
    (0xFFF0, 1.1),  # wide and narrow forms
    (0x10000, 3.0),
    (0x110000, 4.0),  # emoji among others
)
"""Tokens per character below each code point."""

_ENDS: Final = tuple(below for below, _ in _RANGES)
_USUAL, _RARE_HAN, _RARE_HANGUL = 1.2, 3.0, 3.0
_PAIR: Final = 2
_USUAL_HAN: Final = (("gb2312", 0xB0, 0xD7), ("cp932", 0x88, 0x97), ("big5", 0xA4, 0xC6))
_USUAL_HANGUL: Final = ("euc_kr", 0xB0, 0xC8)
"""Encoding, and the first bytes of the characters that are in daily use."""


@lru_cache(maxsize=256)
def estimate_tokens(text: str) -> int:
    """At least as many tokens as ``text`` has, in any language."""
    total = 0.0
    for piece in _PIECE.finditer(text):
        total += _weigh_piece(piece.lastgroup or "", piece.group())
    return math.ceil(total)


def estimate_own_words(text: str) -> int:
    """At least as many tokens as English instructions of our own have (real: 3.9 bytes each)."""
    return math.ceil(len(text.encode("utf-8", "surrogatepass")) / _OWN_BYTES)


def _weigh_piece(kind: str, text: str) -> float:
    match kind:
        case "word":
            return _weigh_word(text)
        case "space":
            return len(text.encode("utf-8", "surrogatepass")) / _SPACE_BYTES
        case "digits":
            return math.ceil(len(text) / _DIGITS)
        case "code":
            return len(text) * _CODE
        case "mark":
            return _MARK
        case "other":
            return _weigh(ord(text))
        case _:
            return 1.0


def _weigh_word(text: str) -> float:
    """Codes are known by having few vowels, by their length, or by capitals in odd places."""
    vowels = len(_VOWELS.findall(text))
    if len(text) > _LONG_WORD or _CONSONANTS.search(text) or vowels < _LEAST_VOWELS * len(text):
        return max(1.0, len(text) * _CODE)
    if text.islower() or text.istitle():
        return max(1.0, (len(text) + 1) / _WORD_BYTES)
    return max(1.0, len(text) * (_CAPITALS if text.isupper() else _CODE))


def _weigh(point: int) -> float:
    weight = _RANGES[bisect_right(_ENDS, point)][1]
    if weight == _HAN:
        return _USUAL if any(_is_usual(point, *rows) for rows in _USUAL_HAN) else _RARE_HAN
    if weight == _HANGUL:
        return _USUAL if _is_usual(point, *_USUAL_HANGUL) else _RARE_HANGUL
    return weight


def _is_usual(point: int, encoding: str, first: int, last: int) -> bool:
    """Whether an older encoding keeps the character among those of daily use."""
    encoded = chr(point).encode(encoding, "ignore")
    return len(encoded) == _PAIR and first <= encoded[0] <= last


_MOST_BYTES: Final = 8.0
"""No prose was measured to have so many bytes per token."""


def count_least_tokens(text: str) -> int:
    """At most as many tokens as ``text`` has: runs of spaces may be one each."""
    return math.floor(len(" ".join(text.split()).encode("utf-8", "surrogatepass")) / _MOST_BYTES)


class PrefixTable:
    """What the part of a prompt costs that is the same in many calls, learnt from real bills.

    A call's prompt is that part and the rest: so the part has at most what was billed less the
    least that the rest can have. The lowest such figure is kept for each text. Thread-safe.
    """

    _MOST = 256

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._most: OrderedDict[tuple[str, str], int] = OrderedDict()

    def learn(self, model: str, prefix: str, *, rest: str, billed: int) -> None:
        """Take in what one call's prompt was billed with."""
        at_most = billed - count_least_tokens(rest)
        if at_most <= 0:
            return
        with self._lock:
            key = (model, prefix)
            self._most[key] = min(at_most, self._most.get(key, at_most))
            self._most.move_to_end(key)
            if len(self._most) > self._MOST:
                self._most.popitem(last=False)

    def estimate(self, model: str, prefix: str) -> int:
        """At least the tokens of the part: learnt, else estimated."""
        with self._lock:
            learnt = self._most.get((model, prefix))
        cold = estimate_own_words(prefix)
        return cold if learnt is None else min(cold, learnt)
