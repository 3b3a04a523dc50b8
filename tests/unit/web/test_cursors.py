"""Cursors come back as they were; anything else is refused."""

from __future__ import annotations

import pytest

from core.errors import InvalidFieldError
from core.ids import new_id
from web.api.cursors import format_cursor, parse_cursor


def test_a_cursor_comes_back():
    after = new_id()
    cursor = format_cursor(after)
    assert cursor is not None
    assert cursor.replace("-", "").replace("_", "").isalnum()
    assert parse_cursor(cursor) == after


def test_no_cursor_is_the_first_page_and_the_last_has_none():
    assert parse_cursor("") is None
    assert format_cursor(None) is None


@pytest.mark.parametrize("cursor", ["x", "AAAA", "=", "é" * 22, "\x00", "A" * 99])
def test_a_strange_cursor_is_refused(cursor):
    with pytest.raises(InvalidFieldError) as refused:
        parse_cursor(cursor)
    assert refused.value.field == "cursor"
