"""Rates whether a title agrees with its own row: numbers, models, colours, materials."""

from __future__ import annotations

from fractions import Fraction
from typing import Final

import regex

from domain.facts.lexicon import list_stated
from domain.facts.numbers import BARE, Quantity, list_quantities
from domain.scoring.row import ScoredRow
from domain.scoring.tally import Tally

_CONTRADICTED: Final = 0.75
_UNCONFIRMED: Final = 0.93
_MOST_NUMBERS: Final = 12
_MOST_READ: Final = 2_000
"""Characters of other texts whose quantities are read; most numbers are found as they stand."""

_ATTRIBUTES: Final = {"color": ("color", "colour"), "material": ("material", "materials")}
_DIGIT = regex.compile(r"\d")
_NUMERAL = regex.compile(r"\d+(?:[.,/]\d+)*")
_CODE = regex.compile(r"\b(?=\p{L}*\d)(?=\d*\p{L})[\p{L}\d]{2,}\b")
_URL = regex.compile(r"https?://\S+")
_SMALLEST_TOLD: Final = 2


def rate_grounding(row: ScoredRow) -> Tally:
    """Facts of the title against the rest of the row; where that is silent, nothing is blamed."""
    tally = Tally()
    if _DIGIT.search(row.title):
        _rate_numbers(tally, row)
    for kind, columns in _ATTRIBUTES.items():
        _rate_words(tally, row, kind, columns)
    return tally


def _rate_numbers(tally: Tally, row: ScoredRow) -> None:
    others = [_URL.sub(" ", text) for _, text in row.iter_other_texts() if _DIGIT.search(text)]
    if not others:
        return
    whole = "\n".join(others)
    numerals = frozenset(_NUMERAL.findall(whole))
    told = list_quantities(row.title)[:_MOST_NUMBERS]
    _rate_codes(tally, row.title, told=told, whole=whole.casefold())
    unseen = [quantity for quantity in told if not _stands(quantity, numerals)]
    if not unseen:
        return
    known = list_quantities(whole[:_MOST_READ])
    stated = {amount for quantity in known for amount in (*quantity.amounts, *quantity.parts)}
    for quantity in unseen:
        if stated.isdisjoint(quantity.amounts):
            _lower(tally, quantity, told=told, known=known)


def _rate_codes(tally: Tally, title: str, *, told: list[Quantity], whole: str) -> None:
    """Models and the like ("48T", "WH-1000") that no other text has."""
    measured = {at for quantity in told for at in range(quantity.start, quantity.end)}
    for match in list(_CODE.finditer(title))[:_MOST_NUMBERS]:
        if match.start() not in measured and match.group().casefold() not in whole:
            tally.lower(_UNCONFIRMED, f'"{match.group()}" stands in the title alone')


def _stands(quantity: Quantity, numerals: frozenset[str]) -> bool:
    return all(numeral in numerals for numeral in _NUMERAL.findall(quantity.text))


def _lower(
    tally: Tally, quantity: Quantity, *, told: list[Quantity], known: list[Quantity]
) -> None:
    """Another single value of the same measure contradicts; none at all leaves it unconfirmed."""
    if quantity.dimension == BARE and quantity.amounts[0][1] < _SMALLEST_TOLD:
        return
    others = _list_values(known, quantity.dimension)
    alone = len(_list_values(told, quantity.dimension)) == 1
    if quantity.dimension != BARE and alone and len(others) == 1:
        other = next(q for q in known if q.dimension == quantity.dimension)
        said = f'the title says "{quantity.text}", the rest of the row "{other.text}"'
        tally.lower(_CONTRADICTED, said)
    else:
        tally.lower(_UNCONFIRMED, f'"{quantity.text}" stands in the title alone')


def _list_values(quantities: list[Quantity], dimension: str) -> set[Fraction]:
    return {value for q in quantities for kind, value in q.amounts[:1] if kind == dimension}


def _rate_words(tally: Tally, row: ScoredRow, kind: str, columns: tuple[str, ...]) -> None:
    attributes = row.listing.attributes
    value = next((attributes[name] for name in columns if attributes.get(name)), "")
    known = _list_names(value, kind) if value else frozenset()
    told = _list_names(row.title, kind) if known else frozenset()
    if told and known.isdisjoint(told):
        said = f"the title says {', '.join(sorted(told))}, the {kind} {', '.join(sorted(known))}"
        tally.lower(_CONTRADICTED, said)


def _list_names(text: str, kind: str) -> frozenset[str]:
    found = list_stated(text, nested=True)
    return frozenset(stated.name for stated in found if stated.kind == kind)
