"""The provider's budget: one suite for the shared one in Redis and for the one in the process."""

import threading

import pytest
import redis

from core.clock import wait_until
from core.errors import LlmRequestError
from domain.ports import ProviderBudget, Reservation
from gateways.local_budget import LocalBudget
from gateways.provider_budget import RedisBudget


def make_local(request, **limits):
    return LocalBudget(**limits)


def make_shared(request, **limits):
    client = redis.Redis.from_url(request.getfixturevalue("redis_url"))
    request.addfinalizer(client.close)
    return RedisBudget(client, name="test", **limits)


@pytest.fixture(params=[make_local, pytest.param(make_shared, marks=pytest.mark.servers)])
def make(request):
    """Builds the budget under test with the given limits."""

    def build(*, requests=1_000, tokens=60_000):
        return request.param(request, requests_per_minute=requests, tokens_per_minute=tokens)

    return build


def test_a_full_minute_may_be_booked_at_once_and_not_a_token_more(make):
    budget = make(tokens=1_000)
    assert isinstance(budget.reserve(tokens=600), Reservation)
    assert isinstance(budget.reserve(tokens=400), Reservation)
    wait_s = budget.reserve(tokens=100)
    assert wait_s == pytest.approx(6.0, abs=0.5)


def test_the_wait_grows_with_the_size(make):
    budget = make(tokens=1_000)
    budget.reserve(tokens=1_000)
    assert budget.reserve(tokens=500) == pytest.approx(30.0, abs=0.5)
    assert budget.reserve(tokens=50) == pytest.approx(3.0, abs=0.5)


def test_requests_are_counted_apart_from_tokens(make):
    budget = make(requests=2)
    assert isinstance(budget.reserve(tokens=1), Reservation)
    assert isinstance(budget.reserve(tokens=1), Reservation)
    assert budget.reserve(tokens=1) == pytest.approx(30.0, abs=0.5)


def test_a_refused_booking_costs_nothing(make):
    budget = make(tokens=1_000)
    budget.reserve(tokens=900)
    for _ in range(20):
        assert isinstance(budget.reserve(tokens=500), float)
    assert isinstance(budget.reserve(tokens=100), Reservation)


def test_settling_gives_back_what_was_not_used(make):
    budget = make(tokens=1_000)
    booked = budget.reserve(tokens=1_000)
    budget.settle(booked, used_tokens=300)
    assert isinstance(budget.reserve(tokens=700), Reservation)
    assert isinstance(budget.reserve(tokens=100), float)


def test_settling_for_more_than_was_booked_makes_a_debt(make):
    budget = make(tokens=1_000)
    booked = budget.reserve(tokens=100)
    budget.settle(booked, used_tokens=1_500)
    assert budget.reserve(tokens=100) == pytest.approx(36.0, abs=0.5)


def test_a_call_never_made_gives_its_request_back(make):
    budget = make(requests=1, tokens=1_000)
    booked = budget.reserve(tokens=1_000)
    budget.settle(booked, used_tokens=0)
    assert isinstance(budget.reserve(tokens=1_000), Reservation)


def test_a_booking_is_settled_only_once(make):
    budget = make(tokens=1_000)
    booked = budget.reserve(tokens=600)
    budget.settle(booked, used_tokens=500)
    budget.settle(booked, used_tokens=100)
    assert isinstance(budget.reserve(tokens=600), float)


def test_settling_never_fills_above_the_limit(make):
    budget = make(requests=600_000, tokens=60_000_000)
    booked = budget.reserve(tokens=600_000)
    assert wait_until(lambda: _is_full(budget), timeout_s=5.0, poll_s=0.02)
    budget.settle(booked, used_tokens=0)
    assert isinstance(budget.reserve(tokens=60_000_000), Reservation)
    assert isinstance(budget.reserve(tokens=600_000), float)


def _is_full(budget: ProviderBudget) -> bool:
    """Whether a whole minute's tokens are there; they are put back at once."""
    booked = budget.reserve(tokens=60_000_000)
    if isinstance(booked, float):
        return False
    budget.settle(booked, used_tokens=0)
    return True


def test_what_was_used_flows_back_all_the_time(make):
    budget = make(tokens=600_000)
    budget.reserve(tokens=600_000)
    wait_s = budget.reserve(tokens=1_000)
    assert 0 < wait_s <= 0.1
    assert wait_until(
        lambda: isinstance(budget.reserve(tokens=1_000), Reservation), timeout_s=5.0, poll_s=0.01
    )


def test_a_pause_holds_everybody_and_empties_the_bucket(make):
    budget = make(tokens=60_000)
    budget.pause(20.0)
    assert budget.reserve(tokens=1) == pytest.approx(20.0, abs=0.5)
    assert budget.reserve(tokens=40_000) == pytest.approx(40.0, abs=0.5)


def test_a_shorter_pause_does_not_end_a_longer_one(make):
    budget = make()
    budget.pause(30.0)
    budget.pause(1.0)
    assert budget.reserve(tokens=1) == pytest.approx(30.0, abs=0.5)


def test_a_request_that_never_fits_is_refused_with_both_numbers(make):
    with pytest.raises(LlmRequestError, match=r"1,001 tokens .* 1,000"):
        make(tokens=1_000).reserve(tokens=1_001)


def test_many_threads_never_book_more_than_there_is(make):
    budget = make(tokens=10_000)
    granted = []

    def book():
        for _ in range(20):
            booked = budget.reserve(tokens=100)
            if isinstance(booked, Reservation):
                granted.append(booked)

    threads = [threading.Thread(target=book) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 100 <= len(granted) <= 102
    assert len({booked.id for booked in granted}) == len(granted)
