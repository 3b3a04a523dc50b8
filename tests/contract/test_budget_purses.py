"""What sellers and the organisation allow: the same for the budget in Redis and in the process."""

from dataclasses import replace

import pytest

from core.clock import epoch_s
from domain.budget.values import (
    Purse,
    Reservation,
    SpendAlert,
    UnknownPurseError,
    Wait,
    WaitReason,
)
from tests.support.budgets import book, used


def test_a_purse_has_only_so_many_calls_in_flight(make):
    budget = make()
    purse = Purse(name="seller", in_flight_max=2)
    first = book(budget, 1, purses=(purse,))
    assert isinstance(book(budget, 1, purses=(purse,)), Reservation)
    wait = book(budget, 1, purses=(purse,))
    assert (wait.reason, wait.purse, wait.holds_place) == (WaitReason.IN_FLIGHT, "seller", False)
    assert isinstance(book(budget, 1, purses=(Purse(name="other", in_flight_max=1),)), Reservation)
    budget.settle(first, used=used(1), seen={})
    assert isinstance(book(budget, 1, purses=(purse,)), Reservation)


def test_a_purse_that_is_not_remembered_must_come_with_the_ledgers_figures(make):
    budget = make()
    purse = Purse(name="seller", day_max=100)
    with pytest.raises(UnknownPurseError) as fault:
        book(budget, 1, pico=10, purses=(purse,))
    assert fault.value.purse == "seller"
    told = replace(purse, spent_day=95, spent_month=95)
    assert book(budget, 1, pico=10, purses=(told,)).reason is WaitReason.DAY_SPEND
    assert isinstance(book(budget, 1, pico=5, purses=(purse,)), Reservation)


@pytest.mark.parametrize("period", ["day", "month"])
def test_a_purse_is_held_at_its_cap_until_the_day_ends(make, period):
    budget = make()
    purse = Purse(name="seller", spent_day=0, spent_month=0, **{f"{period}_max": 100})
    booked = book(budget, 1, pico=80, purses=(purse,))
    soon = book(budget, 1, pico=30, purses=(purse,))
    assert (soon.reason.value, soon.seconds) == (f"{period}_spend", pytest.approx(5, abs=5))
    budget.settle(booked, used=used(1, pico=75), seen={})
    late = book(budget, 1, pico=30, purses=(purse,))
    assert late.seconds == pytest.approx(86_400 - epoch_s() % 86_400, abs=2)
    assert late.reason.is_cap
    assert isinstance(book(budget, 1, pico=25, purses=(purse,)), Reservation)


def test_alerts_come_once_for_each_share_of_a_cap(make):
    budget = make()
    purse = Purse(name="s", day_max=1_000, month_max=4_000, spent_day=0, spent_month=0)

    def spend(pico):
        booked = book(budget, 1, pico=pico + 50, purses=(purse,))
        return budget.settle(booked, used=used(1, pico=pico), seen={})

    assert spend(499) == []
    assert spend(1) == [SpendAlert(purse="s", period="day", percent=50)]
    assert spend(1) == []
    assert spend(400) == [SpendAlert(purse="s", period="day", percent=90)]
    assert spend(0) == []


def test_two_purses_are_held_together_or_not_at_all(make):
    budget = make()
    seller = Purse(name="seller", in_flight_max=5)
    house = Purse(name="organisation", in_flight_max=1)
    assert isinstance(book(budget, 1, purses=(seller, house)), Reservation)
    assert book(budget, 1, purses=(seller, house)).purse == "organisation"
    for _ in range(4):
        assert isinstance(book(budget, 1, purses=(seller,)), Reservation)
    assert isinstance(book(budget, 1, purses=(seller,)), Wait)
