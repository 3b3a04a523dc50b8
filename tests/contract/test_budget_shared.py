"""What only the budget in Redis can do: be shared, and survive its loss."""

import pytest
import redis
from structlog.testing import capture_logs

from core.errors import LlmRequestError
from domain.ports import Reservation
from gateways.provider_budget import RedisBudget

NOBODY = "redis://127.0.0.1:1/0"


@pytest.fixture
def client(redis_url):
    with redis.Redis.from_url(redis_url) as opened:
        yield opened


def build(client: redis.Redis, *, name: str = "groq", tokens: int = 1_000) -> RedisBudget:
    return RedisBudget(client, name=name, requests_per_minute=100, tokens_per_minute=tokens)


def require_booking(answer: Reservation | float) -> Reservation:
    assert isinstance(answer, Reservation)
    return answer


@pytest.mark.servers
def test_two_processes_share_one_budget_and_its_pauses(client):
    one, other = build(client), build(client)
    booked = require_booking(one.reserve(tokens=1_000))
    assert isinstance(other.reserve(tokens=500), float)
    other.settle(booked, used_tokens=100)
    assert isinstance(other.reserve(tokens=500), Reservation)
    one.pause(50.0)
    assert other.reserve(tokens=1) == pytest.approx(50.0, abs=0.5)


@pytest.mark.servers
def test_budgets_of_other_names_are_apart(client):
    build(client, name="20b").reserve(tokens=1_000)
    assert isinstance(build(client, name="120b").reserve(tokens=1_000), Reservation)


@pytest.mark.servers
def test_a_flushed_redis_starts_again_with_a_full_budget(client):
    budget = build(client)
    booked = require_booking(budget.reserve(tokens=1_000))
    client.flushdb()
    client.script_flush()
    assert isinstance(budget.reserve(tokens=1_000), Reservation)
    budget.settle(booked, used_tokens=0)
    assert isinstance(budget.reserve(tokens=1_000), float)


@pytest.mark.servers
def test_a_lowered_limit_holds_at_once(client):
    build(client, tokens=100_000).reserve(tokens=10)
    lowered = build(client, tokens=1_000)
    assert isinstance(lowered.reserve(tokens=1_000), Reservation)
    assert isinstance(lowered.reserve(tokens=500), float)


@pytest.mark.servers
def test_nothing_stays_for_ever(client):
    build(client).reserve(tokens=10)
    seconds = [client.ttl(key) for key in client.scan_iter()]
    assert len(seconds) == 2
    assert all(0 < left <= 172_800 for left in seconds)


def test_without_redis_work_goes_on_with_a_share_and_the_log_says_so():
    with (
        capture_logs() as events,
        redis.Redis.from_url(NOBODY, socket_connect_timeout=0.2) as nobody,
    ):
        budget = build(nobody)
        booked = budget.reserve(tokens=250)
        assert isinstance(booked, Reservation)
        assert budget.reserve(tokens=250) == pytest.approx(60.0, abs=0.5)
        budget.settle(booked, used_tokens=50)
        assert isinstance(budget.reserve(tokens=200), Reservation)
        budget.pause(100.0)
        assert budget.reserve(tokens=1) == pytest.approx(100.0, abs=0.5)
        with pytest.raises(LlmRequestError):
            budget.reserve(tokens=1_001)
    assert [event["event"] for event in events] == ["budget_shared_no_more"]
