"""A day's quota that is spent: who left the choice gets rules, who did not waits for its turn."""

from __future__ import annotations

import pytest

from services.dispatch import Rounds, run_tick
from services.submit import get_job, submit_job
from tests.support.groq_sim import running_groq
from tests.support.jobs import (
    execute,
    make_due,
    make_long_listing,
    make_order,
    make_wish,
    make_worker,
    query,
)
from tests.support.llm_door import open_groq_deps

pytestmark = pytest.mark.servers


@pytest.fixture
def deps(database_url, redis_url):
    with (
        running_groq() as groq,
        open_groq_deps(database_url, redis_url, groq, GROQ_TOKENS_PER_DAY="4000") as made,
    ):
        yield made


def submit(deps, seller, engine, count):
    """Bulk jobs that nobody has sent yet."""
    ids = []
    for n in range(count):
        listing = make_long_listing(f"{engine}-{n}", f"{engine}-{n}")
        order = make_order(listing, wish=make_wish(engine))
        ids.append(submit_job(deps, seller.id, order).job_id)
    execute(deps, "UPDATE app.job SET lane = 'bulk', dispatched_at = NULL")
    return ids


def run_until_idle(deps, worker) -> None:
    """Send and run what the dispatcher lets pass, and nothing else."""
    state = Rounds()
    for _ in range(20):
        run_tick(deps, state)
        sent = query(
            deps,
            "SELECT id FROM app.job WHERE dispatched_at IS NOT NULL AND state = 'available'",
        )
        if not sent:
            return
        for (job_id,) in sent:
            worker.run(job_id)


def test_a_spent_quota_leaves_what_may_be_to_the_rules(deps, seller):
    ids = submit(deps, seller, "auto", 8)
    run_until_idle(deps, make_worker(deps))
    outcomes = [get_job(deps, seller.id, job_id)["outcome"] for job_id in ids]
    assert set(outcomes) == {"improved", "rules_fallback"}
    assert outcomes.count("improved") <= 4


def test_who_wants_the_model_alone_waits_for_the_day_to_flow_back(deps, seller):
    ids = submit(deps, seller, "groq", 6)
    worker = make_worker(deps)
    run_until_idle(deps, worker)
    done = sum(get_job(deps, seller.id, job_id)["state"] == "completed" for job_id in ids)
    assert 1 <= done < len(ids)
    waiting = (
        "SELECT count(*), max(failures) FROM app.job WHERE state = 'available'"
        " AND scheduled_at > clock_timestamp() + interval '10 minutes'"
    )
    assert query(deps, waiting) == [(len(ids) - done, 0)]
    make_due(deps)
    run_until_idle(deps, worker)
    assert query(deps, waiting) == [(len(ids) - done, 0)]
