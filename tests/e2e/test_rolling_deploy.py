"""Two versions on one database, a migration between them, under load: nothing fails."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from core.clock import wait_until
from services.access import create_api_key
from services.deps import Deps
from tests.support.groq_sim import GroqSimulator, running_groq
from tests.support.jobs import make_seller, open_deps, query
from tests.support.rollout import Load, Version, add_migration, copy_version
from tests.support.servers import make_test_folder

pytestmark = [pytest.mark.servers, pytest.mark.timeout(300)]


@pytest.fixture
def folder() -> Iterator[Path]:
    made = make_test_folder("lw-deploy-")
    yield made
    shutil.rmtree(made)


def roll_out(old: Version, new: Version, load: Load) -> None:
    """What a platform does, one process after the other, with requests between all steps."""
    load.wait_for_more()
    new.migrate()
    load.wait_for_more()
    new.start_web()
    load.urls = [old.url, new.url]
    load.wait_for_more()
    new.start_worker()
    load.wait_for_more()
    # A platform may start an old process anew at any time: it finds the newer schema.
    assert old.stop("worker") == 0
    old.start_worker()
    load.wait_for_more()
    load.urls = [new.url]
    load.wait_for_more()
    assert old.stop("web") == 0
    assert old.stop("worker") == 0
    load.wait_for_more()


def check_books(deps: Deps, groq: GroqSimulator, load: Load) -> None:
    """Every request was answered well, every job ended well, each was paid for once."""
    posted = load.statuses["POST 202"]
    assert set(load.statuses) == {"POST 202", "GET 200"}, load.statuses
    done = "SELECT state, outcome, count(*) FROM app.job GROUP BY 1, 2"
    wanted = [("completed", "improved", posted)]
    assert wait_until(lambda: query(deps, done) == wanted, timeout_s=60), query(deps, done)
    assert groq.ledger()["billed_calls"] == posted


def test_a_deployment_under_load_fails_no_request_and_loses_no_job(folder, database_url, redis_url):
    with (
        ExitStack() as ended,
        running_groq(latency_ms=50) as groq,
        open_deps(database_url, redis_url) as deps,
    ):
        environ = {
            "PATH": os.environ.get("PATH", ""),
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "GROQ_API_KEY": "gsk_test",
            "GROQ_BASE_URL": groq.url,
        }
        [(head,)] = query(deps, "SELECT version_num FROM app.alembic_version")
        old = Version(copy_version(folder / "old"), environ)
        new = Version(copy_version(folder / "new"), environ)
        ended.callback(old.kill)
        ended.callback(new.kill)
        add_migration(new.folder, head)
        old.start_web()
        old.start_worker()
        load = Load([old.url], create_api_key(deps, make_seller(deps).id))
        with load.running():
            roll_out(old, new, load)
        check_books(deps, groq, load)
        # And back again: the version before finds its way on the newer schema.
        old.migrate()
        old.start_web()
