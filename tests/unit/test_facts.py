"""Grounding: what a proposed text may say, given what the row says."""

from __future__ import annotations

import pytest

from domain.facts import find_evidence, find_lost, find_unsupported
from domain.listing import Listing

ROW = Listing(
    key="mug-1",
    fields={
        "title": "Nordhavn Travel Mug 12 oz Stainless Steel, Black, Pack of 6",
        "description": (
            "<p>Fits a 9/16 socket, base 10x20 cm. Not waterproof. PU leather sleeve, 1.2 L tank. "
            "Height 5'6\". Sounds like WH-1000XM4. For iPhone 12.</p>"
        ),
        "tags": ("camping mug", "hikers"),
    },
    attributes={
        "brand": "Nordhavn",
        "product_type": "Travel Mugs",
        "Weight (lbs)": "2",
        "Dishwasher safe": "yes",
        "Organic": "no",
        "price": "42.00",
        "image_url": "https://img.example/999/red-oak.jpg",
    },
)


def list_unsupported(text: str, field: str = "title") -> list[tuple[str, str]]:
    return [(fact.kind, fact.text) for fact in find_unsupported({field: text}, ROW)]


@pytest.mark.parametrize(
    "text",
    [
        "Nordhavn 12oz Black Stainless-Steel Travel Mugs, 6-Pack",
        "NORDHAVN travel mug 12 Ounces, Set of Six, 6 pcs",
        "Travel Mug 1200 ml",
        "Travel Mug 9/16 socket",
        "Travel Mug 10 x 20 cm, 0.1 m x 200 mm",
        "Travel Mug 66 in tall, 5 ft 6 in, 5'6\"",
        "Travel Mug WH1000XM4, WH 1000XM4",
        "Mug with faux leather sleeve, dishwasher-safe, not waterproof",
        "Mug for iPhone12",
        "Mug for iPhone, twelve ounces",
        "Nordhavn Travel Mug for Daily Use",
        "Steel mug 2 lbs",
    ],
)
def test_true_rewordings_pass(text: str) -> None:
    assert list_unsupported(text) == []


@pytest.mark.parametrize(
    ("text", "kind", "span"),
    [
        ("Nordhavn Mug 14 oz", "measure", "14 oz"),
        ("Nordhavn Mug 12 ml", "measure", "12 ml"),
        ("Nordhavn Mug 340 g", "measure", "340 g"),
        ("Nordhavn Mug 1-9/16 socket", "number", "1-9/16"),
        ("Nordhavn Mug pack of 8", "count", "pack of 8"),
        ("Nordhavn Mug 42", "number", "42"),
        ("Nordhavn Mug 999", "number", "999"),
        ("Nordhavn Mug in oak", "material", "oak"),
        ("Nordhavn leather mug", "material", "leather"),
        ("Nordhavn Mug red", "color", "red"),
        ("Nordhavn waterproof Mug", "claim", "waterproof"),
        ("Nordhavn Mug, organic", "claim", "organic"),
        ("Nordhavn Mug BPA-free", "claim", "BPA-free"),
        ("Nordhavn self-cleaning Mug", "claim", "self-cleaning"),
        ("Nordhavn odorless Mug", "word", "odorless"),
        ("Nordhavn Mug by Vent d'Iroise", "brand", "Iroise"),
        ("Nordhavn Mug Skin Game", "brand", "Game"),
        ("Nordhavn Mug Gran", "brand", "Gran"),
        ("Nordhavn Mug o.h.m", "brand", "o.h.m"),
        ("E-plant Travel Mug", "brand", "E-plant"),
        ("Nordhavn Mug six litres", "measure", "six litres"),
        ("Nordhavn dust-proof Mug", "claim", "dust-proof"),
        ("Nordhavn Mug CE", "certification", "CE"),
        ("Nordhavn Mug made in Italy", "country", "Italy"),
        ("Nordhavn Mug WH-1000XM5", "model", "1000XM5"),
        ("Nordhavn Mug by Zorbla", "brand", "Zorbla"),
        ("Nordhavn Mug like yeti", "brand", "yeti"),
        ("zorbla Travel Mug", "brand", "zorbla"),
        ("Nordhavn Mug for iPhone 13", "number", "13"),
        ("Nordhavn Tasse wasserdicht", "claim", "wasserdicht"),
        ("Nordhavn mug en cuir", "material", "cuir"),
        ("Nordhavn taza roja", "color", "roja"),
        ("Nordhavn mug kalis air", "claim", "kalis air"),
    ],
)
def test_inventions_are_caught(text: str, kind: str, span: str) -> None:
    assert (kind, span) in list_unsupported(text)


def test_everyday_words_are_no_facts() -> None:
    text = "Enjoy Your Coffee Every Morning, Wherever You Go"
    assert list_unsupported(text, "description") == []


@pytest.mark.parametrize(
    "text",
    [
        "Rinses quickly. Savour each sip.",
        "Die Tasse ist dank Verschluss und mit Volumen ein treuer Begleiter für den Alltag.",
        "A black finish and the look of steel",
    ],
)
def test_grammar_explains_capitals_in_prose(text: str) -> None:
    assert list_unsupported(text, "description") == []


@pytest.mark.parametrize(
    "text", ["Sony makes it.", "A mug by Zorbla.", "Die Tasse ist von Zorbla."]
)
def test_names_in_prose_are_caught(text: str) -> None:
    assert list_unsupported(text, "description") != []


def test_what_stands_in_the_row_is_always_supported() -> None:
    assert find_unsupported(ROW.fields, ROW) == ()


def test_a_denied_claim_is_no_evidence() -> None:
    row = Listing(key="1", fields={"title": "Lamp, not waterproof, without bluetooth"})
    texts = [f.text for f in find_unsupported({"title": "Lamp, waterproof, bluetooth"}, row)]
    assert texts == ["waterproof", "bluetooth"]


def test_german_spellings_and_compounds() -> None:
    row = Listing(
        key="1", fields={"title": "Edelstahlflasche 0,5 Liter grün", "description": "Größe: 20 cm"}
    )
    good = {"title": "Flasche aus Edelstahl, 500 ml, Gruen, GROESSE 20 cm"}
    assert find_unsupported(good, row) == ()
    assert [f.text for f in find_unsupported({"title": "Flasche, 0,6 Liter"}, row)] == ["0,6 Liter"]


def test_compounds_are_known_by_their_parts() -> None:
    row = Listing(key="1", fields={"title": "Flasche aus Edelstahl, zwei Jahre Garantie"})
    assert find_unsupported({"title": "Edelstahlflasche, 2 Jahre Garantie"}, row) == ()
    texts = [f.text for f in find_unsupported({"title": "Kupferflasche"}, row)]
    assert texts == ["Kupferflasche"]


def test_commas_part_colours_from_denials() -> None:
    row = Listing(key="1", fields={"title": "Hoodie - Red, No"})
    assert find_unsupported({"title": "No, Hoodie - Red"}, row) == ()


def test_thousands_and_decimals_are_read_either_way() -> None:
    row = Listing(key="1", fields={"title": "Ersatz 1.200 Watt, 2,5 kg"})
    assert find_unsupported({"title": "Ersatz 1200 W 1,200 W 2.5 kg 2500 g"}, row) == ()
    assert [f.text for f in find_unsupported({"title": "Ersatz 12 W"}, row)] == ["12 W"]


def test_evidence_names_the_column() -> None:
    found = {e.fact.text: e.column for e in find_evidence("12 oz dishwasher safe, 1.2 L", ROW)}
    assert found == {"12 oz": "title", "dishwasher safe": "Dishwasher safe", "1.2 L": "description"}


def test_facts_that_survive_anywhere_are_not_lost() -> None:
    moved = ROW.with_fields({"title": "Nordhavn Travel Mug", "tags": ("black", "12oz", "6 pack")})
    assert find_lost(ROW, moved) == ()


def test_lost_facts_are_named() -> None:
    shortened = Listing(key="1", fields={"title": "Mug, Stainless Steel"})
    lost = {(fact.kind, fact.text) for fact in find_lost(ROW, shortened)}
    assert lost == {
        ("brand", "Nordhavn"),
        ("product_type", "Travel Mugs"),
        ("count", "Pack of 6"),
        ("measure", "12 oz"),
        ("color", "Black"),
    }
