"""What a cut takes whole or not at all."""

from __future__ import annotations

import pytest

from domain.rewrite.atoms import find_parted


@pytest.mark.parametrize(
    ("before", "after", "parted"),
    [
        ("Laptop 8GB / 16GB RAM, Blue", "Laptop 8GB, 16GB, Blue", "8GB / 16GB RAM"),
        ("Laptop 8GB / 16GB RAM, Blue", "Laptop, Blue", ""),
        ("Charger 5000mAh Battery, Blue", "Charger 5000mAh, Blue", "5000mAh Battery"),
        ("Strap upto 6 inches", "Strap 6 inches", "upto 6 inches"),
        ("Fan with 1 Year Warranty", "Fan with 1 Year", "1 Year Warranty"),
        (
            "Scarf Wool, Viscose, 20% Kashmiri wool, 50% Cashmilon and 30% Wool",
            "Scarf Wool, Viscose, 20% Kashmiri",
            "Wool, Viscose, 20% Kashmiri wool, 50% Cashmilon and 30% Wool",
        ),
        ("Case for iPad 2, iPad 3, iPad 4", "Case for iPad 2, iPad 3", "iPad 2, iPad 3, iPad 4"),
        ("Case for iPad 2, iPad 3, iPad 4", "Case for iPad 2, 3, 4", ""),
        ("Tab Iconia W3-810|Iconia W4-820", "Tab W3-810|W4-820", "Iconia W3-810|Iconia W4-820"),
        ("Wall Charger/Fast Charger for Car", "Wall Charger/Fast for Car", "Fast Charger"),
        ("Statue of Sai Baba, Marble", "Statue of Sai, Marble", "Sai Baba"),
        ("Painting Radha Krishna, 20 cm", "Painting Radha, 20 cm", "Radha Krishna"),
        ("Box | Make Up And Jewellery Pouch", "Box | Make, Pouch", "Make Up"),
        ("Phone Speed Dial, 2.4 inch", "Phone Speed, 2.4 inch", "Speed Dial"),
        ("Pot Self Watering planter", "Pot Self planter", "Self Watering"),
        ("Acme Safety at night Emergency Sign", "Acme Safety at night Emergency", "Sign"),
        ("Toothbrush 31,000 strokes", "Toothbrush ,000 strokes", "31,000"),
    ],
)
def test_halves_are_found(before: str, after: str, parted: str) -> None:
    assert find_parted(before, after) == parted
