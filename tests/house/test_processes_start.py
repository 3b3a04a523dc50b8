"""The Procfile's lines, run as they stand: they start, serve, and end in order at a TERM."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from core.clock import wait_until
from core.ids import new_id
from embedded.ports import find_any_port
from models.session import to_sqlalchemy_url
from tests.house.repo import ROOT, read
from tests.support.servers import create_database, drop_database

pytestmark = pytest.mark.servers

START_S = 60
LINES = dict(line.split(": ", 1) for line in read("Procfile").splitlines())


@pytest.fixture
def environ(servers, redis_url):
    """A deployment's environment: an empty database, a Redis, a port."""
    name = f"test_{new_id().hex[-12:]}"
    yield {
        "PATH": f"{Path(sys.executable).parent}:{os.defpath}",
        "DATABASE_URL": create_database(servers.admin_url, name=name),
        "REDIS_URL": redis_url,
        "PORT": str(find_any_port()),
    }
    drop_database(servers.admin_url, name=name)


def run(name: str, environ: dict[str, str]) -> str:
    """Run a line to its end; what it says."""
    done = subprocess.run(
        ["sh", "-c", LINES[name]],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@contextmanager
def started(name: str, environ: dict[str, str]):
    """A line as a running process, killed at the end if it still runs."""
    process = subprocess.Popen(
        ["sh", "-c", LINES[name]], cwd=ROOT, env=environ, start_new_session=True
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def list_registered(environ: dict[str, str]) -> list[str]:
    """The queues of the workers that beat."""
    engine = create_engine(to_sqlalchemy_url(environ["DATABASE_URL"]))
    with engine.connect() as connection:
        found = connection.execute(text("SELECT queues FROM app.worker_process ORDER BY queues"))
        queues = list(found.scalars())
    engine.dispose()
    return queues


def answers(environ: dict[str, str], path: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", int(environ["PORT"]), timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.client.OK
    except OSError:
        return False
    finally:
        connection.close()


def test_the_lines_start_serve_and_end_in_order(environ):
    run("release", environ)
    with (
        started("interactive", environ) as interactive,
        started("worker", environ) as worker,
        started("web", environ) as web,
    ):
        both = ["bulk scheduled", "files interactive"]
        assert wait_until(lambda: list_registered(environ) == both, timeout_s=START_S)
        assert wait_until(lambda: answers(environ, "/readyz"), timeout_s=START_S)
        for process in (web, worker, interactive):
            process.terminate()
        for process in (web, worker, interactive):
            assert process.wait(timeout=40) == 0
        assert list_registered(environ) == []


def test_the_cron_line_ends_by_itself_and_says_what_it_did(environ):
    run("release", environ)
    assert run("cron", environ).startswith("reoptimize: looked at 0")
