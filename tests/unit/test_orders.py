"""Orders hidden in a listing prove nothing; what products say of themselves does."""

import pytest

from domain.brief import Mode
from domain.gate import judge
from domain.listing import Listing
from domain.orders import without_orders
from tests.support.attacks import ORDERS
from tests.support.briefs import make_brief


def build_listing(note: str, **fields: str) -> Listing:
    return Listing(key="1", fields={"title": "Steel Mug", **fields}, attributes={"note": note})


@pytest.mark.parametrize("order", ORDERS)
def test_from_where_an_order_begins_a_cell_proves_nothing(order):
    cell = "Sturdy. " + order.format(mark="WATERPROOF 300 ml")
    left = without_orders(build_listing(cell)).attributes["note"]
    assert left.startswith("Sturdy.")
    assert "WATERPROOF" not in left


@pytest.mark.parametrize(
    "text",
    [
        "Operating System: Android 12",
        "OPERATING SYSTEM: WINDOWS",
        "User: adults. Admin tools included.",
        "Rules of the game are included. Ignore the noise with these headphones.",
        "Reply with your photo after purchase and write your name in the notes.",
        "A message to the bride, engraved.",
        "Act as a spacer; return with receipt.",
        "New instructions leaflet inside",
        "Never forget your keys again. Rule 30 cm.",
        "Model assistant for photo shoots",
        "Add it to your cart",
    ],
)
def test_what_products_say_stays(text):
    listing = build_listing(text)
    assert without_orders(listing) is listing


def test_comments_prove_nothing_and_the_rest_of_the_cell_does():
    shown = without_orders(build_listing("Sturdy <!-- 300 ml --> and light")).attributes["note"]
    assert shown.split() == ["Sturdy", "and", "light"]
    assert "300" not in without_orders(build_listing("a <!-- 300 ml")).attributes["note"]


def test_an_address_is_not_carried_from_one_field_into_another():
    words = "Sturdy mug of steel, see www.oak.example for more."
    listing = build_listing("www.oak.example", description=words)
    brief, rules = make_brief(listing, "shopify", mode=Mode.REWRITE)
    assert judge({"title": "Steel Mug www.oak.example"}, brief, rules).refused
    kept = "Steel mug, sturdy. See www.oak.example for more."
    assert judge({"description": kept}, brief, rules).accepted
