"""`flask optimize --cheaper` from outside: the file comes back as ever, at half the price."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from core.clock import wait_until
from tests.support.batch_lane import sum_ledger
from tests.support.command import Command, Ended, build_command, find_pool, flask, kill_workers
from tests.support.groq_sim import running_groq
from tests.support.jobs import make_csv, open_deps, query
from tests.support.servers import ROOT

pytestmark = pytest.mark.servers


@pytest.fixture
def groq():
    """A provider whose batches take less than a second."""
    with running_groq(time_scale=1000.0) as simulator:
        yield simulator


@pytest.fixture
def command(database_url, redis_url, tmp_path, groq):
    keys = {"GROQ_API_KEY": "gsk_test", "GROQ_BASE_URL": groq.url, "GROQ_BATCH_POLL_S": "1"}
    return build_command(database_url, redis_url, tmp_path, **keys)


@pytest.fixture
def deps(database_url, redis_url):
    with open_deps(database_url, redis_url) as made:
        yield made


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "products.csv"
    path.write_bytes(make_csv(12))
    return path


def run_cheaper(command: Command, file: Path) -> Ended:
    return command.run(file, "--channel", "ebay", "--json", "--cheaper")


def test_a_cheaper_run_pays_half_and_writes_the_same_file(command, deps, groq, file, tmp_path):
    ended = run_cheaper(command, file)
    assert ended.code == 0, ended.err
    told, cheaper = ended.object, Path(ended.object["out"]).read_bytes()
    assert "waiting for cheaper answers" in ended.err
    assert groq.ledger()["by_tier"] == {"batch": 12}
    assert sum_ledger(deps) == groq.ledger()["cost_picousd"]
    assert told["cost_microusd"] == round(groq.ledger()["cost_picousd"] / 1_000_000)
    forget_answers(deps)
    now = command.run(file, "--channel", "ebay", "--json", "--out", tmp_path / "now.csv")
    assert now.code == 0, now.err
    assert Path(now.object["out"]).read_bytes() == cheaper
    assert now.object["cost_microusd"] == pytest.approx(2 * told["cost_microusd"], abs=1)


@pytest.mark.parametrize("moment", ["files", "batches"])
def test_a_killed_worker_submits_nothing_twice(command, deps, groq, file, moment):
    with command.start(file, "--channel", "ebay", "--json", "--cheaper") as started:
        pool = find_pool(deps)
        assert wait_until(lambda: bool(getattr(groq, moment)()), timeout_s=30.0)
        kill_workers(pool)
        # What a dead leader holds runs out in two minutes; here at once.
        query(deps, "UPDATE app.batch_lane SET lease_until = '-infinity' RETURNING 1")
        ended = started.end()
    assert ended.code == 0, ended.err
    assert len(groq.batches()) == 1
    assert groq.ledger()["by_tier"] == {"batch": 12}
    assert sum_ledger(deps) == groq.ledger()["cost_picousd"]


def test_a_plan_without_batches_is_remembered_and_said(database_url, redis_url, tmp_path, file):
    with running_groq(plan="free") as groq:
        keys = {"GROQ_API_KEY": "gsk_test", "GROQ_BASE_URL": groq.url, "GROQ_BATCH_POLL_S": "1"}
        command = build_command(database_url, redis_url, tmp_path, **keys)
        ended = run_cheaper(command, file)
        assert ended.code == 0, ended.err
        assert groq.ledger()["by_tier"] == {"on_demand": 12}
        shown = run_batches(command, "--json")
        assert shown["open"] is False
        assert "no batches of this organisation" in str(shown["refusal"])
        assert run_batches(command, "--again", "--json")["open"] is True


def forget_answers(deps) -> None:
    """As if nothing had been bought yet."""
    assert len(query(deps, "DELETE FROM app.llm_answer RETURNING 1")) == 12
    query(deps, "UPDATE app.job SET work_hash = 'forgotten ' || id RETURNING 1")


def run_batches(command: Command, *arguments: str) -> dict[str, object]:
    ended = subprocess.run(
        [*flask(), "groq", "batches", *arguments],
        cwd=ROOT,
        env=command.environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return dict(json.loads(ended.stdout))
