"""The bench's model of workers: what its tables stand on."""

from __future__ import annotations

import pytest

from bench.scaling_policies import POLICIES, Fixed, Oracle
from bench.scaling_sim import Scenario, Simulation, View


class Steps:
    """A policy that follows a list."""

    def __init__(self, *counts: int) -> None:
        self._counts = list(counts)

    def choose(self, view: View) -> int:
        return self._counts.pop(0) if self._counts else view.replicas


def make_scenario(**more: object) -> Scenario:
    urgent = [float(second) for second in range(300)]
    known = {"name": "t", "urgent": urgent, "bulk": [5.0] * 200, "end_s": 300.0, "threads": 4}
    return Scenario(**{**known, **more})  # type: ignore[arg-type]


@pytest.mark.parametrize("name", POLICIES)
def test_every_urgent_job_is_served_once_under_every_policy(name):
    scenario = make_scenario(bulk=[])
    result = Simulation(scenario, seed=1).run(POLICIES[name](scenario))
    assert len(result.waits_s) == 300
    assert min(result.waits_s) >= 0


def test_equal_seeds_give_equal_runs():
    runs = [Simulation(make_scenario(), seed=3).run(Fixed(2)) for _ in range(2)]
    assert runs[0] == runs[1]


def test_urgent_jobs_pass_bulk_ones():
    # Bulk alone would keep the four threads busy for 100 s.
    result = Simulation(make_scenario(), seed=1).run(Fixed(1))
    assert result.p95_s < 5
    assert result.drained_s > 100


def test_the_provider_s_limit_is_kept():
    scenario = make_scenario(urgent=[], calls_per_minute=60)
    result = Simulation(scenario, seed=1).run(Fixed(20))
    assert result.drained_s >= 198


def test_in_an_outage_jobs_wait_for_its_end():
    scenario = make_scenario(bulk=[], outages=((100.0, 160.0),))
    result = Simulation(scenario, seed=1).run(Fixed(3))
    assert len(result.waits_s) == 300
    assert max(result.waits_s) > 40


def test_new_replicas_start_late_and_removed_ones_put_jobs_at_risk():
    result = Simulation(make_scenario(), seed=1).run(Steps(3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 1))
    assert result.changes == 2
    assert 0 < result.at_risk <= 8
    assert result.killed == 0
    # Two replicas from second 0 to 100, one all the time.
    assert result.replica_s == pytest.approx(200 + 310, abs=20)


def test_the_oracle_sees_a_wave_before_it_is_there():
    late = [600.0 + n / 8 for n in range(2400)]
    scenario = make_scenario(urgent=late, bulk=[], end_s=900.0)
    result = Simulation(scenario, seed=1).run(Oracle(scenario))
    assert result.late_share == 0
