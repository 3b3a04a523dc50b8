"""Reads quantities out of text: numbers in every spelling, with unit, as exact values."""

# ruff: noqa: RUF001 - people write primes, dashes and multiplication signs
from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache

import regex

from domain.text import Word, fold
from domain.units import UNITS, find_unit

BARE = ""
"""The dimension of a number without unit."""

Amount = tuple[str, Fraction]
"""Dimension and exact value in its base unit."""

NUMBER_WORDS = {
    word: value
    for value, words in enumerate(
        (
            "one eins satu",
            "two zwei deux dos dua",
            "three drei trois tres tiga",
            "four vier quatre cuatro empat",
            "five fünf cinq cinco lima",
            "six sechs seis enam",
            "seven sieben sept siete tujuh",
            "eight acht huit ocho lapan delapan",
            "nine neun neuf nueve sembilan",
            "ten zehn dix diez sepuluh",
            "eleven elf onze sebelas",
            "twelve zwölf douze doce",
        ),
        start=1,
    )
    for word in map(fold, words.split())
}

_NO_SPELLED_UNIT = frozenset({"in", "a", "an", "s", "l", "st"})
"""What in small letters is a little word, no unit, after a number in words: "two in one"."""

_VULGAR = {"½": "1/2", "¼": "1/4", "¾": "3/4", "⅓": "1/3", "⅔": "2/3", "⅛": "1/8", "⅜": "3/8",
           "⅝": "5/8", "⅞": "7/8"}  # fmt: skip
_FRACTION_BASES = frozenset({2, 3, 4, 8, 16, 32, 64})
_THOUSANDS_GROUP = 3
_IN_IS_UNIT = (
    r"(?=\s*(?:[.,;:)\]⨯×*/|]|$|-?\s*(?:wide|long|high|tall|deep|thick|diameter|dia|length|width|"
    r"height|depth|screen|display|[wlhd]\b|by\b)))"
)


def _unit_pattern() -> str:
    spelled = sorted((s for s in UNITS if s != "in"), key=len, reverse=True)
    escaped = "|".join(regex.escape(s).replace(r"\ ", r"\s?") for s in spelled)
    return rf"(?:{escaped}|in(?:{_IN_IS_UNIT}))(?![\p{{L}}\p{{N}}]|['’]\p{{L}})"


_NUMERAL = regex.compile(r"\p{N}")
_DIGITS = regex.compile(r"\d+")
_SEPARATOR = regex.compile(r"[.,]")
_PART = regex.compile(r"[\s-]+")
_LONG_TEXT = 500
"""Characters; longer texts are not remembered, so that memory stays small."""

_PLAIN = r"\d+(?:[.,\u00a0\u202f]\d+)*"
_VULGAR_SIGN = f"[{''.join(_VULGAR)}]"
_NUMBER = (
    rf"(?:\d+[\s-]\d+/\d+(?![/\d])|\d+\s?{_VULGAR_SIGN}|{_VULGAR_SIGN}"
    rf"|(?<!\d/)\d+/\d+(?![/\d])|{_PLAIN}|(?<![\d.])\.\d+)"
)
# A hyphen joins number and unit ("500-ml"), but not inside a code ("NC11-5004-G" weighs nothing).
_QUANTITY = regex.compile(
    rf"(?<![\p{{L}}\p{{N}}]|\p{{N}}[.,])(?P<number>{_NUMBER})"
    rf"(?:[\s\u00a0]?(?:(?<!\p{{L}}\p{{N}}*-\d+)-)?\s?(?P<unit>{_unit_pattern()}))?"
    r"(?!\p{N}|(?![xX](?![\p{L}\p{N}]))\p{L})",
    regex.IGNORECASE,
)
_FEET_INCHES = regex.compile(
    r"(?<![\p{L}\p{N}])(\d+)\s?(?:'|′|’|ft\.?|feet|foot)[\s-]*(\d+(?:\.\d+)?)\s?"
    r"(?:\"|''|″|”|in\b|inch(?:es)?\b)",
    regex.IGNORECASE,
)
_PREFIX_COUNT = regex.compile(
    r"(?:\b(?:pack|set|box|case|lot|bundle|bag|jeu|paquete|juego|caja|isi|kit|packung|satz|jar|"
    r"carton|pair)\s*(?:of|de|mit|von|x|à)?\s*|(?<![\p{L}\p{N}])[x×]\s?)$",
    regex.IGNORECASE,
)
_TIMES = regex.compile(r"(?<=\d\s?[\p{L}\"'″”]{0,4}\.?\s?)[xX×](?=\s?\.?\d)")
_TIMES_FIRST = regex.compile(r"(?<![\p{L}\p{N}])[xX](?=\d)")
_SUFFIX_COUNT = regex.compile(r"\s?[x×](?=\s|$|[,;)])", regex.IGNORECASE)
_JOIN = regex.compile(r"\s*(?:⨯|\*|-|–|/|~|to|by|bis|hingga|et|y|und|and|or|oder|&|\+|,)\s*",
                      regex.IGNORECASE)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number in a text with every way in which it may be meant; the first is the likeliest.

    ``parts`` are its numerals by themselves, for a text that may have listed them ("38,39").
    """

    text: str
    start: int
    end: int
    amounts: tuple[Amount, ...]
    parts: tuple[Amount, ...] = ()

    @property
    def span(self) -> tuple[int, int]:
        """Where it stands."""
        return self.start, self.end

    @property
    def dimension(self) -> str:
        """What is measured, "" for a bare number."""
        return self.amounts[0][0]


def list_quantities(text: str) -> list[Quantity]:
    """Every number of ``text`` written in digits, in reading order."""
    if not _NUMERAL.search(text):
        return []
    return list(_list_short(text) if len(text) <= _LONG_TEXT else _list(text))


@lru_cache(maxsize=512)
def _list_short(text: str) -> list[Quantity]:
    """Grounding, loss and score read the same title one after the other."""
    return _list(text)


def _list(text: str) -> list[Quantity]:
    marked = _TIMES_FIRST.sub("×", _TIMES.sub("⨯", text))  # one sign for one: positions hold
    found = [_read_feet_inches(m) for m in _FEET_INCHES.finditer(marked)]
    taken = [(q.start, q.end) for q in found]
    found += [
        _read_quantity(match, marked)
        for match in _QUANTITY.finditer(marked)
        if not any(start <= match.start() < end for start, end in taken)
    ]
    found.sort(key=lambda quantity: quantity.start)
    written = [replace(q, text=text[q.start : q.end]) for q in found]
    return _share_units(written, marked)


def list_spelled(words: Sequence[Word]) -> Iterator[tuple[Word, Word, Amount]]:
    """Numbers written as words, each with the unit that follows: ``zwei Jahre`` is 24 months.

    First and last word of each; they are one where no unit follows.
    """
    for word, after in zip(words, [*words[1:], None], strict=False):
        value = NUMBER_WORDS.get(fold(word.text))
        if value is None:
            continue
        follows = after.base if after else ""
        unit = None if follows in _NO_SPELLED_UNIT else find_unit(follows)
        if unit and after:
            yield word, after, (unit.dimension, value * unit.factor)
        else:
            yield word, word, (BARE, Fraction(value))


@lru_cache(maxsize=4096)
def parse_number(text: str) -> tuple[Fraction, ...]:
    """Every value that a numeral may have: ``1.200`` is 1.2 or 1200, ``1-9/16`` is 25/16."""
    spelled = text
    for sign, fraction in _VULGAR.items():
        spelled = spelled.replace(sign, f" {fraction}")
    if "/" in spelled:
        return _parse_fraction(spelled)
    return _parse_decimal(spelled)


def _parse_fraction(text: str) -> tuple[Fraction, ...]:
    parts = _PART.split(text.strip())
    top, bottom = parts[-1].split("/")
    if int(bottom) == 0:
        return (Fraction(int(top)),)
    value = Fraction(int(top), int(bottom))
    whole = sum((Fraction(part) for part in parts[:-1]), start=Fraction(0))
    return (whole + value,)


def _parse_parts(text: str) -> tuple[Fraction, ...]:
    """Numerals that commas and slashes may merely list; a common fraction lists nothing."""
    numerals = _DIGITS.findall(text)
    is_list = "," in text or ("/" in text and int(numerals[-1]) not in _FRACTION_BASES)
    return tuple(Fraction(n) for n in numerals) if is_list and len(numerals) > 1 else ()


def _parse_decimal(text: str) -> tuple[Fraction, ...]:
    digits = text.replace("\u00a0", "").replace("\u202f", "")
    groups = _SEPARATOR.split(digits)
    if len(groups) == 1:
        return (Fraction(digits),)
    joined = Fraction("".join(groups))
    decimal = Fraction("".join(groups[:-1]) + "." + groups[-1])
    are_thousands = groups[0] not in {"", "0"} and all(
        len(group) == _THOUSANDS_GROUP for group in groups[1:]
    )
    if len(groups) > 2:  # noqa: PLR2004 - more than one separator
        if are_thousands:
            return (joined,)
        return decimal, joined
    if are_thousands:
        return (joined, decimal) if "," in digits else (decimal, joined)
    return (decimal,)


def _read_feet_inches(match: regex.Match[str]) -> Quantity:
    inches = Fraction(match.group(1)) * 12 + Fraction(match.group(2))
    amount = ("length", inches * Fraction(127, 5))
    return Quantity(match.group(), match.start(), match.end(), (amount,))


def _read_quantity(match: regex.Match[str], text: str) -> Quantity:
    values = parse_number(match.group("number"))
    unit = find_unit(match.group("unit")) if match.group("unit") else None
    if unit is None:
        return _read_count(match, values, text)
    amounts = tuple((unit.dimension, value * unit.factor) for value in values)
    listed = _parse_parts(match.group("number"))
    parts = tuple((unit.dimension, value * unit.factor) for value in listed)
    return Quantity(match.group(), match.start(), match.end(), amounts, parts)


def _read_count(match: regex.Match[str], values: tuple[Fraction, ...], text: str) -> Quantity:
    end = match.end("number")
    lead = _PREFIX_COUNT.search(text, 0, match.start())
    tail = _SUFFIX_COUNT.match(text, end)
    if lead and lead.end() == match.start():
        amounts = tuple(("count", value) for value in values)
        return Quantity(text[lead.start() : end], lead.start(), end, amounts)
    if tail:
        amounts = tuple(("count", value) for value in values)
        return Quantity(text[match.start() : tail.end()], match.start(), tail.end(), amounts)
    amounts = tuple((BARE, value) for value in values)
    parts = tuple((BARE, value) for value in _parse_parts(match.group("number")))
    return Quantity(text[match.start() : end], match.start(), end, amounts, parts)


def _share_units(found: list[Quantity], text: str) -> list[Quantity]:
    """``10 x 20 cm``: the unit stands once and is meant for both."""
    shared = list(found)
    for index in range(len(found) - 2, -1, -1):
        left, right = shared[index], shared[index + 1]
        if left.dimension == BARE and right.dimension not in {BARE, "count"}:
            gap = text[left.end : right.start]
            if _JOIN.fullmatch(gap):
                shared[index] = replace(left, amounts=_with_unit_of(left, right))
    return shared


def _with_unit_of(left: Quantity, right: Quantity) -> tuple[Amount, ...]:
    dimension, value = right.amounts[0]
    number = regex.search(_NUMBER, right.text)
    if number is None:
        return left.amounts
    right_value = parse_number(number.group())[0]
    factor = value / right_value if right_value else Fraction(1)
    return (*((dimension, v * factor) for _, v in left.amounts), *left.amounts)
