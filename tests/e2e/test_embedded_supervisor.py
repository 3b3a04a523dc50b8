"""The supervisor with real processes: restarts, replicas, signals, and an end without orphans."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from core.clock import wait_until
from embedded.processes import is_alive
from embedded.state import is_owned
from tests.support.servers import ROOT

LOYAL = 'trap "echo bye; exit 0" TERM; echo started $$; while :; do sleep 0.05; done'
STUBBORN = 'trap "" TERM; echo started $$; while :; do sleep 0.05; done'
WITH_GRANDCHILD = "(echo started $$; exec sleep 60) & echo child $!; wait"


@dataclass
class Run:
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def text(self) -> str:
        return self.log.read_text()

    def wait_for(self, pattern: str, *, times: int = 1) -> list[str]:
        assert wait_until(lambda: len(re.findall(pattern, self.text)) >= times, timeout_s=20), (
            f"no {pattern!r} in:\n{self.text}"
        )
        return re.findall(pattern, self.text)


@pytest.fixture
def supervise(tmp_path):
    runs = []

    def start(*children, ignore_int=False):
        log = tmp_path / "log"
        program = [sys.executable, "-m", "tests.support.supervise", tmp_path, json.dumps(children)]
        trap = 'trap "" INT; ' if ignore_int else ""
        argv = ["/bin/sh", "-c", f'{trap}exec "$@"', "sh", *program]
        with log.open("w") as out:
            process = subprocess.Popen(
                argv, cwd=ROOT, stdout=out, stderr=out, start_new_session=True
            )
        runs.append(process)
        return Run(process, log)

    yield start
    for process in runs:
        process.kill()
        process.wait()


def shell(script: str, *, name: str = "child", **more: object) -> dict[str, object]:
    return {"name": name, "argv": ["/bin/sh", "-c", script], **more}


def pids(run: Run, *, times: int = 1) -> list[int]:
    return [int(pid) for pid in run.wait_for(r"started (\d+)", times=times)]


def test_a_killed_child_is_started_again(supervise):
    run = supervise(shell(LOYAL))
    os.kill(pids(run)[0], signal.SIGKILL)
    first, second = pids(run, times=2)
    assert first != second
    assert "starting it again in 0.2 s" in run.text


def test_a_child_that_keeps_dying_stops_the_whole_and_shows_its_last_lines(supervise):
    run = supervise(shell(LOYAL, name="good"), shell("echo no such thing; exit 3", name="bad"))
    assert run.process.wait(timeout=30) == 1
    assert "good        | bye" in run.text
    tail = run.text.partition("bad ended 5 times within 60 s, the last time with status 3")[2]
    assert "no such thing" in tail


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_the_group_stops_in_order(supervise, number):
    run = supervise(shell(LOYAL), ignore_int=True)
    (pid,) = pids(run)
    os.killpg(run.process.pid, number)
    assert run.process.wait(timeout=20) == 0
    assert "child       | bye" in run.text
    assert not is_alive(pid)


def test_a_second_signal_kills_what_does_not_stop(supervise):
    run = supervise(shell(STUBBORN, stop_timeout_s=60))
    (pid,) = pids(run)
    run.process.send_signal(signal.SIGINT)
    run.wait_for("stopping; once more")

    def insist():
        run.process.send_signal(signal.SIGINT)
        return run.process.poll() is not None

    assert wait_until(insist, timeout_s=20, poll_s=0.6)
    assert run.process.returncode == 0
    assert not is_alive(pid)


def test_a_child_that_ignores_the_stop_is_killed_after_its_time(supervise):
    run = supervise(shell(STUBBORN, stop_timeout_s=0.3))
    pids(run)
    run.process.terminate()
    assert run.process.wait(timeout=20) == 0
    assert "did not stop in time; killed" in run.text


def test_killing_the_supervisor_leaves_nothing_and_frees_the_state(supervise, tmp_path):
    run = supervise(shell(LOYAL), shell(LOYAL, name="other"))
    left = pids(run, times=2)
    run.process.kill()
    run.process.wait()
    assert wait_until(lambda: not any(map(is_alive, left)), timeout_s=30)
    assert not is_owned(tmp_path)


def test_a_dead_child_takes_what_it_started_with_it(supervise):
    run = supervise(shell(WITH_GRANDCHILD))
    (leader,), (grandchild,) = pids(run), map(int, run.wait_for(r"child (\d+)"))
    os.kill(leader, signal.SIGKILL)
    assert wait_until(lambda: not is_alive(grandchild), timeout_s=30)


def test_replicas_follow_the_wanted_count(supervise, tmp_path):
    run = supervise(shell(LOYAL, name="worker", replicable=True))
    pids(run)
    (tmp_path / "replicas.json").write_text('{"worker": 3}')
    started = pids(run, times=3)
    assert run.wait_for(r"worker\.3 ")
    (tmp_path / "replicas.json").write_text('{"worker": 1}')
    run.wait_for(r"worker\.\d +\| bye", times=2)
    assert wait_until(
        lambda: [is_alive(pid) for pid in started] == [True, False, False], timeout_s=30
    )


def test_a_child_that_runs_once_is_not_restarted_and_speaks_plainly(supervise):
    run = supervise(shell("echo plain words", name="demo", once=True), shell(LOYAL))
    run.wait_for(r"(?m)^plain words$")
    pids(run)
    run.process.terminate()
    run.process.wait(timeout=20)
    assert len(re.findall("plain words", run.text)) == 1


def test_an_unfinished_last_line_is_not_lost(supervise):
    run = supervise(shell("printf unfinished", name="demo", once=True))
    run.wait_for("unfinished")


def test_two_starts_on_one_state_refuse_each_other(supervise, tmp_path):
    first = supervise(shell(LOYAL))
    pids(first)
    argv = [sys.executable, "-m", "tests.support.supervise", str(tmp_path), "[]"]
    second = subprocess.run(argv, check=False, cwd=ROOT, capture_output=True, text=True)
    assert second.returncode != 0
    assert f"already running (process {first.process.pid}, state {tmp_path})" in second.stderr


def test_killing_the_supervisor_reaches_what_its_children_started(supervise):
    run = supervise(shell(WITH_GRANDCHILD))
    pids(run)
    (grandchild,) = map(int, run.wait_for(r"child (\d+)"))
    run.process.kill()
    run.process.wait()
    assert wait_until(lambda: not is_alive(grandchild), timeout_s=30)
