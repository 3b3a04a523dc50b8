"""What a title calls its product where the row does not say."""

from __future__ import annotations

import pytest

from domain.facts import find_lost, list_required
from domain.facts.naming import find_name
from domain.facts.nouns import list_compounds
from domain.listing import Listing


@pytest.mark.parametrize(
    ("title", "name"),
    [
        # English: the thing ends the head of the title
        ("Corvane Sterling Silver Amethyst Ring", "Ring"),
        ("Corvane Solid Women's Top", "Top"),
        ("Kestrel Trail Running Shoes Men's Size 10 - Breathable Mesh Upper", "Shoes"),
        ("Corvane Back Cover for Tablet 9.7 SM-T550", "Back Cover"),
        ("Corvane Desk Lamp, with USB Port, Dimmable", "Lamp"),
        ("Corvane Boxing Gloves (L, Blue)", "Boxing Gloves"),
        ("Corvane Cast Iron Skillet 10.25 Inch", "Skillet"),
        ("Corvane 10000 mAh Power Bank", "Power Bank"),
        ("Corvane Plain Single Dohar Black", "Dohar"),
        # … or the very end of it, where a catalogue writes its own type
        ("Corvane Hand Painted Elephant Showpiece  -  17 cm", "Showpiece"),
        ("Corvane Casual, Festive, Lounge Wear, Party Sleeveless Top", "Top"),
        ("Corvane Braided Pure Copper 1.5 Meter Long for All Phones USB Cable", "USB Cable"),
        ("Corvane Bonsai Aloe, Maple, Palm, Artificial Plant with Pot", "Plant"),
        # German: like English, and compounds
        ("Alpenrand Trinkflasche aus Edelstahl 750 ml", "Trinkflasche"),
        ("Alpenrand Olivenholzbrett mit Griff 40 cm", "Olivenholzbrett"),
        # French, Spanish, Malay: the thing comes first
        ("Belloc Chaise pliante en toile pour le jardin", "Chaise"),
        ("Arvide Mochila de lona para portátil 15 pulgadas", "Mochila"),
        ("Dapurku Panci Stainless Steel 20 cm dengan Tutup", "Panci"),
        # nobody could be sure
        ("Corvane Universal 300 Mbps", ""),
        ("Delta", ""),
        ("", ""),
    ],
)
def test_the_title_names_its_product(title: str, name: str) -> None:
    brand = title.split(" ", maxsplit=1)[0]
    assert find_name(title, brand=brand) == name


def test_the_brand_names_no_product() -> None:
    assert find_name("Ring Kingdom Leather Wallet", brand="Ring Kingdom") == "Wallet"
    assert find_name("Lamp House Dimmable, Black", brand="Lamp House") == ""


def test_the_name_is_required_where_the_row_has_no_type() -> None:
    listing = Listing(
        key="1",
        fields={"title": "Corvane Solid Women's Top"},
        attributes={"brand": "Corvane"},
    )
    assert [fact.text for fact in list_required(listing)] == ["Corvane", "Top"]
    cut = listing.with_fields({"title": "Corvane Solid Women's"})
    assert [fact.kind for fact in find_lost(listing, cut)] == ["product_type"]


def test_the_row_goes_before_the_title() -> None:
    listing = Listing(
        key="1",
        fields={"title": "Corvane Combo Wrench Bike Tool"},
        attributes={"product_type": "Hand Tools > Wrench"},
    )
    assert [fact.text for fact in list_required(listing)] == ["Wrench"]


def test_names_of_several_words_stand_where_they_stand() -> None:
    text = "Corvane Sun Shade and Sound Card"
    assert [text[start:end] for start, end in list_compounds(text)] == ["Sun Shade", "Sound Card"]
