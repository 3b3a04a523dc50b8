"""Words: how they are told apart and folded."""

import pytest

from domain.listing import Listing
from domain.marketplaces.check_capitals import list_shouted
from domain.marketplaces.names import OwnNames
from domain.marketplaces.words import count_repeats, fold_word, list_words, load_lexicon


@pytest.mark.parametrize(
    ("word", "folded"),
    [
        ("Boxes", "box"),
        ("batteries", "battery"),
        ("Dresses", "dress"),
        ("glass", "glass"),
        ("Women's", "women"),
        ("shoes", "shoe"),
        ("bus", "bus"),
        ("Taschen", "taschen"),
    ],
)
def test_fold_word(word: str, folded: str) -> None:
    assert fold_word(word) == folded


def test_compounds_are_one_word_and_keep_their_place() -> None:
    words = list_words("T-Shirt für Kinder’s Café")
    assert [word.text for word in words] == ["T-Shirt", "für", "Kinder’s", "Café"]
    assert words[1].start == 8
    assert words[1].end == 11


def test_small_words_numbers_and_their_units_do_not_count() -> None:
    counts = count_repeats("Box of 5 cm and 5 cm for the Box in mm")
    assert counts == {"box": 2, "mm": 1}


def test_the_word_lists_hold_text_alone() -> None:
    lexicon = load_lexicon()
    for words in (lexicon.small, lexicon.units, lexicon.plain_short, lexicon.acronyms):
        assert {type(word) for word in words} == {str}
    assert {"on", "off", "no"} <= lexicon.small


def test_names_cover_what_they_are_written_as() -> None:
    row = Listing(key="1", fields={}, attributes={"Brand": "Best", "Model": "New Wave"})
    names = OwnNames.of(row)
    assert names.covers("Best pot", 0, 4)
    assert not names.covers("best pot", 0, 4)
    assert names.covers("best pot", 0, 4, any_case=True)
    assert names.covers("a new wave pot", 2, 5)
    assert not names.covers("Bestial", 0, 4)


def test_a_cell_of_prose_is_no_name() -> None:
    row = Listing(key="1", fields={}, attributes={"brand": "Best " * 30})
    assert OwnNames.of(row).names == ()


def test_shouting_by_word() -> None:
    assert list_shouted("SALE on USB HDMI LED TOWELS", OwnNames()) == ["SALE", "TOWELS"]
