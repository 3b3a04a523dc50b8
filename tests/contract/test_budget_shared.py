"""What only the budget in Redis can do: be shared, and survive its loss."""

import pytest
import redis
from structlog.testing import capture_logs

from core.errors import LlmRequestError
from domain.budget.values import NOTHING, Booking, BudgetLimits, Cost, Reservation, Wait
from gateways.provider_budget import RedisBudget

NOBODY = "redis://127.0.0.1:1/0"


@pytest.fixture
def client(redis_url):
    with redis.Redis.from_url(redis_url) as opened:
        yield opened


def build(client: redis.Redis, *, name: str = "groq", tokens: int = 990) -> RedisBudget:
    limits = BudgetLimits(requests_per_minute=100, tokens_per_minute=round(tokens / 0.99))
    return RedisBudget(client, name=name, limits=limits)


def book(budget: RedisBudget, tokens: int, ticket: str = "t") -> Reservation | Wait:
    return budget.reserve(Booking(ticket=ticket, cost=use(tokens)))


def use(tokens: int) -> Cost:
    return Cost(input_tokens=tokens, output_tokens=0)


def require_booking(answer: Reservation | Wait) -> Reservation:
    assert isinstance(answer, Reservation)
    return answer


def find_wait_s(answer: Reservation | Wait) -> float:
    assert isinstance(answer, Wait)
    return answer.seconds


@pytest.mark.servers
def test_two_processes_share_one_budget_its_line_and_its_pauses(client):
    one, other = build(client), build(client)
    booked = require_booking(book(one, 990))
    assert isinstance(book(other, 500, "first"), Wait)
    assert find_wait_s(book(one, 100, "second")) > find_wait_s(book(other, 500, "first"))
    other.settle(booked, used=use(100), seen={})
    assert isinstance(book(other, 500, "first"), Reservation)
    one.pause(50.0, seen={})
    assert find_wait_s(book(other, 1)) == pytest.approx(50.0, abs=0.5)


@pytest.mark.servers
def test_budgets_of_other_names_are_apart(client):
    book(build(client, name="20b"), 990)
    assert isinstance(book(build(client, name="120b"), 990), Reservation)


@pytest.mark.servers
def test_a_flushed_redis_starts_again_with_a_full_budget_until_the_provider_speaks(client):
    budget = build(client)
    booked = require_booking(book(budget, 990))
    client.flushdb()
    client.script_flush()
    again = require_booking(book(budget, 100))
    budget.settle(booked, used=NOTHING, seen={})
    assert isinstance(book(budget, 990), Wait)
    budget.settle(again, used=use(100), seen={"tokens_per_minute": (1_000, 1_000)})
    assert find_wait_s(book(budget, 100, "other")) > 6


@pytest.mark.servers
def test_a_lowered_limit_holds_at_once(client):
    book(build(client, tokens=99_000), 10)
    lowered = build(client, tokens=990)
    assert isinstance(book(lowered, 980), Reservation)
    assert isinstance(book(lowered, 500), Wait)


@pytest.mark.servers
def test_nothing_stays_for_ever(client):
    budget = build(client)
    book(budget, 990)
    book(budget, 10)
    seconds = [client.ttl(key) for key in client.scan_iter()]
    assert len(seconds) == 3
    assert all(0 < left <= 172_800 for left in seconds)


def test_without_redis_work_goes_on_with_a_share_and_the_log_says_so():
    with (
        capture_logs() as events,
        redis.Redis.from_url(NOBODY, socket_connect_timeout=0.2) as nobody,
    ):
        budget = build(nobody)
        booked = require_booking(book(budget, 247))
        assert find_wait_s(book(budget, 248)) == pytest.approx(60.0, abs=2.0)
        budget.leave("t")
        # The provider counts the other processes as well: that is not ours to believe.
        seen = {"tokens_per_minute": (1_000, 900)}
        budget.settle(booked, used=use(50), seen=seen)
        assert isinstance(book(budget, 190), Reservation)
        budget.pause(100.0, seen={})
        assert find_wait_s(book(budget, 1)) == pytest.approx(100.0, abs=0.5)
        with pytest.raises(LlmRequestError):
            book(budget, 1_001)
    assert [event["event"] for event in events] == ["budget_shared_no_more"]
    assert events[0]["share"] == 0.25
