"""Prices and quantities as they stand in real files."""

from __future__ import annotations

import pytest

from domain.money import find_currency, find_value, parse_minor, parse_stock


@pytest.mark.parametrize(
    ("text", "minor"),
    [
        ("24.00", 2400),
        ("1.234,5", 123_450),
        ("1,234", 123_400),
        ("$ 9.99 USD", 999),
        ("7", 700),
        ("", None),
        ("free", None),
        ("9" * 20, None),
    ],
)
def test_a_price_is_read_in_hundredths(text, minor):
    assert parse_minor(text) == minor


@pytest.mark.parametrize(
    ("text", "stock"), [("12", 12), (" 3.0 ", 3), ("-4", 0), ("", None), ("in stock", None)]
)
def test_a_quantity_is_whole_and_never_negative(text, stock):
    assert parse_stock(text) == stock


@pytest.mark.parametrize(
    ("price", "quantity", "value"),
    [("2.50", "4", 1000), ("2.50", "", 250), ("2.50", "-1", 250), ("", "4", None)],
)
def test_value_counts_one_piece_where_no_stock_is_known(price, quantity, value):
    assert find_value(price, quantity) == value


@pytest.mark.parametrize(
    ("attributes", "currency"),
    [
        ({"price": "12.00", "currency": "idr"}, "IDR"),
        ({"price": "29.00 USD"}, "USD"),
        ({"price": "29.00 USD", "CURRENCY_CODE": "EUR"}, "EUR"),
        ({"price": "29.00"}, ""),
        ({}, ""),
    ],
)
def test_a_currency_stands_in_a_column_or_beside_the_price(attributes, currency):
    assert find_currency(attributes) == currency
