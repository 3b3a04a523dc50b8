"""A real worker process: runs what is sent, waits for more, and leaves when it is asked to."""

from __future__ import annotations

import pytest

from core.clock import monotonic_s, wait_until
from services.submit import submit_job
from tests.support.jobs import make_order, query
from tests.support.workers import build_worker_process, running_workers

pytestmark = pytest.mark.servers

PROMPT_S = 10.0
"""Far above the second that a wait at the bell takes, far below every shutdown timeout."""


@pytest.mark.parametrize("doorbell", ["1", "0"])
def test_it_works_and_ends_promptly_and_in_order(deps, seller, tmp_path, doorbell):
    worker = build_worker_process(deps, tmp_path, queues=["interactive"], WORKER_DOORBELL=doorbell)
    with running_workers(deps, worker):
        job_id = submit_job(deps, seller.id, make_order()).job_id
        state = "SELECT state FROM app.job WHERE id = :id"
        assert wait_until(
            lambda: query(deps, state, id=job_id) == [("completed",)], timeout_s=30
        ), worker.read_log()
        asked_s = monotonic_s()
        assert worker.terminate() == 0
        assert monotonic_s() - asked_s < PROMPT_S
    assert query(deps, "SELECT count(*) FROM app.worker_process") == [(0,)]
    assert "warning" not in worker.read_log()
