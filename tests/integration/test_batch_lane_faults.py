"""The batch lane when something dies or fails: nothing submitted twice, nothing lost or hidden."""

from __future__ import annotations

import pytest

from core.ids import new_id
from models import provider_batch as lane
from services.batch_lane import LEASE_S, run_lane
from tests.support.batch_lane import (
    HOUR_S,
    age,
    count_items,
    count_jobs,
    finish,
    list_states,
    open_lane_deps,
    submit_cheaper,
    sum_ledger,
    work,
    work_until_killed,
)
from tests.support.groq_sim import running_groq
from tests.support.jobs import (
    execute,
    make_csv,
    make_seller,
    make_worker,
    query,
    run_all,
)

pytestmark = pytest.mark.servers


@pytest.fixture
def groq():
    with running_groq() as simulator:
        yield simulator


@pytest.fixture
def deps(database_url, redis_url, groq):
    with open_lane_deps(database_url, redis_url, groq) as made:
        yield made


def test_a_leader_may_die_anywhere_and_no_batch_is_submitted_twice(deps, groq):
    lives = 0
    while True:
        seller = make_seller(deps, f"seller-{lives}@example.com")
        submit_cheaper(deps, seller, 2)
        died = not work_until_killed(deps, lives=lives)
        work(deps)
        groq.advance(HOUR_S)
        lived = work_until_killed(deps, lives=lives)
        finish(deps, groq)
        assert len(groq.batches()) == 1, lives
        assert groq.ledger()["by_tier"] == {"batch": 2}, lives
        assert sum_ledger(deps) == groq.ledger()["cost_picousd"], lives
        assert count_jobs(deps) == {"completed": 2}, lives
        if lived and not died:
            break
        groq.reset()
        execute(deps, "TRUNCATE app.provider_batch, app.llm_call, app.llm_answer, app.job CASCADE")
        lives += 1
    assert lives > 15


@pytest.mark.parametrize("fault", ["lost", "reset", "503"])
def test_an_answer_of_the_provider_that_is_lost_submits_nothing_twice(deps, seller, groq, fault):
    submit_cheaper(deps, seller, 2)
    for _ in range(4):
        groq.set_file_faults(fault)
        work(deps)
        groq.set_file_faults("ok:0", *[f"{fault}:0.5"])
        work(deps)
    groq.set_file_faults()
    work(deps)
    finish(deps, groq)
    assert len(groq.batches()) == 1
    assert groq.ledger()["by_tier"] == {"batch": 2}
    assert count_jobs(deps) == {"completed": 2}


def test_answers_taken_in_twice_are_billed_once(deps, seller, groq):
    submit_cheaper(deps, seller, 3)
    work(deps)
    groq.advance(HOUR_S)
    work(deps, keeping_files=True)
    before = sum_ledger(deps)
    # As if the end had not been committed: the file is read again.
    execute(deps, "UPDATE app.provider_batch SET state = 'ended', ingested_at = NULL")
    work(deps)
    assert list_states(deps) == [("ingested", "completed")]
    assert sum_ledger(deps) == before == groq.ledger()["cost_picousd"]
    assert count_items(deps) == {"answered": 3}


def test_lines_that_failed_are_sent_on_demand(deps, seller, groq):
    groq.set_faults("500@2")
    submit_cheaper(deps, seller, 3)
    work(deps)
    finish(deps, groq)
    assert count_items(deps) == {"answered": 2, "failed": 1}
    assert count_jobs(deps) == {"completed": 3}
    assert groq.ledger()["by_tier"] == {"batch": 2, "on_demand": 1}
    assert sum_ledger(deps) == groq.ledger()["cost_picousd"]


def test_an_answer_that_cannot_be_read_is_asked_for_again_on_demand(deps, seller, groq):
    groq.set_faults("cut@1")
    submit_cheaper(deps, seller, 2)
    work(deps)
    finish(deps, groq)
    assert count_jobs(deps) == {"completed": 2}
    assert groq.ledger()["by_tier"] == {"batch": 2, "on_demand": 1}
    assert sum_ledger(deps) == groq.ledger()["cost_picousd"]


def test_at_four_fifths_of_the_window_the_rest_is_recalled(database_url, redis_url):
    with (
        running_groq(batch_work_s=100 * HOUR_S) as groq,
        open_lane_deps(database_url, redis_url, groq) as deps,
    ):
        seller = make_seller(deps)
        submit_cheaper(deps, seller, 10)
        work(deps)
        groq.advance(19 * HOUR_S)
        age(deps, share=0.79)
        work(deps)
        assert list_states(deps) == [("created", "in_progress")]
        age(deps, share=0.81)
        work(deps)
        [recalled] = groq.batches()
        assert recalled["status"] == "cancelling"
        finish(deps, groq)
        assert list_states(deps) == [("ingested", "cancelled")]
        assert count_items(deps) == {"answered": 1, "unanswered": 9}
        assert count_jobs(deps) == {"completed": 10}
        assert groq.ledger()["by_tier"] == {"batch": 1, "on_demand": 9}
        assert sum_ledger(deps) == groq.ledger()["cost_picousd"]


def test_what_an_expired_batch_left_undone_goes_on_demand(database_url, redis_url):
    with (
        running_groq(batch_work_s=48 * HOUR_S) as groq,
        open_lane_deps(database_url, redis_url, groq) as deps,
    ):
        submit_cheaper(deps, make_seller(deps), 4)
        work(deps)
        groq.advance(24 * HOUR_S)
        finish(deps, groq)
        assert list_states(deps) == [("ingested", "expired")]
        assert count_jobs(deps) == {"completed": 4}
        assert groq.ledger()["by_tier"] == {"batch": 1, "on_demand": 3}


def test_a_plan_without_batches_closes_the_lane_once_and_for_all(database_url, redis_url):
    with (
        running_groq(plan="free") as groq,
        open_lane_deps(database_url, redis_url, groq) as deps,
    ):
        seller = make_seller(deps)
        submit_cheaper(deps, seller, 2)
        work(deps)
        assert count_jobs(deps) == {"available": 2}
        [(kind, message)] = query(deps, "SELECT kind, message FROM app.operator_event")
        assert kind == "provider_refused"
        assert "no batches of this organisation" in message
        run_all(deps, make_worker(deps))
        submit_cheaper(deps, seller, 5, content=make_csv(5))
        assert count_jobs(deps) == {"completed": 7}
        assert set(groq.ledger()["by_tier"]) == {"on_demand"}
        with deps.database.transaction(system="test") as session:
            assert lane.clear_refusals(session)
        submit_cheaper(deps, seller, 6, content=make_csv(6))
        assert count_jobs(deps)["batch"] == 6


def test_only_one_process_leads_and_a_dead_one_is_followed(deps, seller, groq):
    first, second = new_id(), new_id()
    submit_cheaper(deps, seller, 1)
    execute(deps, "UPDATE app.job SET created_at = created_at - interval '1 hour'")
    run_lane(deps, first)
    assert list_states(deps) == [("created", "validating")]
    groq.advance(HOUR_S)
    execute(deps, "UPDATE app.provider_batch SET next_step_at = clock_timestamp()")
    run_lane(deps, second)
    assert list_states(deps) == [("created", "validating")]
    execute(
        deps,
        "UPDATE app.batch_lane SET lease_until = lease_until - make_interval(secs => :lease)",
        lease=LEASE_S + 1,
    )
    run_lane(deps, second)
    assert list_states(deps) == [("ingested", "completed")]


def test_what_a_stopped_command_left_behind_is_seen_to_its_end(deps, seller, groq):
    submit_cheaper(deps, seller, 4)
    work(deps)
    execute(
        deps,
        "UPDATE app.provider_batch SET pool = 'run-gone',"
        " next_step_at = clock_timestamp() - interval '1 hour'",
    )
    execute(deps, "UPDATE app.job SET state = 'cancelled' WHERE waits_for = 'answer'")
    groq.advance(110)
    work_lane_as_it_is(deps)
    finish(deps, groq)
    assert list_states(deps) == [("ingested", "cancelled")]
    assert groq.ledger()["by_tier"] == {"batch": 1}
    assert sum_ledger(deps) == groq.ledger()["cost_picousd"]


def work_lane_as_it_is(deps) -> None:
    run_lane(deps, new_id())
    execute(deps, "DELETE FROM app.batch_lane")


def test_a_file_that_could_not_be_submitted_for_half_its_window_is_given_up(deps, seller, groq):
    submit_cheaper(deps, seller, 2)
    groq.set_file_faults("503")
    work(deps)
    assert list_states(deps) == [("planned", "")]
    age(deps, share=0.51)
    groq.set_file_faults()
    work(deps)
    assert groq.batches() == []
    run_all(deps, make_worker(deps))
    assert count_jobs(deps) == {"completed": 2}
    assert groq.ledger()["by_tier"] == {"on_demand": 2}


def test_a_job_our_code_cannot_order_for_holds_up_no_other(deps, seller, groq):
    submit_cheaper(deps, seller, 3)
    execute(
        deps,
        'UPDATE app.brief SET body = body || \'{"channel": "nowhere"}\' WHERE hash ='
        " (SELECT brief_hash FROM app.job WHERE waits_for = 'batch' ORDER BY id LIMIT 1)",
    )
    work(deps)
    assert count_jobs(deps) == {"answer": 2, "available": 1}
    finish(deps, groq)
    assert count_jobs(deps) == {"completed": 2, "discarded": 1}


def test_old_files_are_forgotten_but_not_what_they_cost(deps, seller, groq):
    submit_cheaper(deps, seller, 1)
    work(deps)
    finish(deps, groq)
    execute(deps, "UPDATE app.provider_batch SET ingested_at = ingested_at - interval '31 days'")
    submit_cheaper(deps, seller, 2, content=make_csv(2))
    work(deps)
    finish(deps, groq)
    assert len(list_states(deps)) == 1
    assert sum_ledger(deps) == groq.ledger()["cost_picousd"]
