"""Says true titles otherwise: order, length, spelling and units change, the facts do not."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Final

import regex

from bench.mutations import Variant

_ABBREVIATED: Final[Mapping[str, str]] = {
    r"\bwith\b": "w/", r"\binch(?:es)?\b": "in.", r"\bounces?\b": "oz", r"\bpieces?\b": "pcs",
    r"\bgrams?\b": "g", r"\bstainless steel\b": "SS", r"\bblack\b": "Blk", r"\bpounds?\b": "lbs",
    r"\bwhite\b": "Wht", r"\b(?:and|und|et|dan)\b": "&", r"\blit(?:er|re)s?\b": "L",
    r"\bpack of (\d+)\b": r"\1 pk", r"\bmillilit(?:er|re)s?\b": "ml", r"\bStück\b": "Stk.",
    r"\b(\d+) unidades\b": r"\1 uds", r"\bset of (\d+)\b": r"\1 set", r"\bwatts?\b": "W",
}  # fmt: skip
_CONVERSIONS: Final[Mapping[str, tuple[str, Fraction]]] = {
    "ml": ("L", Fraction(1, 1000)), "cm": ("mm", Fraction(10)), "mm": ("cm", Fraction(1, 10)),
    "kg": ("g", Fraction(1000)), "g": ("kg", Fraction(1, 1000)), "m": ("cm", Fraction(100)),
    "L": ("ml", Fraction(1000)), "inch": ("cm", Fraction(254, 100)), "lb": ("oz", Fraction(16)),
    "W": ("kW", Fraction(1, 1000)), "TB": ("GB", Fraction(1024)), "lbs": ("oz", Fraction(16)),
}  # fmt: skip
_MEASURE = regex.compile(
    rf"(?<![\w.,/x×*-]|[x×] )(\d+(?:\.\d+)?) ?({'|'.join(_CONVERSIONS)})(?![\w²³/%-]| ?[x×*/])"
)
_UNIT_GAP = regex.compile(r"(\d)\s?(ml|cm|mm|kg|g|W|V)\b")
_COUNT = regex.compile(r"(?<![\w.,/:(+-])([2-9]|1[0-2])(?![\w.,/:%)+-])")
_NUMBERS: Final[Mapping[str, str]] = {
    "en": "two three four five six seven eight nine ten eleven twelve",
    "de": "zwei drei vier fünf sechs sieben acht neun zehn elf zwölf",
    "fr": "deux trois quatre cinq six sept huit neuf dix onze douze",
    "es": "dos tres cuatro cinco seis siete ocho nueve diez once doce",
    "ms": "dua tiga empat lima enam tujuh delapan sembilan sepuluh",
}
_PLURAL: Final[Mapping[str, str]] = {"en": "s", "de": "en", "fr": "s", "es": "s", "ms": ""}
_SHORTEST: Final = 4


def list_rewordings(title: str, *, language: str, rng: random.Random) -> Iterator[Variant]:
    """Each way of saying it that changes the title at all."""
    made = {
        "lower case": title.lower(),
        "upper case": title.upper(),
        "title case": title.title(),
        "reordered": _reorder(title, rng),
        "words reordered": _reorder_words(title, rng),
        "shortened": _shorten(title),
        "shortened at the front": " ".join(title.split()[len(title.split()) // 3 :]),
        "hyphens as spaces": title.replace("-", " "),
        "spaces as hyphens": _join(title, rng),
        "unit apart or joined": _UNIT_GAP.sub(rng.choice([r"\1 \2", r"\1\2", r"\1-\2"]), title),
        "unit converted": _MEASURE.sub(_convert, title),
        "abbreviated": _abbreviate(title),
        "number words": _COUNT.sub(lambda m: _say(m.group(), language), title),
        "plural": _inflect(title, language, rng),
    }
    for kind, text in made.items():
        if text != title and text.strip():
            yield Variant(kind=kind, text=text)


def _shorten(title: str) -> str:
    """Two thirds of the words, none of them a number without its unit."""
    words = title.split()
    kept = words[: max(2, len(words) * 2 // 3)]
    while len(kept) > 1 and (kept[-1][-1].isdigit() or kept[-1] in {"x", "×", "Ø"}):
        kept.pop()
    return " ".join(kept)


def _reorder(title: str, rng: random.Random) -> str:
    parts = regex.split(r"\s*[,|]\s+", title)
    rng.shuffle(parts)
    return ", ".join(parts)


def _reorder_words(title: str, rng: random.Random) -> str:
    """The last words first, parted where no fact is torn: at a word between letters."""
    gaps = [m.start() for m in regex.finditer(r"(?<=\p{Ll}{3}) (?=\p{Lu}\p{Ll}{2})", title)]
    if not gaps:
        return title
    at = rng.choice(gaps)
    return f"{title[at + 1 :]}, {title[:at]}"


def _join(title: str, rng: random.Random) -> str:
    gaps = [m.start() for m in regex.finditer(r"(?<=\p{L}{3}) (?=\p{L}{3})", title)]
    if not gaps:
        return title
    at = rng.choice(gaps)
    return f"{title[:at]}-{title[at + 1 :]}"


def _convert(match: regex.Match[str]) -> str:
    unit, factor = _CONVERSIONS[match.group(2)]
    value = Fraction(match.group(1)) * factor
    shown = f"{float(value):.6f}".rstrip("0").rstrip(".")
    return f"{shown} {unit}"


def _abbreviate(title: str) -> str:
    for long, short in _ABBREVIATED.items():
        title = regex.sub(long, short, title, flags=regex.IGNORECASE)
    return title


def _say(digits: str, language: str) -> str:
    words = _NUMBERS[language].split()
    at = int(digits) - 2
    return words[at] if at < len(words) else digits


def _inflect(title: str, language: str, rng: random.Random) -> str:
    """One plain word in the plural, or without it; names open titles and have none."""
    words = title.split()
    plain = [
        at for at, word in enumerate(words) if at and word.isalpha() and len(word) >= _SHORTEST
    ]
    if not plain or not _PLURAL[language]:
        return title
    at = rng.choice(plain)
    word = words[at]
    if word.isupper():
        return title
    words[at] = _pluralise(word, language)
    return " ".join(words)


def _pluralise(word: str, language: str) -> str:
    if language == "de":
        return f"{word}n" if word.endswith("e") else word + ("" if word[-1] in "nslr" else "en")
    if word.endswith("s"):
        return f"{word}es" if word.endswith("ss") else word[:-1]
    if language == "en" and word.endswith("y") and word[-2] not in "aeiou":
        return word[:-1] + "ies"
    return word + _PLURAL[language]
