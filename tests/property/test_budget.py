"""The script in Redis and the plain model say the same, whatever happens in whatever order."""

from operator import itemgetter

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import LlmRequestError
from domain.budget.rules import ARRIVE_S
from domain.budget.values import (
    Booking,
    BudgetLimits,
    Cost,
    Purse,
    Reservation,
    UnknownPurseError,
    Wait,
)
from domain.ports import ProviderBudget
from gateways.local_budget import LocalBudget
from gateways.provider_budget import RedisBudget
from simulators.groq.limits import Bucket

pytestmark = pytest.mark.servers

LIMITS = BudgetLimits(
    requests_per_minute=30,
    tokens_per_minute=2_000,
    requests_per_day=60,
    tokens_per_day=9_000,
    input_tokens_per_minute=1_500,
    output_tokens_per_minute=1_200,
)
PURSES = (
    Purse(name="seller", in_flight_max=3, day_max=4_000, spent_day=10, spent_month=20),
    Purse(name="shy", day_max=900, month_max=2_000),
    Purse(name="organisation", month_max=9_000, spent_day=0, spent_month=0),
)
NAMES = ("requests_per_day", "tokens_per_minute", "tokens_per_day", "unheard_of")

costs = st.builds(
    Cost,
    requests=st.just(1),
    input_tokens=st.integers(0, 1_000),
    output_tokens=st.integers(0, 900),
    picousd=st.integers(0, 1_500),
)
seen = st.dictionaries(
    st.sampled_from(NAMES), st.tuples(st.integers(500, 9_000), st.integers(0, 9_000)), max_size=2
)
steps = st.one_of(
    st.tuples(
        st.just("reserve"),
        st.integers(0, 5),
        costs,
        st.booleans(),
        st.lists(st.sampled_from(PURSES), unique=True, max_size=3),
    ),
    st.tuples(st.just("settle"), st.integers(0, 9), costs, seen),
    st.tuples(st.just("pause"), st.floats(0, 40), seen),
    st.tuples(st.just("leave"), st.integers(0, 5)),
    st.tuples(st.just("pass"), st.sampled_from([0.01, 0.5, 3.0, 7.0, 25.0, 130.0, 40_000.0])),
)


class Pair:
    """The two budgets with the same clock, and what both have granted."""

    def __init__(self, client: redis.Redis) -> None:
        self.now_s = 1_795_390_000.25
        client.flushdb()
        self.both: tuple[ProviderBudget, ProviderBudget] = (
            LocalBudget(limits=LIMITS, clock=lambda: self.now_s),
            RedisBudget(client, name="t", limits=LIMITS, clock=lambda: self.now_s),
        )
        self.granted: list[tuple[Reservation, ...]] = []

    def take(self, step) -> None:
        """Let one thing happen to both and compare what they say."""
        kind, *rest = step
        getattr(self, f"take_{kind}")(*rest)
        rooms = [one.measure_room() for one in self.both]
        for name in ("paused_s", "tokens", "requests", "tokens_per_s", "requests_per_s", "line"):
            ours, theirs = (getattr(room, name) for room in rooms)
            assert ours == pytest.approx(theirs, rel=1e-6, abs=1e-4), (name, rooms)

    def take_reserve(self, ticket, cost, urgent, purses) -> None:
        booking = Booking(ticket=f"t{ticket}", cost=cost, urgent=urgent, purses=tuple(purses))
        ours, theirs = (self.ask(one, booking) for one in self.both)
        assert type(ours) is type(theirs), (ours, theirs)
        if isinstance(ours, Reservation) and isinstance(theirs, Reservation):
            self.granted.append((ours, theirs))
        elif isinstance(ours, Wait) and isinstance(theirs, Wait):
            assert ours.seconds == pytest.approx(theirs.seconds, rel=1e-6, abs=1e-4)
            said = [(w.reason, w.holds_place, w.purse) for w in (ours, theirs)]
            assert said[0] == said[1]
        else:
            assert str(ours) == str(theirs)

    def ask(self, budget, booking):
        try:
            return budget.reserve(booking)
        except (LlmRequestError, UnknownPurseError) as fault:
            return fault

    def take_settle(self, index, used, seen) -> None:
        if not self.granted:
            return
        chosen = self.granted[index % len(self.granted)]
        alerts = [
            one.settle(booked, used=used, seen=seen)
            for one, booked in zip(self.both, chosen, strict=True)
        ]
        assert alerts[0] == alerts[1]

    def take_pause(self, seconds, seen) -> None:
        for one in self.both:
            one.pause(seconds, seen=seen)

    def take_leave(self, ticket) -> None:
        for one in self.both:
            one.leave(f"t{ticket}")

    def take_pass(self, seconds) -> None:
        self.now_s += seconds


@given(story=st.lists(steps, max_size=40))
@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_the_script_and_the_model_agree(redis_url, story):
    with redis.Redis.from_url(redis_url) as client:
        pair = Pair(client)
        for step in story:
            pair.take(step)


arrivals = st.tuples(st.floats(0, 3), st.integers(1, 900), st.floats(0.1, 1), st.floats(0.01, 4))


@given(story=st.lists(arrivals, min_size=5, max_size=60))
@settings(max_examples=150, deadline=None)
def test_what_we_grant_never_breaks_the_providers_limit(story):
    """As long as no estimate is low; the provider is the simulator's own bucket."""
    now_s = 1_000_000.0
    limits = BudgetLimits(requests_per_minute=10_000, tokens_per_minute=1_000)
    budget = LocalBudget(limits=limits, clock=lambda: now_s)
    provider = Bucket(1_000, 60.0, updated_s=now_s)
    ends: list[tuple[float, int, Reservation]] = []
    for number, (gap_s, tokens, share, lasts_s) in enumerate(story):
        arrives_s = now_s + gap_s
        while ends and min(ends, key=itemgetter(0))[0] <= arrives_s:
            ends.sort(key=itemgetter(0))
            now_s, used, booked = ends.pop(0)
            provider.refill(now_s)
            provider.used = max(0.0, provider.used - booked.cost.tokens + used)
            budget.settle(booked, used=Cost(input_tokens=used, output_tokens=0), seen={})
        now_s = arrives_s
        cost = Cost(input_tokens=tokens, output_tokens=0)
        answer = budget.reserve(Booking(ticket=str(number), cost=cost))
        if isinstance(answer, Reservation):
            provider.refill(now_s)
            assert provider.wait_s(tokens) == 0
            provider.used += tokens
            ends.append((now_s + lasts_s, int(tokens * share), answer))


def test_what_is_on_its_way_does_not_flow_back_yet():
    """A slow way must not let a burst arrive at once with what was granted meanwhile."""
    now_s = 1_000_000.0
    limits = BudgetLimits(requests_per_minute=10_000, tokens_per_minute=1_000)
    budget = LocalBudget(limits=limits, clock=lambda: now_s)
    cost = Cost(input_tokens=900, output_tokens=0)
    assert isinstance(budget.reserve(Booking(ticket="a", cost=cost)), Reservation)
    now_s += ARRIVE_S - 0.1
    assert budget.measure_room().tokens == pytest.approx(90)
    now_s += 5.0
    assert budget.measure_room().tokens == pytest.approx(90 + 5 * 1_000 / 60)
