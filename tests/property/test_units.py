"""Limits in their own units: bytes, code points after NFC, and never half of what a reader sees."""

from __future__ import annotations

import unicodedata

import regex
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.listing import Listing
from domain.marketplaces.subject import count_bytes, count_chars
from domain.rewrite import propose
from domain.rewrite.cut import cut_clean
from domain.text import cut_graphemes, cut_words
from tests.support.briefs import make_brief

FAMILY = "👨‍👩‍👧‍👦"
PIECES = (
    FAMILY,
    "🇩🇪",
    "👍🏽",
    "e\u0301",
    "ñ",
    "กำ",
    "क्षि",
    "ß",
    "Mug",
    "Trinkflasche",
    "500 ml",
    " ",
    ", ",
)
TEXTS = st.lists(st.sampled_from(PIECES), min_size=1, max_size=60).map("".join)


def list_graphemes(text: str) -> list[str]:
    return regex.findall(r"\X", text)


@settings(deadline=None, max_examples=200)
@given(text=TEXTS, limit=st.integers(1, 80))
def test_no_cut_parts_a_grapheme(text: str, limit: int) -> None:
    whole = list_graphemes(text)
    for cut in (cut_graphemes, cut_words):
        shorter = cut(text, limit)
        assert len(shorter) <= limit
        assert list_graphemes(shorter) == whole[: len(list_graphemes(shorter))]
    assert set(list_graphemes(cut_clean(text, limit))) <= set(whole)


@settings(deadline=None, max_examples=60)
@given(words=st.lists(st.text("aeäöüßñéกख", min_size=1, max_size=12), min_size=30, max_size=80))
def test_search_terms_are_cut_by_bytes_and_keep_whole_words(words: list[str]) -> None:
    terms = unicodedata.normalize("NFD", " ".join(words))
    listing = Listing(key="1", fields={"title": "Mug", "search_terms": terms})
    brief, rules = make_brief(listing, "amazon")
    left = propose(brief, rules).get("search_terms", "")
    assert isinstance(left, str)
    assert count_bytes(left) <= 249
    known = {unicodedata.normalize("NFC", word) for word in terms.lower().split()}
    assert set(unicodedata.normalize("NFC", left).split()) <= known


@settings(deadline=None, max_examples=60)
@given(text=TEXTS)
def test_titles_are_counted_in_code_points_after_nfc(text: str) -> None:
    title = unicodedata.normalize("NFD", f"Corvane Mug {text}")
    brief, rules = make_brief(Listing(key="1", fields={"title": title}), "ebay")
    proposed = propose(brief, rules)
    if count_chars(title) <= 80:
        assert "title" not in proposed
    else:
        assert count_chars(str(proposed.get("title", ""))) <= 80
