"""The guard ends what is left, and only that."""

from __future__ import annotations

import signal
import subprocess

import pytest

from embedded.guard import end_all, read_wards


@pytest.fixture
def sleeper():
    process = subprocess.Popen(["sleep", "60"], start_new_session=True)
    yield process
    process.kill()
    process.wait()


def test_only_processes_that_did_not_end_are_left():
    assert read_wards(["1 9\n", "2 15\n", "1 0\n", "3 2\n", "9 0\n"]) == {2: 15, 3: 2}


def test_a_group_meant_to_be_killed_is_killed(sleeper):
    end_all({sleeper.pid: signal.SIGKILL})
    assert sleeper.wait(timeout=30) == -signal.SIGKILL


def test_nobody_left_is_fine():
    end_all({})
