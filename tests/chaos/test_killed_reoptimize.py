"""A run of re-optimization killed at any moment: the next one submits the rest, nothing twice."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from core.clock import wait_until
from services.reoptimize import RunWish, reoptimize
from services.submit import submit_job
from tests.support.jobs import execute, make_listing, make_order, open_deps, query
from tests.support.servers import ROOT

pytestmark = pytest.mark.servers

LISTINGS = 300
COMMAND = [sys.executable, "-m", "flask", "--app", "app.py", "reoptimize", "--all"]


@pytest.mark.parametrize("jobs_before", [1, 100])
def test_killed_in_the_middle(database_url, redis_url, jobs_before):
    with open_deps(database_url, redis_url) as deps:
        execute(deps, "INSERT INTO app.seller (id, email) VALUES (gen_random_uuid(), 'a@b.c')")
        seller_id = query(deps, "SELECT id FROM app.seller")[0][0]
        for n in range(LISTINGS):
            submit_job(deps, seller_id, make_order(make_listing(f"SKU-{n}")))
        execute(deps, "DELETE FROM app.job")
        environ = {
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "PATH": "/usr/bin:/bin",
        }
        count = "SELECT count(*) FROM app.job"
        with subprocess.Popen(COMMAND, cwd=ROOT, env=environ, stdout=subprocess.DEVNULL) as run:
            wait_until(
                lambda: query(deps, count)[0][0] >= jobs_before or run.poll() is not None,
                timeout_s=60,
                poll_s=0.002,
            )
            run.send_signal(signal.SIGKILL)
        left = query(deps, count)[0][0]
        assert left >= jobs_before
        # The killed run holds its lease until it has given no sign of life for long enough.
        assert reoptimize(deps, RunWish(everything=True)).busy or left == LISTINGS
        execute(deps, "UPDATE app.reoptimize_run SET beat_at = beat_at - interval '1 hour'")
        rest = reoptimize(deps, RunWish(everything=True))
        assert rest.submitted == LISTINGS - left
        jobs = "SELECT count(*), count(DISTINCT subject_id), count(DISTINCT batch_id) FROM app.job"
        assert query(deps, jobs) == [(LISTINGS, LISTINGS, 1)]
        assert query(deps, "SELECT total FROM app.batch") == [(LISTINGS,)]
