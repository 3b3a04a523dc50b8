"""Words that the seller avoids go where what is left still reads well, and stay elsewhere."""

from __future__ import annotations

import dataclasses

import pytest

from domain.brief import Mode
from domain.findings import Check
from domain.gate import judge, list_avoided_left
from domain.listing import Listing
from domain.marketplaces.names import OwnNames
from domain.rewrite import propose
from domain.rewrite.avoid import drop_avoided
from tests.support.briefs import make_brief

NAMES = OwnNames(names=("Cheap Monday",))


def drop(text: str, *words: str, language: str = "en", in_sentences: bool = False) -> str:
    return drop_avoided(text, words, names=NAMES, language=language, in_sentences=in_sentences)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Camera case, cheap, black", "Camera case,, black"),  # tidied with the whole line
        ("Camera case, cheap and sturdy, black", "Camera case, sturdy, black"),
        ("Camera case, sturdy and cheap, black", "Camera case, sturdy, black"),
        ("Cheap & Sturdy Camera Case", "Sturdy Camera Case"),
        ("Cheap Camera Case", "Camera Case"),
        ("Sturdy Camera Case Cheap", "Sturdy Camera Case"),
        # what leans on it, holds it or is more than it, stays
        ("Box for cheap, small things", "Box for cheap, small things"),
        ("Cheap-looking Case", "Cheap-looking Case"),
        ("Not Cheap Camera Case", "Not Cheap Camera Case"),
        ("Cheap Monday Jeans", "Cheap Monday Jeans"),
        ("Cheapest Case", "Cheapest Case"),
        ("Cheap", "Cheap"),
    ],
)
def test_titles_lose_it_between_their_parts(text: str, left: str) -> None:
    assert drop(text, "cheap") == left


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("This is a cheap lamp for reading.", "This is a lamp for reading."),
        ("You get an elegant lamp.", "You get a lamp."),
        ("You get a cheap umbrella.", "You get an umbrella."),
        ("A cheap and sturdy lamp.", "A sturdy lamp."),
        ("Two bowls with elegant glossy rims.", "Two bowls with glossy rims."),
        ("<p>The cheap lamp</p>", "<p>The lamp</p>"),
        # a sentence that would break stays whole
        ("This lamp is cheap.", "This lamp is cheap."),
        ("It stays cheap inside.", "It stays cheap inside."),
        ("The cheap starts here.", "The cheap starts here."),
        ('<img alt="a cheap lamp">', '<img alt="a cheap lamp">'),
        ("Warm, cheap and soft.", "Warm, cheap and soft."),
    ],
)
def test_sentences_lose_it_before_the_thing_it_describes(text: str, left: str) -> None:
    assert drop(text, "cheap", "elegant", in_sentences=True) == left


@pytest.mark.parametrize(
    ("text", "word", "language", "left"),
    [
        ("Das ist ein billiger Stuhl.", "billiger", "de", "Das ist ein Stuhl."),
        ("Une chaise moderne.", "moderne", "fr", "Une chaise."),
        ("Una mochila barata, de lona.", "barata", "es", "Una mochila, de lona."),
        ("Une chaise moderne et solide.", "moderne", "fr", "Une chaise moderne et solide."),
    ],
)
def test_other_languages_describe_in_their_own_place(
    text: str, word: str, language: str, left: str
) -> None:
    assert drop(text, word, language=language, in_sentences=True) == left


def test_a_touched_title_loses_it_and_a_fact_does_not() -> None:
    listing = Listing(
        key="1",
        fields={"title": "Corvane Camera Case, Cheap and Sturdy, Black, FREE SHIPPING!!"},
        attributes={"brand": "Corvane", "color": "Black"},
    )
    brief, rules = make_brief(listing, "amazon")
    avoiding = dataclasses.replace(brief, avoid=("cheap", "black", "Corvane"))
    title = propose(avoiding, rules)["title"]
    assert title == "Corvane Camera Case, Sturdy, Black"
    assert propose(brief, rules)["title"] == "Corvane Camera Case, Cheap and Sturdy, Black"


def test_without_it_the_text_must_stay_true() -> None:
    title = "Corvane Faux Leather Wallet, FREE SHIPPING!!"
    listing = Listing(key="1", fields={"title": title}, attributes={"brand": "Corvane"})
    brief, rules = make_brief(listing, "amazon")
    avoiding = dataclasses.replace(brief, avoid=("faux",))
    assert propose(avoiding, rules)["title"] == "Corvane Faux Leather Wallet"


def test_an_untouched_field_keeps_it_in_mode_fix() -> None:
    listing = Listing(key="1", fields={"title": "Corvane Camera Case, Cheap"})
    brief, rules = make_brief(listing, "ebay")
    assert propose(dataclasses.replace(brief, avoid=("cheap",)), rules) == {}


def test_every_mode_passes_its_own_gate() -> None:
    listing = Listing(
        key="1",
        fields={"title": "Corvane Case, Cheap, Black", "tags": ("cheap", "cheap case", "case")},
    )
    brief, rules = make_brief(listing, "etsy", mode=Mode.REWRITE)
    avoiding = dataclasses.replace(brief, avoid=("cheap",))
    proposed = propose(avoiding, rules)
    assert "cheap" not in str(proposed).lower()
    assert judge(proposed, avoiding, rules).accepted == proposed


def test_items_lose_it_one_by_one() -> None:
    bullets = ("A cheap lamp for reading 🙂", "Cheap", "Keeps cheap inside", "Measures 38 cm")
    listing = Listing(key="1", fields={"title": "Corvane Lamp", "bullets": bullets})
    brief, rules = make_brief(listing, "amazon")
    proposed = propose(dataclasses.replace(brief, avoid=("cheap",)), rules)["bullets"]
    assert proposed[0] == "A lamp for reading"
    assert "Keeps cheap inside" in proposed


def test_what_could_not_go_is_said() -> None:
    title = "Corvane Case for Cheap, Small Things, FREE SHIPPING!!"
    brief, rules = make_brief(Listing(key="1", fields={"title": title}), "amazon")
    avoiding = dataclasses.replace(brief, avoid=("cheap", "free shipping"))
    proposed = propose(avoiding, rules)
    [left] = list_avoided_left(avoiding, proposed)
    assert (left.field, left.check, left.excerpt) == ("title", Check.VOICE, "Cheap")
    assert list_avoided_left(brief, proposed) == []
