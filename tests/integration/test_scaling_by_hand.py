"""The scaler as an operator uses it by hand: it finds what runs, says what is, refuses nonsense."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from core.settings import load_settings
from embedded.state import ServersRecord, own_state, write_servers
from services.scale import Scaler, build_scaler
from tests.integration.test_scaling_ticks import add_backlog, obey
from tests.support.jobs import execute, query
from tests.support.servers import ROOT

pytestmark = pytest.mark.servers

NOBODY = "postgresql://ann:secret@127.0.0.1:1/none"


@pytest.fixture
def environ(database_url: str, redis_url: str, tmp_path: Path) -> dict[str, str]:
    return {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "LISTWRIGHT_STATE_DIR": str(tmp_path),
        "WORKERS_MAX": "4",
    }


@pytest.fixture
def live(environ) -> Iterator[Scaler]:
    """The one that sets replicas, after its first round."""
    scaler = build_scaler(load_settings({**environ, "SCALER_APPLY": "1"}))
    scaler.run_tick()
    yield scaler
    scaler.deps.database.dispose()


def run(environ: Mapping[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "scaler.py", *words],
        check=False,
        cwd=ROOT,
        env={**environ, "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_it_finds_the_servers_and_the_bounds_of_make_run(environ, live, tmp_path):
    record = ServersRecord(
        owner_pid=os.getpid(),
        database_url=environ["DATABASE_URL"],
        redis_url=environ["REDIS_URL"],
        scaling={"WORKERS_MAX": "4"},
    )
    alone = {"LISTWRIGHT_STATE_DIR": str(tmp_path)}
    with own_state(tmp_path):
        write_servers(tmp_path, record=record)
        done = run(alone, "--set", "4", "--minutes", "30")
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith("local: 4 replicas until ")
        other = run({**alone, "DATABASE_URL": NOBODY}, "--set", "pause")
        assert other.returncode == 2
        assert "the servers that run here are others. Set both" in other.stderr
    assert query(live.deps, "SELECT override_replicas, paused_at FROM app.scaler") == [(4, None)]


def test_where_nothing_runs_it_says_what_to_do(tmp_path):
    done = run({"LISTWRIGHT_STATE_DIR": str(tmp_path)}, "--once")
    assert done.returncode == 2
    assert "`make run` does not run here. Start it, or set both." in done.stderr


def test_a_dry_look_says_what_the_real_one_would_do_and_leaves_nothing(environ, live):
    obey(live, "3", minutes=30)
    add_backlog(live, 3000)
    before = query(live.deps, "SELECT * FROM app.scaler")
    done = run(environ, "--once", "--explain", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "wanted    3\nbecause   the operator asks for 3\n" in done.stdout
    assert "scaler    at work, last round" in done.stdout
    assert "override  3 replicas until" in done.stdout
    assert query(live.deps, "SELECT * FROM app.scaler") == before
    assert query(live.deps, "SELECT count(*) FROM app.scaler_decision") == [(1,)]
    obey(live, "pause")
    done = run(environ, "--once", "--explain", "--dry-run")
    assert "because   paused by the operator\n" in done.stdout
    assert "paused    yes\n" in done.stdout


def test_a_dry_run_that_stays_heeds_the_operator_too(environ, live):
    obey(live, "pause")
    dry = build_scaler(load_settings(environ))
    assert dry.run_tick().decision.reason == "paused by the operator"
    dry.deps.database.dispose()


def test_beside_another_leader_the_operators_wish_is_said(environ, live):
    obey(live, "3", minutes=30)
    done = run({**environ, "SCALER_APPLY": "1"}, "--once")
    assert "another scaler leads; the operator asks for 3 replicas until" in done.stdout


def test_without_redis_it_says_so_and_lowers_nothing(environ, live):
    (Path(environ["LISTWRIGHT_STATE_DIR"]) / "replicas.json").write_text('{"worker": 3}')
    execute(live.deps, "DELETE FROM app.scaler")
    away = {"SCALER_APPLY": "1", "REDIS_URL": "redis://127.0.0.1:1/0"}
    done = run({**environ, **away}, "--once", "--explain")
    assert done.returncode == 0, done.stderr
    assert "messages  unknown: Redis does not answer" in done.stdout
    assert "Redis does not answer; not lowered: without it workers are given no jobs" in done.stdout
    assert "outcome   unchanged" in done.stdout


def test_without_postgres_it_says_where_it_looked_and_ends(environ):
    done = run({**environ, "DATABASE_URL": NOBODY}, "--once")
    assert done.returncode == 1
    assert done.stderr.startswith("scaler: Postgres cannot be reached at 127.0.0.1:1/none")
    assert "secret" not in done.stderr + done.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--set", "2", "--minutes", "0"), "--minutes: 0 is outside 0 to 10080"),
        (("--set", "2", "--minutes", "-4"), "--minutes: -4 is outside"),
        (("--set", "2", "--minutes", "99999999999"), "--minutes: 1e+11 is outside"),
        (("--set", "2", "--minutes", "nan"), "--minutes: nan is outside"),
        (("--set", "999"), "--set: 999 is above WORKERS_MAX, which is 4. Give 1 to 4"),
        (("--set", "9" * 5000), "none of pause, resume, and a number from 1 to 4"),
        (("--set", "-4"), "--set: '-4' is none of"),
        (("--set", "²"), "is none of pause"),
        (("--set", ""), "is none of pause"),
        (("--minutes", "3"), "--minutes: says how long a number holds"),
        (("--set", "pause", "--minutes", "3"), "--minutes: says how long a number holds"),
        (("--set", "2", "--dry-run"), "not allowed with argument"),
    ],
)
def test_a_wish_that_means_nothing_is_refused(environ, words, said):
    done = run(environ, *words)
    assert done.returncode == 2
    assert said in done.stderr


def test_what_was_set_is_said(environ, live):
    assert obey(live, "2", minutes=30).startswith("local: 2 replicas until ")
    assert obey(live, "1", minutes=9000).startswith("local: 1 replica until 20")
    assert obey(live, "pause") == "local: paused; nothing is changed until `--set resume`"
    assert obey(live, "resume") == "local: resumed; as the scaler sees fit"
    live.close()
    assert "no scaler that sets replicas is at work" in obey(live, "pause")


def test_one_wrong_setting_does_not_hide_another(environ):
    wrong = {"SCALER_SCHEDULE": "02:00", "SCALER_ADAPTER": "railway", "WORKERS_MIN": "0"}
    done = run({**environ, **wrong}, "--once")
    assert done.returncode == 2
    for said in ("'02:00' is no window", "RAILWAY_TOKEN is not set", "WORKERS_MIN is 0"):
        assert said in done.stderr
