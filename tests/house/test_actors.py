"""The actor a message names exists: a mistyped name would end in the dead letters in silence."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from domain.job import Lane
from gateways.job_queue import ACTOR_NAME
from tests.house.repo import ROOT

ENTRY = """
import json
from workers.main import broker
print(json.dumps({
    "actors": {name: actor.queue_name for name, actor in broker.actors.items()},
    "options": {name: sorted(actor.options) for name, actor in broker.actors.items()},
    "queues": sorted(broker.get_declared_queues()),
    "middleware": [type(one).__name__ for one in broker.middleware],
}))
"""


@pytest.fixture(scope="module")
def worker():
    """What a worker process declares when it starts, without any server."""
    ran = subprocess.run(
        [sys.executable, "-c", ENTRY],
        cwd=ROOT,
        env={
            "PATH": str(Path(sys.executable).parent),
            "REDIS_URL": "redis://127.0.0.1:1/0",
            "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
        },
        capture_output=True,
        check=True,
        timeout=60,
    )
    return json.loads(ran.stdout)


def test_the_actor_that_messages_name_is_the_only_one(worker):
    assert list(worker["actors"]) == [ACTOR_NAME]


def test_every_lane_is_a_queue(worker):
    assert worker["queues"] == sorted(lane.value for lane in Lane)
    assert set(worker["actors"].values()) <= set(worker["queues"])


def test_the_job_s_row_owns_retries_and_time(worker):
    assert worker["middleware"] == ["Lifecycle"]
    assert worker["options"] == {ACTOR_NAME: []}
