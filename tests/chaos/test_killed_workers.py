"""Workers killed, Redis lost: no job is lost, and only calls in flight are paid for twice."""

from __future__ import annotations

import os

import pytest
import redis

from core.clock import wait_until
from embedded.valkey import is_answering
from services.deps import Deps
from services.import_show import get_import
from services.imports import confirm_import
from tests.support.chaos import own_valkey, own_worker
from tests.support.groq_sim import running_groq
from tests.support.jobs import execute, make_csv, make_seller, query, upload
from tests.support.llm_door import open_groq_deps

pytestmark = pytest.mark.servers

JOBS = 300
STEP = 50


def count(deps: Deps, what: str) -> int:
    return int(query(deps, f"SELECT count(*) FROM {what}")[0][0])  # noqa: S608 - our own words


def wait_for_completed(deps: Deps, least: int) -> None:
    """Until so many jobs are done."""
    done = "app.job WHERE kind = 'optimize' AND state = 'completed'"
    assert wait_until(lambda: count(deps, done) >= least, timeout_s=60), query(
        deps, "SELECT state, count(*), min(error_code) FROM app.job GROUP BY 1"
    )


def let_leases_run_out(deps: Deps) -> None:
    """What 15 s would bring about once every worker is dead."""
    execute(deps, "UPDATE app.worker_process SET beat_at = beat_at - interval '1 minute'")
    let_marks_age(deps)


def let_marks_age(deps: Deps) -> None:
    """What a minute would bring about: every mark on the road is an old one."""
    execute(
        deps,
        "UPDATE app.job SET dispatched_at = dispatched_at - interval '2 minutes'"
        " WHERE state IN ('available', 'retryable')",
    )


def test_every_job_ends_once_through_kills_and_lost_queues(database_url):
    with own_valkey() as (valkey, redis_url), running_groq(latency_ms=150) as groq:
        environ = {
            **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "GROQ_API_KEY": "gsk_test",
            "GROQ_BASE_URL": groq.url,
            "LOG_LEVEL": "error",
        }
        with (
            open_groq_deps(database_url, redis_url, groq) as deps,
            own_worker(environ) as worker,
        ):
            seller = make_seller(deps)
            import_id = upload(deps, seller, make_csv(JOBS))

            def read() -> str:
                return str(get_import(deps, seller.id, import_id)["state"])

            assert wait_until(lambda: read() == "ready", timeout_s=30), read()
            confirm_import(deps, seller.id, import_id)
            in_flight = 0
            for kill in range(1, 4):
                wait_for_completed(deps, kill * STEP)
                worker.kill()
                in_flight += count(deps, "app.llm_call WHERE state = 'planned'")
                let_leases_run_out(deps)
                worker.start()
            wait_for_completed(deps, 4 * STEP)
            with redis.Redis.from_url(redis_url) as client:
                client.flushall()
            let_marks_age(deps)
            wait_for_completed(deps, 5 * STEP)
            valkey.kill()
            valkey.start()
            assert wait_until(lambda: is_answering(redis_url), timeout_s=10)
            let_marks_age(deps)
            assert wait_until(lambda: read() == "done", timeout_s=60), query(
                deps, "SELECT state, count(*), min(error_code) FROM app.job GROUP BY 1"
            )
            check_books(deps, seller.id, import_id)
            answers = count(deps, "app.llm_answer")
            unknown = count(deps, "app.llm_call WHERE state = 'unknown'")
            assert answers <= groq.ledger()["billed_calls"] <= answers + in_flight
            assert unknown <= in_flight


def check_books(deps: Deps, seller_id, import_id) -> None:
    """Every job ended exactly once, with one suggestion, and the tallies say the same."""
    states = query(deps, "SELECT state, count(*) FROM app.job WHERE kind = 'optimize' GROUP BY 1")
    assert states == [("completed", JOBS)]
    tallied = get_import(deps, seller_id, import_id)["progress"]["counts"]
    assert (tallied["completed"], tallied.get("discarded", 0)) == (JOBS, 0)
    assert (
        query(deps, "SELECT job_id FROM app.suggestion GROUP BY job_id HAVING count(*) > 1") == []
    )
    assert query(deps, "SELECT id FROM app.llm_call WHERE state = 'planned'") == []
