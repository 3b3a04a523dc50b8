"""Which listings are worth another proposal, how many of whose, and when a store is looked at."""

from __future__ import annotations

import datetime as dt
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InvalidFieldError
from domain.brief import Mode
from domain.marketplaces.rulebook import load_rulebook
from domain.reoptimize.gain import (
    Reason,
    Signs,
    Wanted,
    choose_mode,
    estimate_gain,
    list_reasons,
    rate,
)
from domain.reoptimize.schedule import (
    Cadence,
    Schedule,
    describe_rules,
    find_next_day,
    find_rule_day,
    is_due,
    list_changed,
    parse_schedule,
)
from domain.reoptimize.share import BestFew, Candidate, find_keep, share_out

TODAY = dt.date(2026, 11, 22)
HARD = frozenset({"ebay.title.max"})
ALL = Wanted()


def reasons(signs: Signs, wanted: Wanted = ALL, prompt: str = "2") -> tuple[Reason, ...]:
    return list_reasons(signs, wanted, prompt_version=prompt)


def test_a_good_listing_has_no_reason():
    assert reasons(Signs(broken=frozenset(), score=90.0, age_days=900)) == ()


def test_each_sign_is_a_reason():
    assert reasons(Signs(broken=HARD)) == (Reason.HARD,)
    assert reasons(Signs(broken=HARD, changed_rules=HARD)) == (Reason.RULE_CHANGED, Reason.HARD)
    assert reasons(Signs(broken=frozenset(), score=40.0)) == (Reason.LOW_SCORE,)
    assert reasons(Signs(broken=frozenset(), source_changed=True)) == (Reason.SOURCE_CHANGED,)
    assert reasons(Signs(broken=frozenset(), refused_prompt="1")) == (Reason.OLDER_PROMPT,)
    assert reasons(Signs(broken=frozenset(), refused_prompt="2")) == ()


def test_age_is_a_reason_only_where_the_seller_said_so():
    old = Signs(broken=frozenset(), age_days=200)
    assert reasons(old) == ()
    assert reasons(old, Wanted(age_days=180)) == (Reason.AGE,)
    assert reasons(old, Wanted(age_days=201)) == ()


def test_a_rule_that_changed_counts_only_where_it_is_broken():
    wanted = Wanted(rules_only=True)
    assert reasons(Signs(broken=HARD, changed_rules=frozenset({"other"})), wanted) == ()
    found = reasons(Signs(broken=HARD, changed_rules=HARD), wanted)
    assert found[0] is Reason.RULE_CHANGED


def test_rules_are_mended_by_the_smallest_edit_and_weak_texts_improved():
    assert choose_mode(Signs(broken=HARD, score=10.0), (Reason.HARD, Reason.LOW_SCORE)) is Mode.FIX
    assert choose_mode(Signs(broken=frozenset()), (Reason.LOW_SCORE,)) is Mode.IMPROVE
    assert choose_mode(Signs(broken=frozenset()), (Reason.OLDER_PROMPT,)) is Mode.FIX


def gain(*found: Reason, score: float | None = None, value: int | None = None) -> float:
    return estimate_gain(found, score=score, value_minor=value)


def test_more_reasons_more_worth_and_a_lower_score_gain_more():
    assert gain(Reason.RULE_CHANGED) > gain(Reason.HARD) > gain(Reason.LOW_SCORE, score=20.0)
    assert gain(Reason.HARD, Reason.SOURCE_CHANGED) > gain(Reason.HARD)
    assert gain(Reason.LOW_SCORE, score=10.0) > gain(Reason.LOW_SCORE, score=60.0)
    assert gain(Reason.HARD, value=100_000) > gain(Reason.HARD, value=100) > 0
    assert gain(Reason.HARD) == gain(Reason.HARD, value=2_500)


def test_work_that_costs_nothing_is_not_worth_everything():
    assert rate(1.0, 0) == rate(1.0, 1_000_000) > rate(1.0, 10_000_000)


@given(
    st.sets(st.sampled_from(list(Reason)), min_size=1),
    st.floats(0, 65),
    st.integers(0, 2**62),
)
def test_a_gain_is_finite_and_never_negative(found, score, value):
    assert 0 <= gain(*found, score=score, value=value) < 100


def make(n: int, *, worth: float = 1.0, cost: int = 5_000_000) -> Candidate:
    return Candidate(
        listing_id=uuid.UUID(int=n),
        revision_id=uuid.UUID(int=n),
        store_id=uuid.UUID(int=7),
        channel="ebay",
        mode=Mode.FIX,
        reasons=(Reason.HARD,),
        rate=worth,
        cost_pico=cost,
    )


def test_only_the_best_few_are_remembered():
    few = BestFew(keep=3)
    for n in (5, 1, 9, 7, 3):
        few.add(make(n, worth=float(n)))
    assert [one.rate for one in few.list_best()] == [9.0, 7.0, 5.0]
    assert few.dropped == 2


def test_equals_are_remembered_in_the_order_of_their_ids():
    few = BestFew(keep=2)
    for n in (4, 2, 3, 1):
        few.add(make(n))
    assert [one.listing_id.int for one in few.list_best()] == [1, 2]


BIG, SMALL = uuid.UUID(int=1), uuid.UUID(int=2)


def test_a_seller_with_very_much_leaves_room_for_one_with_little():
    offers = {BIG: [make(n, worth=1e9) for n in range(1000)], SMALL: [make(5000), make(5001)]}
    chosen = share_out(offers, limit=10)
    assert len(chosen[SMALL]) == 2
    assert len(chosen[BIG]) == 8


def test_the_budget_is_kept_and_a_cheaper_one_may_still_fit():
    offers = {SMALL: [make(1, cost=8_000_000), make(2, cost=9_000_000), make(3, cost=2_000_000)]}
    chosen = share_out(offers, limit=10, budget_pico=10_000_000)
    assert [one.listing_id.int for one in chosen[SMALL]] == [1, 3]


def test_a_sellers_own_budget_is_kept_and_what_it_leaves_goes_to_others():
    offers = {
        SMALL: [make(1, cost=8_000_000), make(2, cost=3_000_000), make(3, cost=2_000_000)],
        BIG: [make(n, cost=8_000_000) for n in range(10, 20)],
    }
    chosen = share_out(offers, limit=8, own_pico={SMALL: 5_000_000})
    assert [one.listing_id.int for one in chosen[SMALL]] == [2, 3]
    assert len(chosen[BIG]) == 6
    assert SMALL not in share_out(offers, limit=8, own_pico={SMALL: -1})


@given(
    st.dictionaries(
        st.uuids(), st.lists(st.integers(0, 10**9), max_size=20), min_size=0, max_size=8
    ),
    st.integers(0, 40),
    st.one_of(st.none(), st.integers(0, 10**10)),
)
def test_limit_and_budget_hold_and_nobody_is_far_ahead(costs, limit, budget):
    offers = {
        seller: [make(n, cost=cost) for n, cost in enumerate(many)]
        for seller, many in costs.items()
    }
    chosen = share_out(offers, limit=limit, budget_pico=budget)
    assert chosen == share_out(offers, limit=limit, budget_pico=budget)
    picks = [one for many in chosen.values() for one in many]
    assert len(picks) <= limit
    if budget is not None:
        assert sum(one.cost_pico for one in picks) <= budget
    if budget is None:
        assert len(picks) == min(limit, sum(map(len, costs.values())))


def test_what_is_remembered_of_each_seller_covers_their_even_share():
    assert find_keep(limit=1000, sellers=1) == 1000
    assert find_keep(limit=1000, sellers=10) == 1000
    assert find_keep(limit=1000, sellers=100_000) == 1
    assert find_keep(limit=50_000, sellers=10) == 5000


@pytest.mark.parametrize(
    ("cadence", "looked_on", "next_day"),
    [
        (Cadence.WEEKLY, None, TODAY),
        (Cadence.WEEKLY, TODAY - dt.timedelta(days=3), TODAY + dt.timedelta(days=4)),
        (Cadence.WEEKLY, TODAY - dt.timedelta(days=30), TODAY),
        (Cadence.MONTHLY, dt.date(2026, 10, 22), TODAY),
        (Cadence.MONTHLY, dt.date(2026, 10, 23), dt.date(2026, 11, 23)),
        (Cadence.OFF, None, None),
        (Cadence.RULES, None, None),
        (None, None, None),
    ],
)
def test_the_next_look_by_the_calendar(cadence, looked_on, next_day):
    found = find_next_day(Schedule(cadence=cadence), looked_on=looked_on, today=TODAY)
    assert found == next_day


def test_a_month_after_its_last_days_is_the_next_months_last_day():
    monthly = Schedule(cadence=Cadence.MONTHLY)
    january = dt.date(2027, 1, 31)
    assert find_next_day(monthly, looked_on=january, today=january) == dt.date(2027, 2, 28)
    december = dt.date(2026, 12, 31)
    assert find_next_day(monthly, looked_on=december, today=december) == dt.date(2027, 1, 31)


def test_a_schedule_on_rules_is_due_when_they_changed_and_only_then():
    rules = Schedule(cadence=Cadence.RULES)
    assert is_due(rules, looked_on=None, today=TODAY, rules_changed=True)
    assert not is_due(rules, looked_on=None, today=TODAY, rules_changed=False)
    off = Schedule(cadence=Cadence.OFF)
    assert not is_due(off, looked_on=None, today=TODAY, rules_changed=True)


def test_a_rule_that_begins_is_a_change_on_its_day_and_not_before():
    rules = load_rulebook().rules_by_channel["amazon"]
    day = find_rule_day(rules, after=dt.date(2026, 1, 1))
    assert day is not None
    eve = day - dt.timedelta(days=1)
    assert list_changed(describe_rules(rules, on=eve), describe_rules(rules, on=eve)) == frozenset()
    begun = list_changed(describe_rules(rules, on=eve), describe_rules(rules, on=day))
    assert begun
    assert all(one.effective_from == day for one in rules if one.id in begun)
    assert list_changed(None, describe_rules(rules, on=day)) == frozenset()


@pytest.mark.parametrize(
    ("cadence", "age_days", "field"),
    [
        ("hourly", None, "every"),
        ("", None, "every"),
        ("weekly", 0, "age_days"),
        ("weekly", -5, "age_days"),
        ("weekly", 9_999, "age_days"),
        ("rules", 90, "age_days"),
        ("off", 90, "age_days"),
    ],
)
def test_a_schedule_that_means_nothing_is_named(cadence, age_days, field):
    with pytest.raises(InvalidFieldError) as caught:
        parse_schedule(cadence, age_days)
    assert caught.value.field == field
    assert caught.value.remedy


def test_a_schedule_that_means_something():
    assert parse_schedule("weekly", 90) == Schedule(cadence=Cadence.WEEKLY, age_days=90)
    assert not parse_schedule("off", None).is_on
    assert not Schedule().is_on
