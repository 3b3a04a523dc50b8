"""Prices and quantities as sellers' files write them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

_NUMBER: Final = re.compile(r"\d+(?:[.,]\d+)*")
_MINOR: Final = re.compile(r"(.*?)(?:[.,](\d{1,2}))?")
_STOCK: Final = re.compile(r"\s*(-?)(\d{1,12})(?:\.0+)?\s*")
_CODE: Final = re.compile(r"\b[A-Z]{3}\b")
_CURRENCY_NAMES: Final = frozenset({"currency", "currency_code", "price_currency"})
_LARGEST: Final = 2**53
_MOST: Final = 2**63 - 1


def parse_minor(text: str) -> int | None:
    """A price in hundredths of its currency, None when there is none.

    The last separator is the decimal one when one or two digits follow it.
    """
    found = _NUMBER.search(text)
    parts = _MINOR.fullmatch(found.group()) if found else None
    if parts is None:
        return None
    whole, cents = parts.groups()
    minor = int(re.sub(r"\D", "", whole) or 0) * 100 + int((cents or "0").ljust(2, "0"))
    return minor if minor < _LARGEST else None


def parse_stock(text: str) -> int | None:
    """A quantity; None when there is none, 0 when it is negative."""
    found = _STOCK.fullmatch(text)
    if found is None:
        return None
    return 0 if found.group(1) else int(found.group(2))


def find_value(price: str, quantity: str) -> int | None:
    """Price times quantity in hundredths, at most what the database holds; None without a price.

    Unknown stock is one piece.
    """
    minor = parse_minor(price)
    return None if minor is None else min(minor * max(parse_stock(quantity) or 1, 1), _MOST)


def find_currency(attributes: Mapping[str, str]) -> str:
    """The code of a product's currency, of a column of its own or beside the price; "" for none."""
    for name, value in attributes.items():
        if name.strip().lower().replace(" ", "_") in _CURRENCY_NAMES:
            found = _CODE.search(value.upper())
            if found:
                return found.group()
    beside = _CODE.search(attributes.get("price", ""))
    return beside.group() if beside else ""
