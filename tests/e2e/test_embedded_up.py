"""`flask up` as a person meets it: start, page, kill, restart, stop, and the second start."""

from __future__ import annotations

import http.client
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from core.clock import wait_until
from embedded.ports import find_any_port
from embedded.processes import is_alive
from embedded.state import find_servers
from tests.support.processes import find_leader, list_processes
from tests.support.servers import ROOT, make_test_folder

pytestmark = [
    pytest.mark.servers,
    pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc"),
]

START_TIMEOUT_S = 60


@dataclass
class Up:
    """A running `flask up`."""

    process: subprocess.Popen[bytes]
    log: Path
    port: int
    folder: Path

    @property
    def text(self) -> str:
        return self.log.read_text()

    def wait_for(self, pattern: str) -> None:
        def seen() -> bool:
            return bool(re.search(pattern, self.text)) or self.process.poll() is not None

        assert wait_until(seen, timeout_s=START_TIMEOUT_S)
        assert re.search(pattern, self.text), f"no {pattern!r} in:\n{self.text}"

    def wait_ready(self) -> None:
        self.wait_for(r"Listwright runs at http://127\.0\.0\.1:\d+ ")
        self.wait_for("scaler +\\|")

    def get_status(self, path: str) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        finally:
            connection.close()

    def stop(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(timeout=60)


Start = Callable[[], Up]


@pytest.fixture
def folder() -> Iterator[Path]:
    made = make_test_folder("lw-up-")
    yield made
    shutil.rmtree(made)


@pytest.fixture
def up(folder: Path) -> Iterator[Start]:
    """Start `flask up` on ``folder``; whatever happens, nothing of it is left afterwards."""
    started: list[Up] = []

    def start() -> Up:
        port, log = find_any_port(), folder / f"log-{len(started)}"
        environ = {
            "LISTWRIGHT_STATE_DIR": str(folder),
            "PORT": str(port),
            "PATH": "/usr/bin:/bin",
        }
        with log.open("wb") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", "flask", "--app", "app.py", "up"],
                cwd=ROOT,
                env=environ,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        started.append(Up(process, log, port, folder))
        return started[-1]

    yield start
    for one in started:
        one.process.kill()
        one.process.wait()
    assert wait_until(lambda: not list_processes(folder), timeout_s=15), list_processes(folder)


def test_start_use_stop_and_a_second_start_with_the_data(up, folder):
    first = up()
    first.wait_ready()
    assert first.get_status("/healthz") == 200
    record = find_servers(folder)
    assert record is not None
    with psycopg.connect(record.database_url) as connection:
        connection.execute("CREATE TABLE public.kept (id int)")
    assert first.stop() == 0
    assert wait_until(lambda: not list_processes(folder), timeout_s=30)

    second = up()
    second.wait_ready()
    record = find_servers(folder)
    assert record is not None
    with psycopg.connect(record.database_url) as connection:
        assert connection.execute("SELECT to_regclass('public.kept')").fetchone() == ("kept",)
    assert second.stop() == 0


def test_a_second_start_is_refused_and_the_first_goes_on(up):
    first = up()
    first.wait_ready()
    second = up()
    assert second.process.wait(timeout=30) == 2
    assert f"already running (process {first.process.pid}" in second.text
    assert first.get_status("/healthz") == 200


def test_killing_it_leaves_nothing_at_all(up, folder):
    running = up()
    running.wait_ready()
    running.process.kill()
    running.process.wait()
    assert wait_until(lambda: not list_processes(folder), timeout_s=10), list_processes(folder)


@pytest.mark.parametrize("word", ["dramatiq workers.main", "gunicorn", "valkey-server", "postgres"])
def test_a_killed_child_comes_back(up, folder, word):
    running = up()
    running.wait_ready()
    pid = find_leader(folder, word)
    os.kill(pid, signal.SIGKILL)
    running.wait_for("starting it again in 0.2 s")
    assert wait_until(lambda: not is_alive(pid), timeout_s=10)

    def is_back() -> bool:
        try:
            return find_leader(folder, word) != pid and running.get_status("/readyz") == 200
        except (OSError, LookupError):
            return False

    assert wait_until(is_back, timeout_s=30, poll_s=0.2), running.text
    assert running.stop() == 0


def test_an_explicit_port_that_is_taken_is_an_error(folder):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = subprocess.run(
            [sys.executable, "-m", "flask", "--app", "app.py", "up"],
            check=False,
            cwd=ROOT,
            env={"LISTWRIGHT_STATE_DIR": str(folder), "PORT": str(port), "PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
        )
    assert result.returncode == 2
    assert f"port {port} is taken" in result.stderr
