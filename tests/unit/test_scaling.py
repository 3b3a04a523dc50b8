"""The scaling policy, case by case."""

from __future__ import annotations

from dataclasses import replace

import pytest

from domain.ports import ReplicaCount
from domain.scaling import decide
from domain.scaling.confirm import Change, Verdict, judge_change
from domain.scaling.schedule import parse_schedule
from domain.scaling.values import (
    ScalingConfig,
    ScalingDecision,
    ScalingState,
    Snapshot,
    Workload,
)

CONFIG = ScalingConfig(replicas_min=1, replicas_max=10, threads=12)
NOW_S = 1_800_000_000.0
IDLE = Workload(service_s=2.0)


class Watch:
    """Asks the policy every ten seconds, and does what it says."""

    def __init__(self, config: ScalingConfig = CONFIG, *, replicas: int = 1) -> None:
        self.config, self.replicas = config, replicas
        self.at_s, self.state = NOW_S, ScalingState()

    def tick(self, workload: Workload | None = IDLE, **more: object) -> ScalingDecision:
        snapshot = Snapshot(at_s=self.at_s, replicas=self.replicas, workload=workload, **more)  # type: ignore[arg-type]
        decision, self.state = decide(self.config, snapshot, self.state)
        self.replicas = decision.wanted
        self.at_s += 10
        return decision

    def run(self, seconds: float, workload: Workload | None = IDLE) -> ScalingDecision:
        decision = self.tick(workload)
        for _ in range(int(seconds // 10) - 1):
            decision = self.tick(workload)
        return decision


def test_what_arrives_needs_threads_by_little_s_law_and_some_headroom():
    # 12/s of 2 s each keep 24 threads busy; chance needs a few more, and a replica has 12.
    decision = Watch().tick(Workload(urgent_per_s=12, service_s=2.0))
    assert decision.wanted == 3
    assert decision.reason == "0 waiting, 12.0/s arriving, 2.0 s each: 3 needed"


def test_a_backlog_that_will_be_gone_before_help_comes_needs_none():
    assert Watch().tick(Workload(bulk_waiting=300, service_s=2.0)).wanted == 1


def test_a_backlog_is_to_be_gone_in_its_time():
    # 1,800 jobs of 2 s in 120 s: 30 threads.
    assert Watch().tick(Workload(bulk_waiting=1800, service_s=2.0)).wanted == 3


def test_the_provider_s_requests_cap_the_count():
    config = replace(CONFIG, requests_per_minute=1000)
    workload = Workload(bulk_waiting=100_000, service_s=2.0, calls_per_job=1.0)
    decision = Watch(config).tick(workload)
    assert decision.wanted == 3
    assert "the provider's budget keeps 3 busy" in decision.reason


def test_the_provider_s_tokens_cap_the_count():
    config = replace(CONFIG, requests_per_minute=1000, tokens_per_minute=8000)
    workload = Workload(bulk_waiting=100_000, calls_per_job=1.0, tokens_per_call=1500)
    assert Watch(config).tick(workload).wanted == 1


def test_a_backlog_that_the_provider_s_day_does_not_suffice_for_needs_no_replicas():
    # 600,000 tokens are 400 jobs of 1,500: gone before help could come.
    workload = Workload(
        bulk_waiting=100_000, calls_per_job=1.0, tokens_per_call=1500, tokens_left=600_000
    )
    decision = Watch().tick(workload)
    assert decision.wanted == 1
    assert "of which what is left of the provider's day suffices for 400" in decision.reason
    assert Watch().tick(replace(workload, tokens_left=None)).wanted == 10
    assert Watch().tick(replace(workload, tokens_left=150_000_000)).wanted == 10


def test_a_day_that_is_spent_keeps_one_replica_busy_and_no_job_late():
    late = Workload(bulk_waiting=500, bulk_oldest_s=50_000, calls_per_job=1.0, requests_left=-3)
    assert Watch(replicas=1).tick(late).wanted == 1
    config = replace(CONFIG, replicas_min=2)
    assert Watch(config, replicas=2).tick(late).wanted == 2
    free = replace(late, calls_per_job=0.0, bulk_waiting=5000, service_s=2.0)
    assert Watch(replicas=1).tick(free).wanted == 7, "rules need no provider"


def test_work_without_calls_is_not_capped_by_the_provider():
    config = replace(CONFIG, requests_per_minute=30)
    workload = Workload(bulk_waiting=100_000, service_s=2.0, calls_per_job=0.0)
    assert Watch(config).tick(workload).wanted == 10


def test_a_spent_budget_stops_growth_whatever_the_estimates_say():
    config = replace(CONFIG, requests_per_minute=1000)
    slow = Workload(bulk_waiting=50_000, service_s=9.0, calls_per_job=1.0, calls_answered=950)
    assert Watch(config, replicas=3).tick(slow).wanted == 3


def test_the_database_s_connections_beat_even_the_least():
    config = replace(CONFIG, replicas_min=5, connections_kept=20, connections_per_replica=8)
    decision = Watch(config, replicas=1).tick(Workload(connections_max=60))
    assert decision.wanted == 5
    assert Watch(config).tick(Workload(connections_max=40)).wanted == 2


def test_the_least_beats_the_provider_s_cap():
    config = replace(CONFIG, replicas_min=2, requests_per_minute=30)
    assert Watch(config).tick(Workload(calls_per_job=1.0, service_s=2.0)).wanted == 2


def test_up_at_once_but_not_twice_within_thirty_seconds():
    watch = Watch()
    assert watch.tick(Workload(urgent_per_s=12, service_s=2.0)).wanted == 3
    assert watch.tick(Workload(urgent_per_s=24, service_s=2.0)).wanted == 3
    watch.at_s += 10
    assert watch.tick(Workload(urgent_per_s=24, service_s=2.0)).wanted == 5


def test_down_only_after_the_window_and_to_its_highest_wish():
    watch = Watch()
    watch.run(600, Workload(urgent_per_s=12, service_s=2.0))
    watch.run(60, Workload(urgent_per_s=8, service_s=2.0))
    assert watch.run(530).wanted == 3
    assert watch.run(30).wanted == 2
    assert watch.run(120).wanted == 1


def test_a_backlog_that_is_gone_is_forgotten_sooner():
    watch = Watch()
    watch.run(300, Workload(bulk_waiting=1800, service_s=2.0))
    assert watch.run(80).wanted == 3
    assert watch.run(20).wanted == 1


def test_a_fresh_start_does_not_shrink_at_once():
    watch = Watch(replicas=5)
    decision = watch.tick()
    assert decision.wanted == 5
    assert "not lowered: watched for 0 of 90 s" in decision.reason


def test_a_gap_in_the_watch_begins_the_window_anew():
    watch = Watch(replicas=5)
    watch.run(80)
    watch.at_s += 300
    assert watch.run(80).wanted == 5
    assert watch.run(30).wanted == 1


def test_a_step_down_that_was_regretted_makes_the_window_longer():
    busy = Workload(urgent_per_s=12, service_s=2.0)
    watch = Watch()
    watch.run(300, busy)
    assert watch.run(610).wanted == 1
    assert watch.run(60, busy).wanted == 3
    assert watch.state.patience == 2.0
    assert watch.run(900).wanted == 3
    assert watch.run(400).wanted == 1


def test_patience_comes_back_after_calm_hours():
    watch = Watch()
    watch.state = ScalingState(patience=3.0, replicas=1)
    watch.run(3 * 3600 + 30)
    assert watch.state.patience == 1.0


def test_running_jobs_keep_their_replicas():
    watch = Watch(replicas=5)
    # 30 jobs fill no more than 70 % of 4 replicas of 12 threads, but more than that of 3.
    assert watch.run(200, replace(IDLE, running=30)).wanted == 4


def test_nothing_shrinks_or_grows_while_the_provider_fails():
    failing = replace(IDLE, calls_answered=2, calls_failed=30, bulk_waiting=5000)
    watch = Watch(replicas=4)
    decision = watch.run(1200, failing)
    assert decision.wanted == 4
    assert "the provider fails" in decision.reason


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"workload": None}, "the workload is not known"),
        ({"age_s": 61.0}, "the figures are 61 s old"),
        ({"paused": True}, "paused by the operator"),
    ],
)
def test_held(more, reason):
    watch = Watch(replicas=7)
    decision = watch.tick(**{"workload": Workload(bulk_waiting=100_000), **more})
    assert decision == ScalingDecision(wanted=7, reason=reason, held=True)


def test_somebody_else_s_count_is_left_alone_for_a_while():
    watch = Watch()
    watch.run(100)
    watch.replicas = 6
    decision = watch.tick()
    assert decision.wanted == 6
    assert decision.reason == "somebody else set 6; left alone for 900 s more"
    assert watch.run(880).held
    assert watch.run(700).wanted == 1


def test_an_operator_s_number_counts_within_what_is_possible():
    watch = Watch()
    assert watch.tick(override=4).wanted == 4
    decision = watch.tick(override=40)
    assert decision.wanted == 10
    assert decision.reason == "the operator asks for 40; 10 possible"


def test_jobs_that_wait_too_long_get_one_more_whatever_the_estimates_say():
    late = replace(IDLE, urgent_waiting=1, urgent_oldest_s=11.0)
    assert Watch(replicas=2).tick(late).wanted == 3


def test_a_schedule_has_replicas_there_before_the_work():
    config = replace(CONFIG, schedule=parse_schedule("01:58-02:10=3, 23:50-00:10=2"))
    midnight_s = NOW_S - NOW_S % 86_400
    watch = Watch(config)
    for clock_s, count in ((7000, 1), (7090, 3), (23.9 * 3600, 2), (86_400 + 300, 2)):
        watch.at_s, watch.replicas, watch.state = midnight_s + clock_s, 1, ScalingState()
        assert watch.tick().wanted == count


@pytest.mark.parametrize("text", ["2", "01:58=2", "25:00-26:00=1", "01:58-02:10=x"])
def test_a_wrong_schedule_is_refused(text):
    with pytest.raises(ValueError, match=r"is no window|names no time"):
        parse_schedule(text)


def test_a_clock_set_back_forgets_what_lies_ahead():
    watch = Watch()
    watch.run(100, Workload(urgent_per_s=12, service_s=2.0))
    watch.at_s -= 86_400
    assert watch.tick(Workload(urgent_per_s=24, service_s=2.0)).wanted == 5


def test_the_state_survives_being_stored():
    watch = Watch()
    watch.run(100, Workload(urgent_per_s=12, service_s=2.0))
    assert ScalingState.from_json(watch.state.to_json()) == watch.state


@pytest.mark.parametrize("stored", [{}, {"wishes": 3}, {"wishes": [[1]]}, {"other": 1}])
def test_a_state_that_cannot_be_read_is_a_fresh_one(stored):
    assert ScalingState.from_json(stored) == ScalingState()


@pytest.mark.parametrize(
    ("passed_s", "repeated", "count", "verdict"),
    [
        (5, False, ReplicaCount(asked=3, running=3), Verdict.CONFIRMED),
        (5, False, ReplicaCount(asked=3), Verdict.CONFIRMED),
        (170, False, ReplicaCount(asked=3, running=1), Verdict.PENDING),
        (190, False, ReplicaCount(asked=3, running=1), Verdict.REPEAT),
        (190, False, ReplicaCount(asked=3, running=1, busy="deploying"), Verdict.PENDING),
        (190, True, ReplicaCount(asked=1, running=1), Verdict.FAILED),
        (5, False, ReplicaCount(asked=7, running=7), Verdict.FAILED),
    ],
)
def test_a_change_is_judged(passed_s, repeated, count, verdict):
    change = Change(wanted=3, at_s=0, before=1, repeated=repeated)
    assert judge_change(change, count, passed_s) is verdict
