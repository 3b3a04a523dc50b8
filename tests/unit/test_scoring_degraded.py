"""On real titles, the original beats what careless sellers and tools make of it."""

from __future__ import annotations

import pytest

from bench.scoring import KINDS, measure
from domain.scoring import score_listing
from tests.support.briefs import make_brief
from tests.support.sample_rows import list_sample_listings

WORTH = 0.95
PER_FILE = 60


@pytest.fixture(scope="module")
def won() -> dict[str, list[tuple[bool, str]]]:
    return measure(list_sample_listings(per_file=PER_FILE))


@pytest.mark.parametrize("kind", KINDS)
def test_the_original_beats_the_degraded(won: dict[str, list[tuple[bool, str]]], kind: str) -> None:
    lost = [pair for beaten, pair in won[kind] if not beaten]
    assert len(won[kind]) >= 15
    assert len(lost) <= (1 - WORTH) * len(won[kind]), lost[:5]


def test_the_order_of_a_catalogue_changes_no_score() -> None:
    listings = list_sample_listings(per_file=10)
    rules = [make_brief(listing, "ebay")[1] for listing in listings]
    pairs = list(zip(listings, rules, strict=True))
    forward = [score_listing(listing, own) for listing, own in pairs]
    backward = [score_listing(listing, own) for listing, own in reversed(pairs)]
    assert forward == backward[::-1]
