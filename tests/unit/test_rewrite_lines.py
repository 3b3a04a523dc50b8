"""What a repaired line must not look like."""

from __future__ import annotations

import pytest

from domain.facts import list_required
from domain.listing import Listing
from domain.rewrite import propose
from domain.rewrite.cut import cut_clean
from domain.rewrite.tidy import tidy_line
from tests.support.briefs import make_brief


@pytest.mark.parametrize(
    ("text", "tidied"),
    [
        ('"TAKING ACTION, SET OF 3', "TAKING ACTION, SET OF 3"),
        ('Print "Taking Action", Set of 3', 'Print "Taking Action", Set of 3'),
        ('TV 32" Full HD, 43"', 'TV 32" Full HD, 43"'),
        ("Poster “Sunrise", "Poster Sunrise"),
        ("Cover (blue", "Cover blue"),
        ("Corvane S24+, AI Phone", "Corvane S24+, AI Phone"),
        ("Sunscreen SPF 70 PA+", "Sunscreen SPF 70 PA+"),
        ("Lamp + , Shade", "Lamp + Shade"),
    ],
)
def test_no_quote_or_bracket_stands_alone(text: str, tidied: str) -> None:
    assert tidy_line(text) == tidied


@pytest.mark.parametrize(
    ("text", "limit", "cut"),
    [
        ("Skates suitable for age upto 6 to 14 years", 31, "Skates"),
        ("Mint Oral Spray for Bad Breath", 23, "Mint Oral Spray"),
        ("Cooling Ice Pack Hot & Cold", 20, "Cooling Ice Pack"),
        ("Gigabit Injector TE-30G-AT", 30, "Gigabit Injector TE-30G-AT"),
        ("Corvane Phone with 1 Year Maker Warranty", 24, "Corvane Phone"),
        ("Crystal Yellow Gold Plated Chain", 22, "Crystal"),
        ("Verdunkelungsrollo 80 x 150 cm", 24, "Verdunkelungsrollo"),
        ("Regenschirm Automatik Ø 105 cm", 25, "Regenschirm Automatik"),
        ("Plantillas de gel talla 40-42", 25, "Plantillas de gel"),
        ("Kochschürze mit 2 Taschen, Blau", 19, "Kochschürze"),
        ("Brass Drops For Festive Evenings", 26, "Brass Drops"),
        ("Leather Holder With Zip For Men", 23, "Leather Holder With Zip"),
        ("Cover for Corvane City Sun Shade", 28, "Cover for Corvane City"),
    ],
)
def test_a_cut_leaves_nothing_that_points_nowhere(text: str, limit: int, cut: str) -> None:
    assert cut_clean(text, limit) == cut


@pytest.mark.parametrize(
    ("channel", "title", "repaired"),
    [
        ("amazon", "Colat COLAT_MW20 Analog Watch", "Colat COLAT-MW20 Analog Watch"),
        (
            "walmart",
            "THELASTPUPPY BACK COVER FOR APPLE IPAD AIR 2",
            "Thelastpuppy Back Cover for Apple iPad Air 2",
        ),
        ("walmart", "LUMBRE PRO WOMEN'S FULL COVERAGE BRA", "Lumbre Pro Women's Full Coverage Bra"),
        ("walmart", "CHEW TOY FOR DOG, ROPE, ONE SIZE", "Chew Toy for Dog, Rope, One Size"),
        ("walmart", "DARK COMEDY / DARK FANTASY MOVIE", "Dark Comedy / Dark Fantasy Movie"),
        (
            "walmart",
            "Acme Hair Dryer Salon Hair Dryer Travel Hair Dryer",
            "Acme Hair Dryer Salon Travel",
        ),
        (
            "amazon",
            "Zandor Designer Moustache for Men's Suit, Jackets, Shirts & Bags Lapel Pin 10 Brooch",
            "Zandor Designer Moustache Brooch for Men's Suit, Jackets",
        ),
        (
            "amazon",
            "Corvane Copper Metal Embedded With Green Stones And Brass Zircon Metal Drop Earring",
            "Corvane Copper Metal Earring Embedded With Green Stones And Brass Zircon",
        ),
        (
            "amazon",
            "Lumbre Casual, Formal, Lounge Wear, Beach Wear, Party Full Sleeve Solid Women's Top",
            "Lumbre Casual, Formal, Lounge Wear, Beach Wear, Party Full Sleeve Solid Top",
        ),
        (
            "amazon",
            "Tulvane Decorative Chrome Strip For Interior And Exterior - 20M For Roadline E20",
            "Tulvane Decorative Chrome Strip - 20M For Roadline E20",
        ),
        (
            "walmart",
            "Acme Charger/Travel Charger/Fast Charger/Portable for Phones",
            "Acme Charger/Travel Charger/Portable for Phones",
        ),
        ("etsy", "Candle Set 🐝 Set of 4", "Candle Set, Set of 4"),
        ("etsy", "Pattern PDF % Easy % Fox 20%", "Pattern PDF Easy Fox 20%"),
        ("walmart", "Sim Card 5 Days 10GB ( 泰国5天网卡 )", "Sim Card 5 Days 10GB"),
    ],
)
def test_titles_read_well_after_a_repair(channel: str, title: str, repaired: str) -> None:
    brief, rules = make_brief(Listing(key="1", fields={"title": title}), channel)
    assert propose(brief, rules).get("title", title) == repaired


@pytest.mark.parametrize(
    ("title", "kept", "spared"),
    [
        ("Hair Dryer 2200W strong blue ion care", "2200W", "blue"),
        ("Cable 2M for Phone XS, XR, CC9 X3 F2 M3", "2M", "CC9"),
        ("Leather Wallet Brown Gift Box", "Brown", ""),
        ("Manta de lana 130 x 180 cm, Crudo", "130 x 180 cm", "180 cm"),
        ("Sonnenschirm Ø 300 cm, Beige", "Ø 300 cm", "300 cm"),
        ("Router Injector NV-POE30G-AT", "NV-POE30G-AT", "POE30G"),
        ("Chrome Strip 20M for Roadline E20", "for Roadline E20", "E20"),
        ("Fruit Massage Cream", "Cream", "cream"),
    ],
)
def test_only_the_products_own_facts_must_survive(title: str, kept: str, spared: str) -> None:
    texts = {fact.text for fact in list_required(Listing(key="1", fields={"title": title}))}
    assert kept in texts
    assert spared not in texts


@pytest.mark.parametrize(
    ("channel", "title", "repaired"),
    [
        (
            "amazon",
            "Corvane Laptop Gaming AMD NVIDIA GeForce 8GB / 16GB RAM 512GB SSD Dolby Audio Backlit",
            "Corvane Laptop Gaming AMD NVIDIA GeForce 8GB / 16GB RAM 512GB SSD",
        ),
        (
            "walmart",
            "Lumbre Back Cover for iPad 2, iPad 3, iPad 4",
            "Lumbre Back Cover for iPad 2, 3, 4",
        ),
        ("walmart", "Lumbre Cover for iPad Mini, iPad Mini 2, iPad Mini Retina", ""),
        (
            "amazon",
            "Lumbre Decorative Rajasthani Traditional Handmade House 3pcs Camel Showpiece - 20 cm",
            "Lumbre Rajasthani Traditional Handmade House 3pcs Camel Showpiece - 20 cm",
        ),
        (
            "ebay",
            "Lumbre House Kitchen Living Decorative Solid Almirah Wooden Stool Showpiece - 45.7 cm",
            "Lumbre Kitchen Living Decorative Solid Almirah Wooden Stool Showpiece - 45.7 cm",
        ),
    ],
)
def test_pieces_go_whole_or_stay(channel: str, title: str, repaired: str) -> None:
    brief, rules = make_brief(Listing(key="1", fields={"title": title}), channel)
    assert propose(brief, rules).get("title", "") == repaired
