"""A job that kills what runs it dies at the third time; who shared its processes completes."""

from __future__ import annotations

import os
import signal
import uuid
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from core.clock import wait_until
from embedded.processes import get_arguments
from services.submit import get_job, submit_job
from tests.support.groq_sim import running_groq
from tests.support.jobs import (
    execute,
    make_long_listing,
    make_order,
    make_seller,
    make_worker,
    open_deps,
    query,
    wait_for_old_postgres,
)
from tests.support.workers import build_worker_process, running_workers

pytestmark = [pytest.mark.servers, pytest.mark.timeout(240)]

DEAD_BEATS = "UPDATE app.worker_process SET beat_at = beat_at - interval '1 hour'"
RUNNING = (
    "SELECT count(*) FROM app.job j JOIN app.worker_process p ON p.id = j.lease_owner"
    " WHERE j.state = 'running' AND p.beat_at > clock_timestamp() - interval '15 s'"
)
UNFINISHED = "SELECT count(*) FROM app.job WHERE state IN ('available', 'running', 'retryable')"


@pytest.fixture
def deps(database_url, redis_url):
    with open_deps(database_url, redis_url) as made:
        yield made


@pytest.fixture
def seller(deps):
    return make_seller(deps)


@pytest.fixture(scope="module")
def slow():
    """Answers after so long that a kill always meets a call in flight."""
    with running_groq(latency_ms=60_000) as simulator:
        yield simulator


@pytest.fixture(scope="module")
def quick():
    with running_groq(latency_ms=1_000) as simulator:
        yield simulator


def build(deps, folder, groq):
    return build_worker_process(
        deps, folder, queues=["interactive"], GROQ_API_KEY="any", GROQ_BASE_URL=groq.url
    )


def list_lone(job_ids: list[uuid.UUID]) -> dict[uuid.UUID, int]:
    """The process that each of these jobs has for itself."""
    found: dict[uuid.UUID, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            arguments = get_arguments(int(entry.name))
            if "workers.isolated" in arguments:
                found |= {one: int(entry.name) for one in job_ids if str(one) in arguments}
    return found


def kill_while_running(deps, folder, groq, count: int) -> None:
    """Kill -9 a worker group while so many jobs run in it; their beats become old at once."""
    worker = build(deps, folder, groq)
    with running_workers(deps, worker):
        assert wait_until(lambda: query(deps, RUNNING) == [(count,)], timeout_s=40), (
            worker.read_log()
        )
        worker.kill()
    execute(deps, DEAD_BEATS)


def test_the_culprit_is_discarded_alone_and_the_innocent_complete(
    deps, seller, slow, quick, tmp_path
):
    wait_for_old_postgres(deps)
    job_ids = [
        submit_job(deps, seller.id, make_order(make_long_listing(f"SKU-{n}"))).job_id
        for n in range(3)
    ]
    culprit, *innocent = job_ids
    for _ in range(2):
        kill_while_running(deps, tmp_path, slow, count=3)
    most_at_once, killed = 0, 0
    worker = build(deps, tmp_path, quick)

    def watch() -> bool:
        nonlocal most_at_once, killed
        lone = list_lone(job_ids)
        most_at_once = max(most_at_once, len(lone))
        [(runs,)] = query(deps, "SELECT state = 'running' FROM app.job WHERE id = :i", i=culprit)
        if culprit in lone and runs:
            with suppress(ProcessLookupError):
                os.kill(lone[culprit], signal.SIGKILL)
                killed += 1
            execute(deps, f"{DEAD_BEATS} WHERE queues = ''")
        return query(deps, UNFINISHED) == [(0,)]

    with ExitStack() as stack:
        stack.enter_context(running_workers(deps, worker))
        assert wait_until(watch, timeout_s=90, poll_s=0.05), worker.read_log()
        assert worker.is_alive(), "what a suspect kills is only its own process"
    shown = get_job(deps, seller.id, culprit)
    assert (shown["state"], shown["error"]["code"]) == ("discarded", "worker_lost")
    assert [get_job(deps, seller.id, one)["state"] for one in innocent] == ["completed"] * 2
    assert {get_job(deps, seller.id, one)["engine"] for one in innocent} == {"groq"}
    assert query(deps, "SELECT max(claim_no) FROM app.job") == [(3,)], "three deliveries at most"
    assert (most_at_once, killed) == (1, 1)


def test_an_ordinary_worker_refuses_a_suspect_whatever_message_names_it(deps, seller):
    job_id = submit_job(deps, seller.id, make_order()).job_id
    execute(deps, "UPDATE app.job SET crash_count = 2")
    worker = make_worker(deps)
    worker.alone = False
    worker.run(job_id)
    assert query(deps, "SELECT state, claim_no FROM app.job") == [("available", 0)]
    worker.alone = True
    worker.run(job_id)
    assert query(deps, "SELECT state, claim_no FROM app.job") == [("completed", 1)]
