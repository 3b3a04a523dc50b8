"""When a provider is taken for down: within a process, between processes, with Redis away."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import redis

from domain.breaker import (
    FAILURES_IN_A_ROW,
    LEAST_CALLS,
    PROBE_EVERY_S,
    WINDOW_S,
    BreakerChange,
    FailureWindow,
    Passage,
    Verdict,
    find_outage_wait_s,
)
from gateways.breaker import LOOK_EVERY_S, SharedBreaker
from gateways.job_queue import connect_web

NONE, OPENED, CLOSED = BreakerChange
WORKS, FAILS, SAYS_NOTHING = Verdict


@dataclass(slots=True)
class Clock:
    """Time that passes when told to."""

    now_s: float = 1000.0

    def __call__(self) -> float:
        return self.now_s

    def pass_s(self, seconds: float) -> None:
        self.now_s += seconds


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def client(redis_url):
    with redis.Redis.from_url(redis_url) as made:
        yield made


@pytest.fixture
def make(client, clock):
    """Makes one process's breaker for a model."""

    def make(model: str = "small", **more) -> SharedBreaker:
        return SharedBreaker(more.pop("client", client), name=model, account="groq", clock=clock)

    return make


def call(breaker: SharedBreaker, verdict: Verdict) -> BreakerChange:
    passage = breaker.admit()
    assert not passage.blocked
    return breaker.record(verdict, passage)


def break_it(breaker: SharedBreaker) -> None:
    for _ in range(FAILURES_IN_A_ROW):
        call(breaker, FAILS)


def let_probe_come(client, clock) -> None:
    """Let the time until the next probe pass, for Redis and for the processes."""
    for key in client.scan_iter("*:probe"):
        client.delete(key)
    clock.pass_s(PROBE_EVERY_S)


pytestmark = pytest.mark.servers


def test_five_failures_in_a_row_open_it_and_one_is_told(make):
    breaker = make()
    changes = [call(breaker, FAILS) for _ in range(FAILURES_IN_A_ROW)]
    assert changes == [NONE] * 4 + [OPENED]
    passage = breaker.admit()
    assert "small has been failing for 0 s" in passage.blocked
    assert 0 < passage.wait_s <= PROBE_EVERY_S


@pytest.mark.parametrize("between_s", [2 * LOOK_EVERY_S, 30.0])
def test_failures_that_come_slowly_open_it_too(make, clock, between_s):
    breaker, changes = make(), []
    for _ in range(FAILURES_IN_A_ROW):
        changes.append(call(breaker, FAILS))
        clock.pass_s(between_s)
    assert changes[-1] is OPENED


def test_a_success_between_begins_the_row_anew(make):
    breaker = make()
    for verdict in [FAILS] * 4 + [WORKS] + [FAILS] * 3:
        call(breaker, verdict)
    assert not breaker.admit().blocked


def test_what_says_nothing_neither_opens_nor_mends(make):
    breaker = make()
    assert [call(breaker, SAYS_NOTHING) for _ in range(50)] == [NONE] * 50
    for _ in range(4):
        call(breaker, FAILS)
        call(breaker, SAYS_NOTHING)
    assert call(breaker, FAILS) is OPENED


def test_more_than_half_of_the_last_calls_open_it():
    window = FailureWindow()
    two_of_three = [window.add(0.0, failed=n % 3 != 2) for n in range(LEAST_CALLS)]
    assert two_of_three == [False] * (LEAST_CALLS - 1) + [True]
    window = FailureWindow()
    assert not any(window.add(0.0, failed=n % 2 == 1) for n in range(100))


def test_failures_of_long_ago_do_not_count():
    window = FailureWindow()
    for n in range(LEAST_CALLS - 1):
        window.add(0.0, failed=n % 4 != 3)
    assert not window.add(WINDOW_S + 1, failed=True)


def test_other_processes_know_within_a_second(make, clock):
    first, second = make(), make()
    second.admit()
    break_it(first)
    clock.pass_s(LOOK_EVERY_S)
    assert second.admit().blocked
    break_it_again = [second.record(FAILS, Passage(at_s=clock())) for _ in range(9)]
    assert OPENED not in break_it_again


def test_one_model_s_failure_is_not_another_s(make):
    break_it(make("small"))
    assert not make("large").admit().blocked


def test_one_call_of_all_processes_asks_whether_it_is_back(make, client, clock):
    breakers = [make() for _ in range(4)]
    break_it(breakers[0])
    let_probe_come(client, clock)
    passages = [one.admit() for one in breakers for _ in range(8)]
    assert sum(one.probe for one in passages) == 1
    assert sum(not one.blocked for one in passages) == 1


def test_a_failed_probe_leaves_it_open_for_the_next(make, client, clock):
    breaker = make()
    break_it(breaker)
    for _ in range(3):
        let_probe_come(client, clock)
        assert call(breaker, FAILS) is NONE
        assert breaker.admit().blocked


@pytest.mark.parametrize("verdict", [WORKS, SAYS_NOTHING])
def test_a_probe_that_is_answered_closes_it_for_all(make, client, clock, verdict):
    first, second = make(), make()
    break_it(first)
    let_probe_come(client, clock)
    assert call(second, verdict) is CLOSED
    clock.pass_s(LOOK_EVERY_S)
    assert first.admit() == Passage(at_s=clock())
    for _ in range(4):
        assert call(first, FAILS) is NONE


def test_a_call_that_hung_all_through_an_outage_does_not_open_it_again(make, client, clock):
    first, second = make(), make()
    hung = first.admit()
    break_it(first)
    let_probe_come(client, clock)
    call(second, WORKS)
    clock.pass_s(LOOK_EVERY_S)
    first.admit()
    assert [first.record(FAILS, hung) for _ in range(9)] == [NONE] * 9


def test_a_probe_given_back_is_the_next_caller_s(make, client, clock):
    breaker = make()
    break_it(breaker)
    let_probe_come(client, clock)
    assert breaker.admit().probe
    breaker.release()
    assert breaker.admit().probe


def test_a_refused_key_stops_every_model_of_every_process(make, clock):
    first, second, large = make(), make(), make("large")
    assert first.refuse("the key is wrong", seconds=60, everywhere=True)
    assert not second.refuse("the key is wrong", seconds=60, everywhere=True)
    clock.pass_s(LOOK_EVERY_S)
    for breaker in (first, second, large):
        assert (breaker.admit().blocked, breaker.admit().refused) == ("the key is wrong", True)


def test_a_model_that_is_gone_stops_only_itself(make):
    assert make().refuse("no such model", seconds=60, everywhere=False)
    assert make().admit().refused
    assert not make("large").admit().blocked


def test_without_redis_each_process_goes_by_what_it_knows(make, clock):
    away = connect_web("redis://127.0.0.1:1/0")
    first, second = make(client=away), make(client=away)
    changes = [call(first, FAILS) for _ in range(FAILURES_IN_A_ROW)]
    assert changes[-1] is OPENED
    assert first.admit().blocked
    assert not second.admit().blocked
    clock.pass_s(PROBE_EVERY_S)
    assert call(first, WORKS) is CLOSED
    assert not first.admit().blocked
    assert first.refuse("no", seconds=60, everywhere=True)
    assert first.admit().refused
    away.close()


def test_an_emptied_redis_forgets_and_five_failures_open_it_again(make, client, clock):
    breaker = make()
    break_it(breaker)
    client.flushdb()
    clock.pass_s(LOOK_EVERY_S)
    assert not breaker.admit().blocked
    break_it(breaker)
    assert breaker.admit().blocked


def test_calls_that_go_well_cost_no_round_trip(make, client, clock):
    breaker = make()
    breaker.admit()
    before = client.info("commandstats")
    for _ in range(100):
        call(breaker, WORKS)
    after = client.info("commandstats")
    asked = {name for name in after if after[name]["calls"] != before.get(name, {}).get("calls")}
    assert asked <= {"cmdstat_info"}


@pytest.mark.parametrize("open_for_s", [0.0, 60.0, 86_400.0])
def test_who_waits_for_a_provider_looks_again_within_a_minute(open_for_s):
    for jitter in (0.0, 0.5, 1.0):
        wait_s = find_outage_wait_s(open_for_s, may_probe=False, jitter=jitter)
        assert 0 < wait_s <= 60
        assert find_outage_wait_s(open_for_s, may_probe=True, jitter=jitter) <= PROBE_EVERY_S + 1
