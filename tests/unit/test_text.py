"""Graphemes, words, stems, and HTML to text and back."""

from __future__ import annotations

import pytest

from domain.text import (
    clean_html,
    cut_graphemes,
    cut_words,
    fold,
    html_to_text,
    list_forms,
    list_sentences,
    strip_controls,
    text_to_html,
)


def test_a_grapheme_is_never_parted() -> None:
    family = "👩‍👩‍👧"
    assert cut_graphemes(f"a{family}b", 3) == "a"
    assert cut_graphemes("e\u0301e\u0301", 3) == "e\u0301"


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        ("steel bottle", 12, "steel bottle"),
        ("steel bottle", 11, "steel"),
        ("steel bottle", 5, "steel"),
        ("Donaudampfschiff", 5, "Donau"),
    ],
)
def test_cutting_ends_after_a_word(text: str, limit: int, expected: str) -> None:
    assert cut_words(text, limit) == expected


@pytest.mark.parametrize(
    ("one", "other"),
    [("Bottles", "bottle"), ("striped", "Stripe"), ("Batteries", "battery"), ("boxes", "box"),
     ("schwarze", "schwarz"), ("wooden", "Wood"), ("Größe", "Groesse"), ("Womens", "Women")],
)  # fmt: skip
def test_inflections_share_a_form(one: str, other: str) -> None:
    assert set(list_forms(one)) & set(list_forms(other))


@pytest.mark.parametrize(("one", "other"), [("green", "grey"), ("glass", "gloss"), ("oak", "oat")])
def test_different_words_share_none(one: str, other: str) -> None:
    assert not set(list_forms(one)) & set(list_forms(other))


def test_html_reads_as_text() -> None:
    markup = "<style>p{}</style><h2>Oak &amp; ash</h2><p>One<br>two</p><script>x()</script>"
    assert html_to_text(markup) == "Oak & ash\nOne\ntwo"


def test_text_becomes_html_and_returns() -> None:
    text = "5 < 6 & 7\nnext\n\nlast"
    assert text_to_html(text) == "<p>5 &lt; 6 &amp; 7<br>next</p><p>last</p>"
    assert html_to_text(text_to_html(text)) == "5 < 6 & 7\nnext\nlast"


def test_cleaning_keeps_allowed_tags_and_all_text() -> None:
    markup = '<p onclick="x()">A <b>bold</b></p><script>evil()</script>'
    assert clean_html(markup, allowed=frozenset({"b"})) == "A <b>bold</b>"


def test_controls_and_direction_marks_go() -> None:
    assert strip_controls("a\x00b\u202ec\n\ud800") == "abc\n"


def test_folding_drops_accents_and_case() -> None:
    assert fold("Straße CAFÉ") == "strasse cafe"


def test_sentences_end_at_stops_and_lines() -> None:
    assert list_sentences("One. Two!\nThree") == ["One.", "Two!", "Three"]
