"""How long a run takes: the figures that sellers are told before they confirm."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.budget.values import DAY_S, BudgetLimits
from domain.catalogue import DEFAULT_LLM, DEVELOPER_PLAN, FREE_PLAN, get_llm
from domain.run_time import describe_duration, estimate_run_s, find_daily_calls


def limits_of(plan: str) -> BudgetLimits:
    found = get_llm(DEFAULT_LLM).limits[plan]
    return BudgetLimits(
        requests_per_minute=found.requests_per_minute,
        tokens_per_minute=found.tokens_per_minute,
        requests_per_day=found.requests_per_day,
        tokens_per_day=found.tokens_per_day,
    )


@pytest.mark.parametrize(("tokens_per_call", "days"), [(1_000, 24), (2_000, 49)])
def test_five_thousand_listings_take_weeks_on_the_free_plan(tokens_per_call, days):
    needed_s = estimate_run_s(
        calls=5_000, tokens=5_000 * tokens_per_call, limits=limits_of(FREE_PLAN)
    )
    assert int(needed_s / DAY_S) == days
    assert describe_duration(needed_s) == f"about {round(needed_s / DAY_S)} days"


def test_and_half_an_hour_on_the_developer_plan():
    needed_s = estimate_run_s(calls=5_000, tokens=7_500_000, limits=limits_of(DEVELOPER_PLAN))
    assert 25 * 60 < needed_s < 35 * 60
    assert describe_duration(needed_s) == "minutes"


def test_what_fits_into_full_limits_takes_no_time():
    assert estimate_run_s(calls=5, tokens=7_000, limits=limits_of(FREE_PLAN)) == 0.0


def test_a_day_s_calls_are_a_round_number():
    assert find_daily_calls(tokens_per_call=1_500, limits=limits_of(FREE_PLAN)) == 130
    assert find_daily_calls(tokens_per_call=150_000, limits=limits_of(FREE_PLAN)) == 1
    assert find_daily_calls(tokens_per_call=1_500, limits=limits_of(DEVELOPER_PLAN)) == 240_000


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(10, "minutes"), (5 * 3600, "about 5 hours"), (47 * 3600, "about 47 hours")],
)
def test_durations_are_said_in_their_own_unit(seconds, said):
    assert describe_duration(seconds) == said


@given(st.integers(0, 10**6), st.integers(0, 10**10), st.integers(0, 10**6), st.integers(0, 10**9))
def test_more_work_never_takes_less_time(calls, tokens, more_calls, more_tokens):
    limits = limits_of(FREE_PLAN)
    less_s = estimate_run_s(calls=calls, tokens=tokens, limits=limits)
    assert less_s <= estimate_run_s(
        calls=calls + more_calls, tokens=tokens + more_tokens, limits=limits
    )
