"""Rounds of the scaler on real servers, with the adapter of the embedded mode."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.clock import monotonic_s, wait_until
from core.settings import load_settings
from domain.scaling.values import ScalingState
from services import scale_wish
from services.overview import read_overview
from services.scale import Scaler, build_scaler
from tests.support.jobs import execute, query
from tests.support.servers import ROOT

pytestmark = pytest.mark.servers

BACKLOG = """
INSERT INTO app.job (id, seller_id, kind, lane, work_hash)
SELECT gen_random_uuid(), s.id, 'optimize', 'bulk', n::text
FROM generate_series(1, :jobs) n, (INSERT_SELLER) s
""".replace("(INSERT_SELLER)", "(SELECT id FROM app.seller) ")

Build = Callable[..., Scaler]


@pytest.fixture
def environ(database_url: str, redis_url: str, tmp_path: Path) -> dict[str, str]:
    return {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "LISTWRIGHT_STATE_DIR": str(tmp_path),
        "WORKERS_MAX": "4",
        "WORKER_THREADS": "8",
        "SCALER_APPLY": "1",
    }


@pytest.fixture
def build(environ) -> Iterator[Build]:
    made: list[Scaler] = []

    def make(**more: str) -> Scaler:
        made.append(build_scaler(load_settings({**environ, **more})))
        return made[-1]

    yield make
    for scaler in made:
        scaler.deps.database.dispose()


def add_backlog(scaler: Scaler, jobs: int) -> None:
    execute(
        scaler.deps,
        "INSERT INTO app.seller (id, email) VALUES (gen_random_uuid(), 'a@example.com')"
        " ON CONFLICT DO NOTHING",
    )
    execute(scaler.deps, BACKLOG, jobs=jobs)


def read_file(tmp_path: Path) -> int:
    return int(json.loads((tmp_path / "replicas.json").read_text())["worker"])


def obey(scaler: Scaler, wish: str, *, minutes: float | None = None) -> str:
    """The operator says so."""
    parsed = scale_wish.parse_wish(wish, minutes=minutes, most=scaler.config.replicas_max)
    assert parsed is not None
    return scale_wish.obey_operator(scaler.deps, scaler.watch.target.name, parsed)


def list_decisions(scaler: Scaler) -> list[tuple[object, ...]]:
    return query(
        scaler.deps,
        "SELECT replicas, wanted, applied, reason FROM app.scaler_decision ORDER BY id",
    )


def test_what_a_round_came_to_is_there_for_the_operator_and_not_for_the_policy(build):
    scaler = build()
    scaler.run_tick()
    add_backlog(scaler, 3000)
    tick = scaler.run_tick()
    [shown] = read_overview(scaler.deps).scalers
    assert shown.leads
    assert shown.last == {**tick.to_json(), "outcome": "applied"}
    stored = query(scaler.deps, "SELECT state FROM app.scaler")[0][0]
    assert ScalingState.from_json(stored).replicas == tick.decision.wanted
    scaler.close()
    assert not read_overview(scaler.deps).scalers[0].leads


def test_a_backlog_raises_the_count_which_is_recorded_once(build, tmp_path):
    scaler = build()
    assert scaler.run_tick().outcome == "applied"
    assert read_file(tmp_path) == 1
    add_backlog(scaler, 3000)
    assert scaler.run_tick().outcome == "applied"
    assert read_file(tmp_path) == 4
    assert scaler.run_tick().outcome == "unchanged"
    _, change = list_decisions(scaler)
    assert change[:3] == (1, 4, True)
    assert str(change[3]).startswith("3000 waiting, 0.0/s arriving, 2.0 s each")


def test_the_inputs_are_recorded(build):
    scaler = build()
    add_backlog(scaler, 3000)
    scaler.run_tick()
    [(inputs,)] = query(scaler.deps, "SELECT inputs FROM app.scaler_decision")
    assert inputs["bulk_waiting"] == 3000
    assert inputs["connections_max"] == 200
    assert inputs["serving"] == 0


def test_of_two_scalers_one_leads_and_the_other_takes_over(build):
    first, second = build(), build()
    assert first.run_tick().outcome == "applied"
    tick = second.run_tick()
    assert (tick.outcome, tick.decision.reason) == ("held", "another scaler leads")
    first.close()
    assert second.run_tick().outcome == "unchanged"
    assert first.run_tick().decision.reason == "another scaler leads"


def test_a_dead_scaler_s_lease_runs_out(build):
    first, second = build(), build()
    first.run_tick()
    execute(
        first.deps, "UPDATE app.scaler SET lease_expires_at = clock_timestamp() - interval '1 s'"
    )
    assert second.run_tick().outcome == "unchanged"


def test_a_lease_lost_within_a_round_stops_the_write(build):
    first, second = build(), build()
    first.run_tick()
    add_backlog(first, 3000)
    calls = iter(range(10))

    def rob() -> float:
        if next(calls) == 1:  # after everything was seen, right before the write
            execute(first.deps, "UPDATE app.scaler SET lease_expires_at = '2020-01-01'")
            assert second.run_tick().outcome == "applied"
        return 0.0

    first.clock = rob
    assert first.run_tick().outcome == "refused: another scaler leads"
    assert len(list_decisions(first)) == 3


def test_memory_survives_a_restart(build):
    first = build()
    first.run_tick()
    add_backlog(first, 3000)
    first.run_tick()
    first.close()
    second = build()
    second.run_tick()
    assert second._state is not None
    assert first._state is not None
    assert second._state.raised_s == first._state.raised_s
    assert second._state.replicas == 4


def test_a_dry_run_says_it_once_and_changes_nothing(build, tmp_path):
    scaler = build(SCALER_APPLY="0")
    add_backlog(scaler, 3000)
    assert scaler.run_tick().outcome == "dry run"
    assert scaler.run_tick().outcome == "dry run"
    assert not (tmp_path / "replicas.json").exists()
    [decision] = list_decisions(scaler)
    assert decision[1:3] == (4, False)


def test_a_dry_run_does_not_stand_in_the_way(build):
    assert build(SCALER_APPLY="0").run_tick().outcome == "dry run"
    assert build().run_tick().outcome == "applied"


def test_paused_and_resumed_by_the_operator(build, tmp_path):
    scaler = build()
    scaler.run_tick()
    obey(scaler, "pause")
    add_backlog(scaler, 3000)
    assert scaler.run_tick().decision.reason == "paused by the operator"
    assert scaler.run_tick().outcome == "held"
    assert read_file(tmp_path) == 1
    obey(scaler, "resume")
    assert scaler.run_tick().outcome == "applied"
    assert [row[3] for row in list_decisions(scaler)][1] == "held: paused by the operator"


def test_the_operator_s_number_until_its_time_is_over(build, tmp_path):
    scaler = build()
    scaler.run_tick()
    obey(scaler, "3", minutes=30)
    assert scaler.run_tick().decision.reason == "the operator asks for 3"
    assert read_file(tmp_path) == 3
    execute(scaler.deps, "UPDATE app.scaler SET override_until = clock_timestamp()")
    assert "not lowered" in scaler.run_tick().decision.reason


def test_a_count_set_by_hand_is_left_alone(build, tmp_path):
    scaler = build()
    scaler.run_tick()
    scaler.run_tick()
    (tmp_path / "replicas.json").write_text('{"worker": 3}')
    tick = scaler.run_tick()
    assert tick.decision.reason == "somebody else set 3; left alone for 900 s more"
    assert scaler.run_tick().outcome == "held"
    assert read_file(tmp_path) == 3
    assert len(list_decisions(scaler)) == 2


def test_without_a_database_nothing_is_changed(build, tmp_path):
    scaler = build()
    scaler.run_tick()
    away = build(DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")
    tick = away.run_tick()
    assert tick.outcome == "held"
    assert tick.decision.reason.startswith("the database")
    assert read_file(tmp_path) == 1
    away.close()


def run_program(environ: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "scaler.py", *words],
        check=False,
        cwd=ROOT,
        env={**environ, "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_the_program_explains_itself_and_obeys(environ):
    done = run_program(environ, "--once", "--explain", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "because   0 waiting" in done.stdout
    assert "bulk_waiting 0" in done.stdout
    assert run_program(environ, "--set", "pause").returncode == 0
    done = run_program(environ, "--once")
    assert done.stdout == "1 held: paused by the operator\n"


def test_a_signal_ends_it_at_once_and_frees_the_lease(environ, build):
    deps = build().deps
    with subprocess.Popen(
        [sys.executable, "scaler.py"],
        cwd=ROOT,
        env={**environ, "PATH": "/usr/bin:/bin", "SCALER_TICK_S": "60"},
        stderr=subprocess.PIPE,
    ) as process:
        holder = "SELECT holder IS NOT NULL AND state <> '{}' FROM app.scaler"
        assert wait_until(lambda: query(deps, holder) == [(True,)], timeout_s=30)
        started_s = monotonic_s()
        process.terminate()
        assert process.wait(timeout=20) == 0
        assert monotonic_s() - started_s < 10
    assert query(deps, "SELECT holder FROM app.scaler") == [(None,)]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"SCALER_ADAPTER": "railway"}, "RAILWAY_TOKEN is not set; RAILWAY_WORKER_SERVICE_ID"),
        ({"SCALER_SCHEDULE": "02:00"}, "SCALER_SCHEDULE: '02:00' is no window"),
        ({"WORKERS_MIN": "5"}, "WORKERS_MIN is above WORKERS_MAX"),
        ({"WORKERS_MIN": "-1"}, "WORKERS_MIN is outside 0 to 50"),
        ({"SCALER_LANES": "bulk,fast"}, "SCALER_LANES holds others than"),
    ],
)
def test_wrong_settings_are_named_at_the_start(environ, more, message):
    done = run_program({**environ, **more}, "--once")
    assert done.returncode == 2
    assert message in done.stderr


def test_redis_away_changes_nothing_for_the_scaler(build, tmp_path):
    scaler = build(REDIS_URL="redis://127.0.0.1:1/0")
    scaler.run_tick()
    add_backlog(scaler, 3000)
    assert scaler.run_tick().outcome == "applied"
    assert read_file(tmp_path) > 1
