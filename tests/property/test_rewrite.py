"""The rules engine on anything: what it proposes passes its own gate, and it is idle when done."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.rewrite import measure
from domain.brief import Mode
from domain.findings import Level
from domain.gate import judge
from domain.listing import Channel, Listing, TextValue
from domain.marketplaces.checker import check_listing
from domain.rewrite import is_already_good, propose
from tests.support.briefs import make_brief
from tests.support.sample_rows import list_sample_listings

WORDS = st.sampled_from(
    ["Acme", "steel", "bottle", "BOTTLE", "Flasche", "500 ml", "12oz", "1-9/16", "red", "FREE",
     "free shipping", "best seller", "SALE", "&", "!!!", "😀", "(new)", "[COD]", "|", ",", " - ",
     "für", "Größe", "café", "untuk", "dan", "with", "for", "and", "WH-1000XM4", "2-Pack",
     "pack of 6", "100%", "$5", "#1", "waterproof", "not", "leather", "faux", "…", "™", "x",
     "10x20 cm", "www.shop.example", "a@b.example", "buy 1 get 1", "iPhone",
     "15", "Zorbla", "e\u0301", "甲醛"]
)  # fmt: skip
TEXT = st.lists(WORDS, max_size=30).map(" ".join) | st.text(max_size=60)
LISTINGS = st.builds(
    lambda title, description, tags, bullets, brand, color: Listing(
        key="p",
        fields={
            "title": title,
            "description": description,
            "tags": tuple(tags),
            "bullets": tuple(bullets),
            "seo_title": "",
            "search_terms": "",
        },
        attributes={"brand": brand, "color": color, "material": "Oak"},
    ),
    TEXT,
    TEXT | TEXT.map(lambda text: f"<p>{text}</p><script>x</script>"),
    st.lists(TEXT, max_size=4),
    st.lists(TEXT, max_size=4),
    st.sampled_from(["", "Acme", "ACME", "Zorbla & Sons"]),
    st.sampled_from(["", "red", "Blue"]),
)
CHANNELS = st.sampled_from([channel.value for channel in Channel])


@settings(deadline=None, max_examples=80)
@given(listing=LISTINGS, channel=CHANNELS, mode=st.sampled_from(list(Mode)))
def test_proposals_pass_their_own_gate_and_settle(
    listing: Listing, channel: str, mode: Mode
) -> None:
    brief, rules = make_brief(listing, channel, mode=mode)
    proposed = propose(brief, rules)
    verdict = judge(proposed, brief, rules)
    assert verdict.refused == ()
    assert verdict.accepted == proposed
    done = replace(brief, listing=listing.with_fields(proposed))
    assert propose(done, rules) == {}


@settings(deadline=None, max_examples=40)
@given(listing=LISTINGS, channel=CHANNELS)
def test_fix_touches_only_what_is_broken(listing: Listing, channel: str) -> None:
    brief, rules = make_brief(listing, channel)
    findings = check_listing(listing, rules)
    broken = {finding.field for finding in findings if finding.level is Level.HARD}
    proposed: dict[str, TextValue] = propose(brief, rules)
    assert set(proposed) <= broken
    if is_already_good(brief, rules):
        assert proposed == {}


@pytest.mark.parametrize("channel", [channel.value for channel in Channel])
def test_real_rows_are_repaired_without_loss(channel: str) -> None:
    account = measure(list_sample_listings(per_file=8), channel)
    assert account.share_mended >= 0.98, account.left
    assert account.refused <= 1
    assert account.lost == account.invented == account.fallen == account.restless == 0
