"""What is paid for is never bought again: kills around the answer, repeated messages, outages."""

from __future__ import annotations

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from core.clock import monotonic_s, wait_until
from services.deps import Deps
from services.submit import get_job, submit_job
from tests.support.groq_sim import running_groq
from tests.support.jobs import (
    execute,
    lose_process,
    make_long_listing,
    make_order,
    make_wish,
    make_worker,
    put_into_batch,
    query,
    sweep,
)
from tests.support.llm_door import (
    KilledError,
    after_answer,
    before_call,
    make_mortal,
    open_groq_deps,
)
from tests.support.outage import give_back, take_away

pytestmark = pytest.mark.servers


@pytest.fixture
def groq():
    with running_groq() as simulator:
        yield simulator


@pytest.fixture
def deps(database_url, redis_url, groq):
    with open_groq_deps(database_url, redis_url, groq) as made:
        yield made


def kill_after_commit_of_answer(deps: Deps, job_id: uuid.UUID) -> None:
    """Run the job in a worker that dies once its first answer is committed."""
    mortal_deps, mortal = make_mortal(deps)
    doomed = make_worker(mortal_deps)
    assert deps.door is not None
    inner = deps.door.llm
    after_answer(deps, lambda: setattr(mortal, "lives", 1))
    with pytest.raises(KilledError):
        doomed.run(job_id)
    deps.door.llm = inner
    lose_process(doomed)
    sweep(deps)


@pytest.mark.parametrize("deployed", [False, True], ids=["same prompt", "new prompt version"])
def test_an_answer_committed_before_the_kill_is_not_bought_again(deps, seller, groq, deployed):
    job_id = submit_job(deps, seller.id, make_order(make_long_listing())).job_id
    kill_after_commit_of_answer(deps, job_id)
    if deployed:
        execute(deps, "UPDATE app.llm_answer SET request_hash = 'of the former prompt'")
    billed = groq.ledger()["billed_calls"]
    make_worker(deps).run(job_id)
    assert (billed, groq.ledger()["billed_calls"]) == (1, 1)
    job = get_job(deps, seller.id, job_id)
    assert (job["state"], job["engine"], job["cost_microusd"] > 0) == ("completed", "groq", True)
    assert query(deps, "SELECT claim_no, crash_count FROM app.job") == [(2, 1)]


def test_a_call_in_flight_at_the_kill_is_bought_once_more_and_seen(deps, seller, groq):
    job_id = submit_job(deps, seller.id, make_order(make_long_listing())).job_id
    mortal_deps, mortal = make_mortal(deps)
    doomed = make_worker(mortal_deps)
    inner = deps.door.llm
    after_answer(deps, lambda: setattr(mortal, "lives", 0))
    with pytest.raises(KilledError):
        doomed.run(job_id)
    deps.door.llm = inner
    assert query(deps, "SELECT state FROM app.llm_call") == [("planned",)]
    lose_process(doomed)
    sweep(deps)
    make_worker(deps).run(job_id)
    assert groq.ledger()["billed_calls"] == 2
    assert query(deps, "SELECT state FROM app.llm_call ORDER BY id") == [
        ("unknown",),
        ("answered",),
    ]
    assert get_job(deps, seller.id, job_id)["state"] == "completed"


def test_a_hundred_messages_buy_one_answer(deps, seller, groq):
    job_id = submit_job(deps, seller.id, make_order(make_long_listing())).job_id
    workers = [make_worker(deps) for _ in range(4)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: workers[n % 4].run(job_id), range(100)))
    assert groq.ledger()["billed_calls"] == 1
    assert query(deps, "SELECT claim_no, state FROM app.job") == [(1, "completed")]
    assert query(deps, "SELECT count(*) FROM app.suggestion") == [(1,)]


def test_a_job_of_unclear_bills_asks_no_more_but_stops_no_other(deps, seller, groq):
    """Three calls of one job may have been billed: that is no reason to halt its batch."""
    order = make_order(make_long_listing(), wish=make_wish("groq"))
    job_id = submit_job(deps, seller.id, order).job_id
    execute(
        deps,
        "INSERT INTO app.llm_call (seller_id, job_id, step, claim_no, state, model)"
        " SELECT :seller, :job, 1, n, 'unknown', 'm' FROM generate_series(1, 3) n",
        seller=seller.id,
        job=job_id,
    )
    batch_id = put_into_batch(deps, seller, job_id)
    make_worker(deps).run(job_id)
    assert groq.ledger()["calls"] == 0
    job = get_job(deps, seller.id, job_id)
    assert job["state"] == "discarded"
    assert "may have been billed" in job["error"]["message"]
    assert query(deps, "SELECT halted_at FROM app.batch WHERE id = :id", id=batch_id) == [(None,)]


def test_an_answer_is_kept_in_memory_while_the_database_is_away(deps, seller, groq, servers):
    job_id = submit_job(deps, seller.id, make_order(make_long_listing())).job_id
    worker, away = make_worker(deps), threading.Event()

    def cut() -> None:
        take_away(servers, deps)
        away.set()

    after_answer(deps, cut)
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(worker.run, job_id)
        assert away.wait(10)
        assert not wait_until(running.done, timeout_s=1)
        give_back(servers, deps)
        running.result(timeout=20)
    assert groq.ledger()["billed_calls"] == 1
    assert get_job(deps, seller.id, job_id)["state"] == "completed"
    assert query(deps, "SELECT state FROM app.llm_call") == [("answered",)]


def test_a_job_is_not_left_running_by_a_database_that_was_away_for_a_moment(
    deps, seller, groq, servers
):
    """A living process left it running for its whole deadline of ten minutes."""
    groq.set_faults("500")
    job_id = submit_job(deps, seller.id, make_order(make_long_listing())).job_id
    worker, away = make_worker(deps), threading.Event()

    def cut() -> None:
        take_away(servers, deps)
        away.set()

    before_call(deps, cut)
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(worker.run, job_id)
        assert away.wait(10)
        assert not wait_until(running.done, timeout_s=0.5)
        give_back(servers, deps)
        running.result(timeout=20)
    assert query(deps, "SELECT state, lease_owner FROM app.job") == [("retryable", None)]


def test_a_job_claimed_as_the_database_went_is_given_back(deps, seller, groq, servers):
    job_id = submit_job(deps, seller.id, make_order(make_long_listing())).job_id
    worker, away = make_worker(deps), threading.Event()

    def cut() -> None:
        if not away.is_set():
            take_away(servers, deps)
            away.set()

    worker.before_call = cut
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(worker.run, job_id)
        assert away.wait(10)
        assert not wait_until(running.done, timeout_s=0.5)
        give_back(servers, deps)
        running.result(timeout=20)
    assert groq.ledger()["calls"] == 0
    [(state, owner)] = query(deps, "SELECT state, lease_owner FROM app.job")
    assert (state in ("available", "retryable"), owner) == (True, None)


def test_a_lost_redis_holds_no_call_up_for_long(deps, seller, groq, database_url):
    """The budget goes on in the process itself; the patience of the queue's client is too long."""
    job_id = submit_job(deps, seller.id, make_order(make_long_listing())).job_id
    with open_groq_deps(database_url, "redis://127.0.0.1:1/0", groq) as away:
        began_s = monotonic_s()
        make_worker(away).run(job_id)
        assert monotonic_s() - began_s < 5
    assert get_job(deps, seller.id, job_id)["engine"] == "groq"
