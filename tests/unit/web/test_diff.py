"""The diff loses nothing, marks what changed, and stays quick on long texts."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from web.dashboard.diff import Diff, Kind, Segment, diff_items, diff_texts, join_value

TEXTS = st.text(alphabet="ab ,.<>/\né", max_size=60)


def join(segments: tuple[Segment, ...]) -> str:
    return "".join(one.text for one in segments)


def pick(segments: tuple[Segment, ...], kind: Kind) -> list[str]:
    return [one.text for one in segments if one.kind is kind]


@settings(deadline=None, max_examples=200)
@given(TEXTS, TEXTS)
def test_each_side_is_its_text_again(before, after):
    found = diff_texts(before, after)
    assert (join(found.before), join(found.after)) == (before, after)
    assert found.is_same == (before == after)
    assert pick(found.before, Kind.SAME) or before != after or not before


def test_words_are_the_unit():
    found = diff_texts("Warm Wool Beanie, Green", "Wool Beanie, Dark Green")
    assert pick(found.before, Kind.REMOVED) == ["Warm "]
    assert pick(found.after, Kind.ADDED) == [" Dark"]


def test_changes_with_only_a_space_between_are_one():
    found = diff_texts("FREE SHIPPING hat", "warm wool hat")
    assert pick(found.before, Kind.REMOVED) == ["FREE SHIPPING"]
    assert pick(found.after, Kind.ADDED) == ["warm wool"]


def test_a_tag_is_one_piece():
    found = diff_texts("<p class=x>Hat</p>", "<p>Hat</p>")
    assert pick(found.before, Kind.REMOVED) == ["<p class=x>"]


def test_items_are_compared_whole_wherever_they_stand():
    found = diff_items(["wool hat", "green"], ["green", "warm hat"])
    assert found == Diff(
        before=(Segment(Kind.REMOVED, "wool hat"), Segment(Kind.SAME, "green")),
        after=(Segment(Kind.SAME, "green"), Segment(Kind.ADDED, "warm hat")),
    )


def test_a_long_text_is_compared_within_a_second():
    before = " ".join(f"word{number}" for number in range(20_000))
    after = " ".join(f"other{number}" for number in range(20_000))
    begun = time.perf_counter()
    found = diff_texts(before, after)
    assert time.perf_counter() - begun < 1.0
    assert (join(found.before), join(found.after)) == (before, after)


@pytest.mark.parametrize(
    ("value", "text"), [(None, ""), ("a", "a"), (["a", "b"], "a\nb"), ((), "")]
)
def test_any_field_is_one_text(value, text):
    assert join_value(value) == text
