"""An import makes the embedded mode start workers and stop them again, and loses no job."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.clock import wait_until
from embedded.ports import find_any_port
from embedded.state import find_servers
from services.import_show import get_import
from services.imports import confirm_import
from tests.support.jobs import make_csv, make_seller, open_deps, query, upload
from tests.support.processes import list_processes
from tests.support.servers import ROOT, make_test_folder

pytestmark = [
    pytest.mark.servers,
    pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc"),
    pytest.mark.timeout(300),
]

JOBS = 2000
SOONER = {
    # So that a test of seconds sees what takes minutes.
    "SCALER_TICK_S": "1",
    "SCALER_START_S": "1",
    "SCALER_DRAIN_S": "3",
    "SCALER_WINDOW_S": "5",
    "WORKERS_MAX": "2",
    "WORKER_THREADS": "4",
}


@pytest.fixture
def folder() -> Iterator[Path]:
    made = make_test_folder("lw-scale-")
    yield made
    assert wait_until(lambda: not list_processes(made), timeout_s=20)
    shutil.rmtree(made)


@pytest.fixture
def log(folder: Path) -> Iterator[Path]:
    """The output of a running `flask up` with a hurried scaler."""
    path = folder / "log"
    environ = {
        "LISTWRIGHT_STATE_DIR": str(folder),
        "PORT": str(find_any_port()),
        "PATH": os.defpath,
        **SOONER,
    }
    with path.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "flask", "--app", "app.py", "up"],
            cwd=ROOT,
            env=environ,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    yield path
    process.terminate()
    try:
        process.wait(timeout=60)
    finally:
        process.kill()


def wait_for(log: Path, pattern: str, *, timeout_s: float) -> None:
    found = wait_until(lambda: bool(re.search(pattern, log.read_text())), timeout_s=timeout_s)
    assert found, f"no {pattern!r} in:\n{log.read_text()}"


def test_an_import_raises_the_count_to_its_cap_and_it_comes_back(folder, log):
    wait_for(log, r"scaler +\|", timeout_s=60)
    record = find_servers(folder)
    assert record is not None
    with open_deps(record.database_url, record.redis_url) as deps:
        seller = make_seller(deps)
        import_id = upload(deps, seller, make_csv(JOBS))

        def is_in(*states: str) -> bool:
            return get_import(deps, seller.id, import_id)["state"] in states

        assert wait_until(lambda: is_in("ready"), timeout_s=60, poll_s=0.2)
        confirm_import(deps, seller.id, import_id)
        assert wait_until(lambda: is_in("done"), timeout_s=150, poll_s=0.5), log.read_text()
        wait_for(log, r"worker: 2 → 1 replicas", timeout_s=60)
        assert query(
            deps,
            "SELECT count(*), count(*) FILTER (WHERE state = 'completed'), max(crash_count)"
            " FROM app.job WHERE kind = 'optimize' AND seller_id = :seller",
            seller=seller.id,
        ) == [(JOBS, JOBS, 0)]
        decisions = query(
            deps, "SELECT wanted, applied, reason FROM app.scaler_decision ORDER BY id"
        )
    counts = [wanted for wanted, applied, _ in decisions if applied]
    assert max(counts) == 2
    assert counts[-1] == 1
    assert all(reason for _, _, reason in decisions)
    assert "lost" not in log.read_text()
