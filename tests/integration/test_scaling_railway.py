"""The whole scaler on the Railway adapter: Postgres below, a simulated platform beside it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from core.settings import load_settings
from services.scale import Scaler, build_scaler
from simulators.railway.server import RailwayServer
from tests.support.jobs import execute, query
from tests.support.servers import ROOT

pytestmark = pytest.mark.servers

SELLER = "INSERT INTO app.seller (id, email) VALUES (gen_random_uuid(), 'a@example.com')"
BACKLOG = """
INSERT INTO app.job (id, seller_id, kind, lane, work_hash)
SELECT gen_random_uuid(), s.id, 'optimize', 'bulk', n::text
FROM generate_series(1, 3000) n, app.seller s
"""


@pytest.fixture
def railway() -> Iterator[RailwayServer]:
    with RailwayServer() as server:
        yield server


@pytest.fixture
def environ(railway: RailwayServer, database_url: str, redis_url: str) -> dict[str, str]:
    return {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "WORKERS_MAX": "4",
        "SCALER_ADAPTER": "railway",
        "RAILWAY_API_URL": railway.url,
        "RAILWAY_TOKEN": "simulated",
        "RAILWAY_ENVIRONMENT_ID": "env-1",
        "RAILWAY_WORKER_SERVICE_ID": "svc-worker",
        "RAILWAY_SERVICE_ID": "svc-scaler",
    }


@pytest.fixture
def scaler(environ: dict[str, str]) -> Iterator[Scaler]:
    """One that applies, on its own clock, with a backlog of 3,000 jobs."""
    made = build_scaler(load_settings({**environ, "SCALER_APPLY": "1"}))
    execute(made.deps, SELLER)
    execute(made.deps, BACKLOG)
    yield made
    made.deps.database.dispose()


def run_once(environ: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "scaler.py", "--once", *words],
        check=False,
        cwd=ROOT,
        env={**environ, "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_dry_by_default(environ, scaler, railway):
    done = run_once(environ)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("2 dry run: 3000 waiting")
    assert railway.platform.services["svc-worker"].count == 1
    assert set(railway.platform.calls) == {"projectToken", "read"}


def test_applied_when_told(environ, scaler, railway):
    done = run_once({**environ, "SCALER_APPLY": "1"})
    assert done.stdout.startswith("2 applied: 3000 waiting"), done.stderr
    assert railway.platform.services["svc-worker"].count == 2


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"RAILWAY_TOKEN": "wrong"}, "does not accept RAILWAY_TOKEN"),
        ({"RAILWAY_WORKER_SERVICE_ID": "svc-scaler"}, "is the scaler's own service"),
        ({"RAILWAY_WORKER_SERVICE_ID": "svc-cron"}, "runs by a cron schedule"),
        ({"RAILWAY_ENVIRONMENT_ID": "env-2"}, "RAILWAY_TOKEN is of environment env-1"),
    ],
)
def test_a_wrong_target_ends_it_at_the_start(environ, more, message):
    done = run_once({**environ, **more})
    assert done.returncode == 2
    assert message in done.stderr


def test_a_refused_write_is_not_believed(scaler, railway):
    scaler.clock = lambda: 100.0
    scaler.watch.look(100.0)
    railway.platform.plan_faults("problem")
    assert scaler.run_tick().outcome.startswith("refused: Railway says: Problem processing")
    assert scaler._state is not None
    assert scaler._state.replicas != 2
    scaler.clock = lambda: 140.0
    assert scaler.run_tick().outcome == "applied"
    assert railway.platform.services["svc-worker"].count == 2


def test_a_token_taken_away_stops_the_writing_but_not_the_watching(scaler, railway):
    scaler.clock = lambda: 100.0
    scaler.watch.look(100.0)
    railway.platform.plan_faults("unauthorized")
    assert "Not Authorized" in scaler.run_tick().outcome
    calls = len(railway.platform.calls)
    tick = scaler.run_tick()
    assert "Not Authorized" in tick.outcome
    assert tick.snapshot is not None
    assert len(railway.platform.calls) == calls
    noted = "SELECT count(*) FROM app.scaler_decision"
    assert query(scaler.deps, noted) == [(1,)]


def test_a_change_by_hand_is_adopted(scaler, railway):
    scaler.clock = lambda: 100.0
    scaler.run_tick()
    scaler.clock = lambda: 150.0
    scaler.run_tick()
    railway.platform.set_by_hand("svc-worker", 5)
    scaler.clock = lambda: 500.0
    scaler.run_tick()
    scaler.clock = lambda: 510.0
    tick = scaler.run_tick()
    assert tick.decision.held
    assert "somebody else set 5" in tick.decision.reason
    assert railway.platform.services["svc-worker"].count == 5
