"""The checker on any text: never fails, always the same, and says only what is so."""

import datetime as dt
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.listing import LIST_FIELDS, TEXT_FIELDS, Listing
from domain.marketplaces.checker import check_field, check_listing
from domain.marketplaces.rulebook import RuleSet, load_rulebook
from domain.marketplaces.subject import count_bytes, count_chars
from domain.scoring import score_listing

BOOK = load_rulebook()
TODAY = dt.date(2026, 11, 22)
SETS = [BOOK.select(channel, as_of=TODAY) for channel in BOOK.channels]

pieces = st.sampled_from(
    ["<b>", "&amp;", "$5", "#1", "FREE SHIPPING", "www.a.de", "B07XJ8C8F5", "n/a", "😀", "e\u0301"]
)
texts = st.one_of(st.text(max_size=80), st.lists(pieces, max_size=6).map(" ".join))
values = {
    name: st.lists(texts, max_size=4).map(tuple) if name in LIST_FIELDS else texts
    for name in TEXT_FIELDS
}
attributes = st.dictionaries(
    st.sampled_from(["brand", "sku", "gtin", "mpn", "color", "size", "product_type", "C:Color"]),
    st.text(max_size=30),
)
listings = st.builds(
    lambda fields, attributes: Listing(key="1", fields=fields, attributes=attributes),
    st.fixed_dictionaries({}, optional=values),
    attributes,
)
rule_sets = st.sampled_from(SETS)


@settings(deadline=None, max_examples=150)
@given(listings, rule_sets)
def test_findings_stand_in_the_text_and_come_in_order(row: Listing, rules: RuleSet) -> None:
    found = check_listing(row, rules)
    assert found == check_listing(row, rules)
    places = [TEXT_FIELDS.index(f.field) for f in found if f.field in TEXT_FIELDS]
    assert places == sorted(places)
    for finding in found:
        assert finding.field in row.fields or finding.field not in TEXT_FIELDS
        assert finding.message
        assert finding.remedy
        assert finding.source


@settings(deadline=None, max_examples=100)
@given(listings, rule_sets)
def test_a_field_by_itself_finds_what_the_listing_finds(row: Listing, rules: RuleSet) -> None:
    whole = [finding for finding in check_listing(row, rules) if finding.field in TEXT_FIELDS]
    parts = [
        finding
        for name in TEXT_FIELDS
        if name in row.fields
        for finding in check_field(name, row.fields[name], row, rules)
    ]
    assert whole == parts


@settings(deadline=None, max_examples=150)
@given(st.text(max_size=300), rule_sets)
def test_length_is_judged_by_code_points_after_nfc(title: str, rules: RuleSet) -> None:
    row = Listing(key="1", fields={"title": title})
    limit = rules.max_length("title")
    too_long = any(f.message.endswith(f"at most {limit}") for f in check_listing(row, rules))
    if limit is not None and title.strip():
        assert too_long == (count_chars(title) > limit)


@settings(deadline=None, max_examples=100)
@given(st.text(max_size=300))
def test_search_terms_are_judged_by_bytes(terms: str) -> None:
    rules = BOOK.select("amazon", as_of=TODAY)
    found = check_field("search_terms", terms, Listing(key="1", fields={}), rules)
    too_long = any(finding.rule == "amz.terms.max" for finding in found)
    assert too_long == (bool(terms.strip()) and count_bytes(terms) > 249)


@settings(deadline=None, max_examples=100)
@given(listings, rule_sets)
def test_a_score_is_a_share(row: Listing, rules: RuleSet) -> None:
    scored = score_listing(row, rules)
    assert 0 <= scored.total <= 100
    assert all(0 <= part.points <= 1 for part in scored.parts)
    assert all((part.points == 1) == (part.reasons == ()) for part in scored.parts)


@pytest.mark.parametrize(
    "unit", ["<", "<a ", "+1 2", "((1) ", "a@a.", "1-", "no w", "<p style=", "é "]
)
def test_a_long_text_is_checked_in_good_time(unit: str) -> None:
    row = Listing(key="1", fields={"title": unit * 9, "description": unit * (100_000 // len(unit))})
    started = time.perf_counter()
    for rules in SETS:
        check_listing(row, rules)
    assert time.perf_counter() - started < 5
