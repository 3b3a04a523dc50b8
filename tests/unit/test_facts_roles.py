"""A quantity stays beside the noun it is of."""

from __future__ import annotations

import pytest

from domain.facts.roles import find_misplaced
from domain.findings import Check
from domain.gate import judge
from domain.listing import Listing
from tests.support.briefs import make_brief

LAPTOP = "Laptop GeForce 8GB / 16GB RAM 512GB SSD Silver 16.1 Inch"


@pytest.mark.parametrize(
    ("text", "row", "misplaced"),
    [
        ("GeForce 16GB SSD, 1TB", "GeForce 16GB RAM 1TB SSD", ["16GB"]),
        ("Laptop 16GB RAM", "GeForce 16GB RAM 1TB SSD", []),
        ("Laptop 1TB Storage, RAM 16GB", "GeForce 16GB RAM 1TB SSD", []),
        ("Laptop 1TB HDD", "GeForce 16GB RAM 1TB SSD", ["1TB"]),
        ("Laptop 8GB RAM", LAPTOP, []),
        ("Laptop 8GB SSD", LAPTOP, ["8GB"]),
        ("Phone 64GB ROM", "RAM: 4GB ROM: 64GB", []),
        ("Phone 4GB ROM", "RAM: 4GB, ROM: 64GB", ["4GB"]),
        ("Kettle 2 Year Warranty", "Kettle Garansi 2 Tahun", []),
        ("Strap for wrists of 6 inches", "Strap fits wrists upto 6 inches", ["6 inches"]),
        ("Strap, up to 6 inches", "Strap fits wrists upto 6 inches", []),
        ("Strap, max. 6 inches", "Strap fits wrists upto 6 inches", []),
        ("Seil 20 m", "Seil bis zu 20 m", ["20 m"]),
        ("Phone Pro 256GB", "Phone Pro Max 256GB", []),
        ("Phone 5000mAh", "Phone 5000mAh Battery", []),
        ("Phone 5000mAh, 48MP Camera", "Phone 48MP Camera 5000mAh Battery", []),
    ],
)
def test_numbers_do_not_change_their_nouns(text: str, row: str, misplaced: list[str]) -> None:
    assert [found.text for found in find_misplaced(text, [row])] == misplaced


def test_the_gate_refuses_numbers_beside_other_nouns() -> None:
    title = f"Victus Laptop Gaming {LAPTOP} with NVIDIA and a very long name indeed 1TB HDD"
    brief, rules = make_brief(Listing(key="1", fields={"title": title}), "amazon")
    verdict = judge({"title": "Victus Laptop Gaming GeForce 8GB / 16GB SSD 512GB"}, brief, rules)
    assert verdict.accepted == {}
    assert {refusal.check for refusal in verdict.refused} >= {Check.FACT}
