"""A worker's own threads: whatever they meet, they go on."""

from __future__ import annotations

import pytest

from core.clock import wait_until
from domain.job import Lane
from domain.ports import Dispatch
from services.submit import submit_job
from tests.support.jobs import execute, make_order, query
from workers.runtime import DEAF_STATUS, Runtime

pytestmark = pytest.mark.servers

LONG_S = 60.0
"""Ends a wait for what real threads do: on a busy machine they get their turn late."""

WHILE_S = 0.5
"""So long is watched for what must not happen."""


@pytest.fixture
def runtime(deps, monkeypatch):
    """A worker process without workers, whose beat is quick."""
    monkeypatch.setattr("workers.runtime.BEAT_S", 0.05)
    made = Runtime(deps)
    made.start(["interactive"], 4)
    yield made
    made.drain()
    made.end()


def test_a_fault_nobody_thought_of_stops_payments_but_not_the_beat(deps, runtime):
    execute(deps, "ALTER TABLE app.worker_process RENAME TO gone")
    assert wait_until(lambda: not runtime.may_call(), timeout_s=LONG_S)
    execute(deps, "ALTER TABLE app.gone RENAME TO worker_process")
    assert wait_until(runtime.may_call, timeout_s=LONG_S)
    [(before,)] = query(deps, "SELECT beat_at FROM app.worker_process")
    assert wait_until(
        lambda: query(deps, "SELECT beat_at FROM app.worker_process") > [(before,)],
        timeout_s=LONG_S,
    )


def test_a_fault_nobody_thought_of_does_not_end_the_dispatcher(deps, seller, runtime):
    execute(deps, "ALTER TABLE app.lane RENAME TO gone")
    job_id = submit_job(deps, seller.id, make_order()).job_id
    execute(deps, "UPDATE app.job SET dispatched_at = NULL")
    runtime.wake()
    mark = "SELECT dispatched_at IS NOT NULL FROM app.job WHERE id = :id"
    assert not wait_until(lambda: query(deps, mark, id=job_id) == [(True,)], timeout_s=WHILE_S)
    execute(deps, "ALTER TABLE app.gone RENAME TO lane")

    def is_sent() -> bool:
        runtime.wake()
        return query(deps, mark, id=job_id) == [(True,)]

    assert wait_until(is_sent, timeout_s=LONG_S)


SENT_AGAIN = (
    "UPDATE app.job SET dispatch_no = :no, dispatched_at = clock_timestamp() - interval '11 s'"
)


@pytest.mark.parametrize(
    ("no", "lane", "idle", "leaves"),
    [
        (2, "interactive", True, True),
        (1, "interactive", True, False),
        (2, "bulk", True, False),
        (2, "interactive", False, False),
    ],
    ids=["deaf", "sent but once", "of another lane", "was given something"],
)
def test_a_worker_that_hears_no_messages_leaves(deps, seller, monkeypatch, no, lane, idle, leaves):
    monkeypatch.setattr("workers.runtime.BEAT_S", 0.05)
    monkeypatch.setattr("services.process.DEAF_S", 0.0 if idle else 60.0)
    job_id = submit_job(deps, seller.id, make_order()).job_id
    deps.queue.push([Dispatch(job_id, no, Lane.INTERACTIVE)])
    execute(deps, SENT_AGAIN, no=no)
    execute(deps, "UPDATE app.job SET lane = :lane", lane=lane)
    left: list[int] = []
    runtime = Runtime(deps, leave=left.append)
    runtime.start(["interactive"], 4)
    assert wait_until(lambda: bool(left), timeout_s=LONG_S if leaves else WHILE_S) == leaves
    draining = query(deps, "SELECT draining_at IS NOT NULL FROM app.worker_process")
    runtime.drain()
    runtime.end()
    assert (left, draining) == ([DEAF_STATUS] if leaves else [], [(leaves,)])
