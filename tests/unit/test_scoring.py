"""Scores: parts with reasons, nothing gained by writing more."""

import datetime as dt

import pytest

from domain.listing import Listing
from domain.marketplaces.checker import check_listing
from domain.marketplaces.rulebook import load_rulebook
from domain.scoring import WEIGHTS, Score, score_listing

RULES = load_rulebook().select("ebay", as_of=dt.date(2026, 11, 22))

GOOD = Listing(
    key="1",
    fields={
        "title": "Acme Enamel Kettle 2 L Red",
        "description": "A red kettle of enamelled steel. It holds 2 litres.",
        "bullets": ("Holds 2 litres of water", "Steel under red enamel"),
    },
    attributes={"brand": "Acme", "product_type": "Kettles", "color": "Red", "material": "Steel"},
)


def score(listing: Listing, *keywords: str) -> Score:
    return score_listing(listing, RULES, keywords=keywords)


def with_title(title: str) -> Listing:
    return GOOD.with_fields({"title": title})


def points(scored: Score, name: str) -> float:
    part = scored.part(name)
    assert part is not None
    return part.points


def test_a_good_listing_has_every_point_and_no_reason() -> None:
    scored = score(GOOD)
    assert scored.total == 100
    assert [part.reasons for part in scored.parts] == [()] * 6
    assert abs(sum(WEIGHTS.values()) - 1) < 1e-9


def test_keywords_are_rated_only_when_given() -> None:
    assert score(GOOD).part("keywords") is None
    assert score(GOOD, " ").part("keywords") is None
    assert points(score(GOOD, "enamel kettle"), "keywords") == 1
    assert points(score(GOOD, "kettle", "teapot"), "keywords") == 0.5
    assert points(score(GOOD, "teapot"), "keywords") == 0


@pytest.mark.parametrize(
    ("title", "part", "reason"),
    [
        ("Enamel Kettle 2 L Red", "title", 'the brand "Acme" is not in the title'),
        ("Acme Enamel 2 L Red", "title", 'the product type "Kettles" is not in the title'),
        ("Acme Kettle Red Kettle", "title", "the title repeats words: kettle"),
        ("ACME ENAMEL KETTLE", "title", "the title shouts: ENAMEL, KETTLE"),
        ("Acme Kettle Free Shipping", "title", 'the title advertises: "Free Shipping"'),
        ("Amazing Acme Kettle", "title", 'the title praises: "Amazing"'),
        ("Acme Kettle!!", "title", "the title has marks that only draw attention"),
        ("Acme Kettle Kettle", "duplication", "the same word twice in a row: kettle"),
        ("", "title", "the title is empty"),
        ("Acme Kettle " + "a" * 80, "compliance", "title: 92 characters, at most 80 (hard)"),
    ],
)
def test_a_worse_title_scores_less_and_says_why(title: str, part: str, reason: str) -> None:
    scored = score(with_title(title))
    rated = scored.part(part)
    assert rated is not None
    assert reason in rated.reasons
    assert scored.total < 100


@pytest.mark.parametrize(
    ("fields", "part", "reason"),
    [
        ({"description": ""}, "completeness", "description is empty"),
        (
            {"title": "Acme Kettle", "description": "A kettle.", "bullets": ()},
            "completeness",
            "no text states the color",
        ),
        (
            {"description": "Look no further. This kettle holds 2 litres."},
            "readability",
            'a stock phrase: "Look no further"',
        ),
        (
            {"description": "word " * 40},
            "readability",
            "sentences of the description have 40 words on average",
        ),
        (
            {"bullets": ("Holds two litres of water", "Holds two litres of hot water")},
            "duplication",
            'bullets: "Holds two litres of water" and "Holds two litres of hot water" say the same',
        ),
        ({"tags": ("Tea", "tea ", "pot")}, "duplication", 'tags: "tea" is there more than once'),
        (
            {"description": "<b>Acme Enamel Kettle 2 L Red</b> for tea"},
            "duplication",
            "the description begins by repeating the title",
        ),
    ],
)
def test_other_texts_count_too(fields: dict[str, str], part: str, reason: str) -> None:
    rated = score(GOOD.with_fields(fields)).part(part)
    assert rated is not None
    assert reason in rated.reasons


@pytest.mark.parametrize(
    ("title", "reason"),
    [
        ("Acme Enamel Kettle 3 L Red", 'the title says "3 L", the rest of the row "2 litres"'),
        ("Acme Enamel Kettle 2000 ml Red", ""),
        ("Acme Enamel Kettle KX9 Red", '"KX9" stands in the title alone'),
        ("Acme Enamel Kettle Pack of 6", '"Pack of 6" stands in the title alone'),
        ("Acme Enamel Kettle 2 L Blue", "the title says blue, the color red"),
        ("Acme Copper Kettle 2 L", "the title says copper, the material steel"),
    ],
)
def test_a_title_that_its_row_contradicts_loses_grounding(title: str, reason: str) -> None:
    part = score(with_title(title)).part("grounding")
    assert part is not None
    assert part.reasons == ((reason,) if reason else ())


def test_a_row_that_says_nothing_more_contradicts_nothing() -> None:
    row = Listing(key="1", fields={"title": "Acme Kettle 3 L KX9"}, attributes={"brand": "Acme"})
    assert points(score(row), "grounding") == 1


def test_the_rows_own_name_for_the_product_is_missed() -> None:
    row = Listing(
        key="1",
        fields={"title": "15mm Combo", "description": "A wrench of forged steel."},
        attributes={"handle": "15mm-combo-wrench", "product_type": "Tools"},
    )
    rated = score(row).part("title")
    assert rated is not None
    assert 'the title does not say "wrench", as the rest of the row does' in rated.reasons


def test_findings_at_hand_are_not_looked_for_again() -> None:
    assert score_listing(GOOD, RULES, findings=check_listing(GOOD, RULES)) == score(GOOD)


def test_words_are_never_rewarded() -> None:
    title = "Acme Enamel Kettle"
    totals = []
    for word in ("Tall", "Round", "Shiny", "Kitchen", "Stove", "Camping", "Garden", "Picnic"):
        totals.append(score(with_title(title)).total)
        title = f"{title} {word}"
    assert totals == sorted(totals, reverse=True)
    assert totals[-1] < totals[0]


def test_saying_a_keyword_often_never_pays() -> None:
    once = score(with_title("Acme Enamel Kettle"), "kettle").total
    often = score(with_title("Acme Enamel Kettle Kettle Kettle"), "kettle").total
    assert often < once


def test_a_file_without_titles_is_not_blamed_for_them() -> None:
    row = Listing(key="1", fields={"description": "A kettle."}, attributes={"brand": "Acme"})
    assert points(score(row), "title") == 1


def test_the_same_listing_scores_the_same() -> None:
    assert score(GOOD) == score(GOOD)
