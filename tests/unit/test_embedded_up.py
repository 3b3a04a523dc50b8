"""What `flask up` decides: processes, environment, replicas, and its exit status."""

from __future__ import annotations

import pytest

from core.settings import load_settings
from embedded.state import ServersRecord, own_state
from embedded.up import (
    REPLICAS_FILE,
    Plan,
    build_child_env,
    list_specs,
    read_replicas,
    run_up,
)

RECORD = ServersRecord(owner_pid=1, database_url="postgresql://db", redis_url="redis://q")


@pytest.fixture
def plan(tmp_path):
    environ = {"WORKERS_MIN": "1", "WORKERS_MAX": "3", "GROQ_API_KEY": "k", "PORT": "1234"}
    settings = load_settings(environ)
    return Plan(settings=settings, state_dir=tmp_path, port=8001, environ=environ)


def test_children_get_our_environment_with_the_servers_addresses(plan, tmp_path):
    env = build_child_env(plan, RECORD)
    assert env["DATABASE_URL"] == "postgresql://db"
    assert env["REDIS_URL"] == "redis://q"
    assert env["GROQ_API_KEY"] == "k"
    assert env["LISTWRIGHT_STATE_DIR"] == str(tmp_path)
    assert env["PUBLIC_URL"] == "http://127.0.0.1:8001"
    assert (env["SCALER_ADAPTER"], env["SCALER_APPLY"]) == ("local", "1")
    load_settings(env)


def test_only_bulk_workers_are_scaled_and_every_lane_is_served(plan):
    specs = list_specs(plan, env={})
    assert [spec.name for spec in specs if spec.replicable] == ["worker"]
    queues = [word for spec in specs for word in spec.argv]
    assert {"interactive", "files", "bulk", "scheduled"} <= set(queues)


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        (None, 1),
        ('{"worker": 2}', 2),
        ('{"worker": 99}', 3),
        ('{"worker": 0}', 1),
        ('{"worker": "x"}', 1),
        ("{", 1),
        ("[]", 1),
        ("{}", 1),
    ],
)
def test_replicas_stay_within_the_settings(plan, tmp_path, written, wanted):
    if written is not None:
        (tmp_path / REPLICAS_FILE).write_text(written)
    assert read_replicas(plan) == {"worker": wanted}


def test_a_wrong_setting_ends_with_2_and_its_name(tmp_path, capsys):
    assert run_up({"PORT": "x", "LISTWRIGHT_STATE_DIR": str(tmp_path)}) == 2
    assert "PORT is not a whole number" in capsys.readouterr().err


def test_a_second_start_ends_with_2_and_says_why(tmp_path, capsys):
    with own_state(tmp_path):
        assert run_up({"LISTWRIGHT_STATE_DIR": str(tmp_path)}) == 2
    assert "already running" in capsys.readouterr().err
