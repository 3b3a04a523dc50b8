"""The Railway adapter against the simulator: one test for each row of the safety table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from core.errors import ConflictError, SettingsError, UnauthorizedError, UnavailableError
from core.settings import load_settings
from gateways.railway import CALLS_PER_HOUR, RailwayReplicas, build_railway_target
from services.scale_target import TargetWatch
from simulators.railway.server import RailwayServer
from simulators.railway.service import REGION, RailwayConfig, Service, SimulatedRailway

START_S = 1000.0


@dataclass
class Rig:
    """A simulated platform, the adapter and the watch, on one clock that the test moves."""

    now_s: float = START_S
    server: RailwayServer = field(init=False)
    target: RailwayReplicas = field(init=False)
    watch: TargetWatch = field(init=False)

    def __post_init__(self) -> None:  # noqa: D105
        self.server = RailwayServer(RailwayConfig(start_s=40), clock=lambda: self.now_s)
        self.target = self.build_target()
        self.watch = TargetWatch(self.target)

    def build_target(self, **more: str) -> RailwayReplicas:
        known = {"token": "simulated", "environment_id": "env-1", "service_id": "svc-worker"}
        return RailwayReplicas(**{**known, **more}, url=self.server.url, clock=lambda: self.now_s)  # type: ignore[arg-type]

    @property
    def platform(self) -> SimulatedRailway:
        return self.server.platform

    @property
    def worker(self) -> Service:
        return self.platform.services["svc-worker"]

    @property
    def writes(self) -> int:
        return sum(call in WRITES for call in self.platform.calls)

    def run(self, seconds: float) -> list[str]:
        """Look and confirm every ten seconds; what people would have heard of."""
        alarms = []
        for _ in range(int(seconds // 10)):
            self.now_s += 10
            self.watch.look(self.now_s)
            self.watch.confirm(self.now_s)
            if self.watch.alarm:
                alarms.append(self.watch.alarm)
                self.watch.alarm = ""
        return alarms

    def close(self) -> None:
        self.target._session.close()
        self.server.stop()


WRITES = ("environmentPatchCommit", "serviceInstanceUpdate")


@pytest.fixture
def rig() -> Iterator[Rig]:
    made = Rig()
    made.server.start()
    yield made
    made.close()


def test_a_change_is_written_and_confirmed_by_what_runs(rig):
    assert rig.watch.look(rig.now_s).asked == 1
    assert rig.watch.write(3, rig.now_s)
    assert rig.run(40) == []
    assert rig.watch.change is not None
    assert rig.run(40) == []
    assert rig.watch.change is None
    assert rig.worker.regions == {REGION: 3}
    assert rig.writes == 1


def test_the_fallback_writes_too(rig):
    rig.target._by_patch = False
    rig.target.read()
    rig.target.write(2)
    assert rig.platform.calls[-1] == "serviceInstanceUpdate"
    assert rig.worker.count == 2


@pytest.mark.parametrize("fault", ["500", "problem", "reset", "html"])
def test_an_outage_is_waited_out_with_growing_pauses(rig, fault):
    rig.watch.look(rig.now_s)
    rig.platform.plan_faults(fault, fault)
    assert not rig.watch.write(3, rig.now_s)
    assert rig.watch.fault
    calls = len(rig.platform.calls)
    rig.now_s += 20
    assert not rig.watch.write(3, rig.now_s)
    assert len(rig.platform.calls) == calls, "asked again within the pause"
    rig.now_s += 11
    rig.watch.look_anew(rig.now_s)
    rig.now_s += 61
    assert rig.watch.look_anew(rig.now_s).asked == 1
    assert rig.watch.write(3, rig.now_s)
    assert rig.worker.count == 3


def test_nobody_listens(rig):
    rig.target._url = "http://127.0.0.1:1/graphql/v2"
    with pytest.raises(UnavailableError, match="does not answer"):
        rig.target.read()


def test_a_rate_limit_is_obeyed_for_as_long_as_it_says(rig):
    rig.watch.look(rig.now_s)
    rig.platform.plan_faults("rate-limit")
    assert not rig.watch.write(3, rig.now_s)
    rig.now_s += 110
    rig.watch.look_anew(rig.now_s)
    assert not rig.watch.write(3, rig.now_s)
    rig.now_s += 11
    rig.watch.look_anew(rig.now_s)
    assert rig.watch.write(3, rig.now_s)


def test_not_authorized_comes_with_status_200_and_ends_all_writing(rig):
    rig.watch.look(rig.now_s)
    rig.platform.plan_faults("unauthorized")
    assert not rig.watch.write(3, rig.now_s)
    assert "Not Authorized (trace simulated-trace)" in rig.watch.fault
    calls = len(rig.platform.calls)
    rig.run(7200)
    assert not rig.watch.write(3, rig.now_s)
    assert len(rig.platform.calls) == calls


def test_a_wrong_token_is_named_at_the_start(rig):
    with pytest.raises(SettingsError, match="does not accept RAILWAY_TOKEN"):
        rig.build_target(token="wrong").check()
    with pytest.raises(UnauthorizedError):
        rig.build_target(token="wrong").read()


def test_accepted_but_not_running_is_written_once_more_then_told(rig):
    rig.watch.look(rig.now_s)
    rig.platform.plan_faults("not-started")
    assert rig.watch.write(3, rig.now_s)
    alarms = rig.run(200)
    assert alarms == ["3 were asked for, 3 are set, 1 run: written again"]
    assert rig.run(100) == []
    assert rig.watch.change is None
    assert rig.writes == 2
    assert rig.worker.count == 3


def test_what_the_plan_ignores_is_given_up(rig):
    rig.watch.look(rig.now_s)
    assert rig.watch.write(30, rig.now_s)
    alarms = rig.run(420)
    assert [alarm.rpartition(": ")[2] for alarm in alarms] == ["written again", "given up"]
    assert rig.watch.change is None
    assert rig.writes == 2
    assert rig.watch.look(rig.now_s).asked == 1


def test_a_deployment_under_way_is_waited_out(rig):
    rig.platform.set_deploying("svc-worker", deploying=True)
    count = rig.watch.look(rig.now_s)
    assert count.busy == rig.watch.fault == "a deployment is under way"
    assert not rig.watch.write(3, rig.now_s)
    assert rig.writes == 0
    rig.platform.set_deploying("svc-worker", deploying=False)
    rig.now_s += 31
    rig.watch.look_anew(rig.now_s)
    assert rig.watch.write(3, rig.now_s)


def test_a_change_by_hand_is_seen(rig):
    rig.watch.look(rig.now_s)
    rig.platform.set_by_hand("svc-worker", 5)
    rig.run(300)
    assert rig.watch.look(rig.now_s).asked == 5


def test_two_writers_end_at_the_last_absolute_count(rig):
    other = TargetWatch(rig.build_target())
    rig.watch.look(rig.now_s)
    other.look(rig.now_s)
    assert rig.watch.write(4, rig.now_s)
    assert other.write(2, rig.now_s)
    assert rig.worker.count == 2
    other.target._session.close()  # type: ignore[attr-defined]


def test_with_several_regions_only_the_first_changes_and_none_is_dropped(rig):
    rig.worker.regions = {"us-west2": 1, REGION: 2}
    assert rig.target.read().asked == 3
    rig.target.write(5)
    assert rig.worker.regions == {"us-west2": 3, REGION: 2}
    with pytest.raises(ConflictError, match="2 replicas run in other regions"):
        rig.target.write(2)


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"service_id": "svc-cron"}, "runs by a cron schedule"),
        ({"service_id": "svc-disk"}, "has a volume"),
        ({"environment_id": "env-2"}, "RAILWAY_TOKEN is of environment env-1"),
    ],
)
def test_a_wrong_target_is_refused_before_anything_is_written(rig, more, reason):
    with pytest.raises(SettingsError, match=reason):
        rig.build_target(**more).check()
    assert rig.writes == 0


def test_its_own_service_is_refused():
    with pytest.raises(SettingsError, match="is the scaler's own service; WORKERS_MIN is 0"):
        build_railway_target(
            load_settings(
                {
                    "RAILWAY_TOKEN": "t",
                    "RAILWAY_ENVIRONMENT_ID": "e",
                    "RAILWAY_SERVICE_ID": "svc-1",
                    "RAILWAY_WORKER_SERVICE_ID": "svc-1",
                    "WORKERS_MIN": "0",
                }
            )
        )


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"service_id": "svc-gone"}, "accepts RAILWAY_TOKEN, but shows no service svc-gone"),
        ({"token": "wrong"}, "does not accept RAILWAY_TOKEN"),
        ({"environment_id": "env-9"}, "RAILWAY_TOKEN is of environment env-1"),
    ],
)
def test_a_wrong_setting_is_told_from_the_others(rig, more, said):
    with pytest.raises(SettingsError, match=said):
        rig.build_target(**more).check()


def test_shut_out_later_the_settings_to_look_at_are_named(rig):
    with pytest.raises(UnauthorizedError) as caught:
        rig.build_target(service_id="svc-gone").read()
    assert "RAILWAY_WORKER_SERVICE_ID" in str(caught.value)


def test_nothing_is_written_before_the_region_is_known(rig):
    with pytest.raises(ConflictError, match="region is not known"):
        rig.target.write(2)
    assert rig.platform.calls == []


def test_a_calm_hour_costs_few_calls(rig):
    rig.run(3600)
    assert len(rig.platform.calls) <= 15


def test_a_busy_hour_stays_under_a_hundred_calls(rig):
    rig.watch.look(rig.now_s)
    for turn in range(119):
        rig.watch.look_anew(rig.now_s)
        rig.watch.write(1 + turn % 3, rig.now_s)
        rig.run(30)
    assert 50 < len(rig.platform.calls) <= CALLS_PER_HOUR < 100


def test_it_never_redeploys(rig):
    rig.run(300)
    rig.watch.write(3, rig.now_s)
    rig.run(300)
    assert set(rig.platform.calls) == {"projectToken", "read", "environmentPatchCommit"}
