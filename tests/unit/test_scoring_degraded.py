"""On real titles, the original beats what careless sellers and tools make of it."""

import csv
import datetime as dt
import random
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from domain.listing import Listing
from domain.marketplaces.rulebook import load_rulebook
from domain.marketplaces.words import iter_content_words, list_words
from domain.scoring import score_listing
from domain.scoring_title import NO_BRAND

SAMPLES = Path(__file__).resolve().parents[3] / "shared" / "samples"
PER_FILE = 120
WORTH = 0.95
STUFFING = "Gift Home Kitchen Office Men Women Kids Birthday Cheap Best Quality"
PLAIN = "Gift Home Kitchen Office Garden Travel Outdoor Indoor Holiday Women Men Kids"
PROMOTION = ("Free Shipping", "Best Price", "Hot Sale", "Buy Now", "Best Seller")

SOURCES = {
    "retail": ("retail_titles_cp1252_20k.csv", "cp1252", "product_name", "brand"),
    "lazada": ("brightdata_lazada_1k.csv", "utf-8-sig", "title", "brand"),
    "bicycles": ("shopify_bicycles_export.csv", "utf-8-sig", "Title", "Vendor"),
}

Degrade = Callable[[str, str, random.Random], str]


def stuff(title: str, _brand: str, chance: random.Random) -> str:
    return " ".join([title, *chance.sample(STUFFING.split(), 6)])


def stuff_plainly(title: str, _brand: str, chance: random.Random) -> str:
    """Words that no phrase list knows."""
    return " ".join([title, *chance.sample(PLAIN.split(), 5)])


def repeat(title: str, _brand: str, _chance: random.Random) -> str:
    words = [word.text for _, word in iter_content_words(list_words(title))]
    return " ".join([title, *words[-2:], *words[-2:]])


def shout(title: str, _brand: str, _chance: random.Random) -> str:
    return title.upper()


def promote(title: str, _brand: str, chance: random.Random) -> str:
    return f"{title} {chance.choice(PROMOTION)}"


def drop_brand(title: str, brand: str, _chance: random.Random) -> str:
    bounded = rf"(?<!\w){re.escape(brand)}(?!\w)"
    kept, dropped = re.subn(bounded, " ", title, flags=re.IGNORECASE)
    return " ".join(kept.split()) if dropped and brand.casefold() not in NO_BRAND else title


def read_rows(name: str) -> list[tuple[str, str]]:
    file, encoding, title, brand = SOURCES[name]
    path = SAMPLES / file
    if not path.exists():
        pytest.skip("the sample catalogues are not beside this repository")
    with path.open(encoding=encoding, newline="") as stream:
        rows = [(row[title].strip(), row[brand].strip()) for row in csv.DictReader(stream)]
    distinct = [row for row in dict.fromkeys(rows) if row[0]]
    chance = random.Random(f"{name} 1")  # noqa: S311 - a sample, not a secret
    return chance.sample(distinct, min(PER_FILE, len(distinct)))


def score(title: str, brand: str) -> float:
    rules = load_rulebook().select("amazon", as_of=dt.date(2026, 11, 22))
    row = Listing(key="1", fields={"title": title}, attributes={"brand": brand})
    return score_listing(row, rules).total


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("degrade", [stuff, stuff_plainly, repeat, shout, promote, drop_brand])
def test_the_original_beats_the_degraded(source: str, degrade: Degrade) -> None:
    chance = random.Random(f"{source} 2")  # noqa: S311 - a sample, not a secret
    pairs = [
        (title, worse, brand)
        for title, brand in read_rows(source)
        if (worse := degrade(title, brand, chance)) != title and worse
    ]
    lost = [pair for pair in pairs if score(pair[0], pair[2]) <= score(pair[1], pair[2])]
    assert pairs
    assert len(lost) <= (1 - WORTH) * len(pairs), lost[:5]
