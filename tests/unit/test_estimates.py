"""Token estimates: never low in any language, and learnt where a bill tells more."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.estimates import PrefixTable, count_least_tokens, estimate_own_words, estimate_tokens
from simulators.groq.tokens import count_tokens
from tests.support.token_texts import TEXTS

PROSE = "A warm hat of merino wool, knitted in one piece, for grown-ups. "
MOST_OVER = 2.6


@pytest.mark.parametrize("name", TEXTS)
def test_an_estimate_is_never_low(name):
    text, real = TEXTS[name]
    assert real <= estimate_tokens(text)


@pytest.mark.parametrize("name", TEXTS)
def test_an_estimate_is_not_far_above(name):
    text, real = TEXTS[name]
    assert estimate_tokens(text) <= MOST_OVER * real + 1


@settings(max_examples=200, deadline=None)
@given(st.text())
def test_no_text_is_estimated_below_what_the_simulator_counts(text):
    assert estimate_tokens(text) >= count_tokens(text) - 1


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet=st.characters(codec="utf-8")))
def test_the_least_is_below_the_most(text):
    assert 0 <= count_least_tokens(text) <= estimate_tokens(text)


def test_a_prefix_is_learnt_from_what_was_billed_and_never_too_low():
    table, prefix = PrefixTable(), PROSE * 40
    cold = table.estimate("m", prefix)
    table.learn("m", prefix, rest=PROSE * 5, billed=600 + 70)
    assert 600 <= table.estimate("m", prefix) < cold
    assert table.estimate("other", prefix) == cold
    table.learn("m", prefix, rest=PROSE, billed=600 + 14)
    assert 600 <= table.estimate("m", prefix) <= 607
    table.learn("m", prefix, rest=PROSE * 9, billed=9_000)
    assert 600 <= table.estimate("m", prefix) <= 607


def test_a_bill_that_makes_no_sense_teaches_nothing():
    table = PrefixTable()
    table.learn("m", PROSE, rest=PROSE * 100, billed=0)
    assert table.estimate("m", PROSE) == estimate_own_words(PROSE)
