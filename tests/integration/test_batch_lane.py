"""The batch lane: half the price, nothing submitted twice, nothing lost, whatever dies or fails."""

from __future__ import annotations

import pytest

from core.ids import new_id
from models import provider_batch as lane
from services.batch_lane import LEASE_S, run_lane
from services.import_show import get_import
from services.imports import cancel_import, confirm_import
from services.numbers import read_numbers
from services.submit import list_jobs, submit_job
from tests.support.batch_lane import (
    HOUR_S,
    age,
    count_items,
    count_jobs,
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
    import_all,
    list_claimable,
    make_csv,
    make_long_listing,
    make_order,
    make_seller,
    make_worker,
    query,
    run_all,
    upload,
)
from tests.support.llm_door import open_groq_deps

pytestmark = pytest.mark.servers


@pytest.fixture
def groq():
    with running_groq() as simulator:
        yield simulator


@pytest.fixture
def deps(database_url, redis_url, groq):
    with open_lane_deps(database_url, redis_url, groq) as made:
        yield made


def finish(deps, groq) -> None:
    """Let the provider end its work, take the answers in and run what became due."""
    groq.advance(HOUR_S)
    work(deps)
    run_all(deps, make_worker(deps))


def test_an_import_that_may_wait_costs_half_and_ends_like_any_other(deps, seller, groq):
    import_id = submit_cheaper(deps, seller, 3)
    assert count_jobs(deps) == {"batch": 3}
    assert list_claimable(deps) == []
    assert groq.ledger()["calls"] == 0
    work(deps)
    assert list_states(deps) == [("created", "validating")]
    assert count_jobs(deps) == {"answer": 3}
    shown = get_import(deps, seller.id, import_id)["progress"]
    assert (shown["total"], shown["finished"], shown["waiting"]) == (3, 0, 3)
    assert {one["waits_for"] for one in list_jobs(deps, seller.id)} == {"answer", None}
    finish(deps, groq)
    assert list_states(deps) == [("ingested", "completed")]
    assert count_jobs(deps) == {"completed": 3}
    shown = get_import(deps, seller.id, import_id)
    assert (shown["state"], shown["progress"]["waiting"]) == ("done", 0)
    ledger = groq.ledger()
    assert ledger["by_tier"] == {"batch": 3}
    assert sum_ledger(deps) == ledger["cost_picousd"] > 0
    assert query(deps, "SELECT DISTINCT tier, step, state FROM app.llm_call") == [
        ("batch", 1, "answered")
    ]
    assert query(deps, "SELECT sum(cost_pico)::bigint FROM app.job") == [(sum_ledger(deps),)]
    assert groq.files() == []


def test_the_same_import_now_costs_twice_as_much(deps, seller, groq):
    import_all(deps, seller, make_csv(3))
    now = groq.ledger()["cost_picousd"]
    groq.reset()
    submit_cheaper(deps, make_seller(deps, "other@example.com"), 3)
    work(deps)
    finish(deps, groq)
    assert groq.ledger()["cost_picousd"] * 2 == now


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


def test_what_is_cancelled_before_it_is_sent_costs_nothing(deps, seller, groq):
    import_id = submit_cheaper(deps, seller, 2)
    cancel_import(deps, seller.id, import_id, "changed my mind")
    work(deps)
    run_all(deps, make_worker(deps))
    assert count_jobs(deps) == {"cancelled": 2}
    assert list_states(deps) == []
    assert groq.ledger()["calls"] == 0


def test_what_is_cancelled_later_is_recalled_and_billed_where_it_was_done(deps, seller, groq):
    import_id = submit_cheaper(deps, seller, 10)
    work(deps)
    groq.advance(215)
    cancel_import(deps, seller.id, import_id, "changed my mind")
    run_all(deps, make_worker(deps))
    assert count_jobs(deps) == {"cancelled": 10}
    work(deps)
    finish(deps, groq)
    assert list_states(deps) == [("ingested", "cancelled")]
    assert count_jobs(deps) == {"cancelled": 10}
    assert groq.ledger()["by_tier"] == {"batch": 5}
    assert sum_ledger(deps) == groq.ledger()["cost_picousd"]
    assert query(deps, "SELECT sum(cost_pico)::bigint FROM app.job") == [(sum_ledger(deps),)]
    counts = get_import(deps, seller.id, import_id)["progress"]["counts"]
    assert counts["cost_pico"] == sum_ledger(deps)


def test_a_job_nobody_looks_after_becomes_due_by_itself(deps, seller, groq):
    submit_cheaper(deps, seller, 1)
    work(deps)
    [(due_s,)] = query(
        deps,
        "SELECT extract(epoch FROM scheduled_at - clock_timestamp())::int FROM app.job"
        " WHERE waits_for = 'answer'",
    )
    assert 21 * HOUR_S < due_s <= 24 * 0.9 * HOUR_S
    execute(deps, "UPDATE app.job SET scheduled_at = clock_timestamp() WHERE waits_for = 'answer'")
    run_all(deps, make_worker(deps))
    assert count_jobs(deps) == {"completed": 1}
    assert query(deps, "SELECT waits_for FROM app.job WHERE kind = 'optimize'") == [(None,)]
    work(deps)
    finish(deps, groq)
    assert sum_ledger(deps) == groq.ledger()["cost_picousd"]


def test_what_was_answered_before_needs_no_line(deps, seller, groq):
    import_all(deps, seller, make_csv(2))
    groq.reset()
    execute(deps, "UPDATE app.job SET work_hash = 'forgotten ' || id")
    submit_cheaper(deps, seller, 2)
    work(deps)
    assert list_states(deps) == []
    run_all(deps, make_worker(deps))
    assert groq.ledger()["calls"] == 0
    assert "batch" not in count_jobs(deps)


def test_who_wants_it_now_does_not_wait_for_a_file(deps, seller, groq):
    submit_cheaper(deps, seller, 2)
    other = upload(deps, seller, make_csv(2))
    worker = make_worker(deps)
    run_all(deps, worker)
    confirm_import(deps, seller.id, other)
    run_all(deps, worker)
    assert count_jobs(deps) == {"completed": 2}
    assert groq.ledger()["by_tier"] == {"on_demand": 2}


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


def test_waiting_jobs_count_as_scheduled_and_say_so(deps, seller, groq):
    submit_cheaper(deps, seller, 3)
    bulk = read_numbers(deps).lanes["bulk"]
    assert (bulk.due, bulk.scheduled, bulk.in_batch) == (0, 3, 3)
    work(deps)
    bulk = read_numbers(deps).lanes["bulk"]
    assert (bulk.due, bulk.scheduled, bulk.in_batch) == (0, 3, 3)
    finish(deps, groq)
    assert read_numbers(deps).lanes["bulk"].in_batch == 0


def test_a_halted_import_and_a_paused_seller_send_nothing(deps, seller, groq):
    submit_cheaper(deps, seller, 2)
    execute(deps, "UPDATE app.seller SET paused_at = clock_timestamp()")
    work(deps)
    assert list_states(deps) == []
    assert count_jobs(deps) == {"batch": 2}
    execute(deps, "UPDATE app.seller SET paused_at = NULL")
    work(deps)
    assert count_jobs(deps) == {"answer": 2}


def test_equal_work_of_one_seller_is_one_line(deps, seller, groq):
    submit_cheaper(deps, seller, 1)
    # The same brief for another listing: another job, the same request.
    content = make_csv(1).replace(b"SKU-0", b"SKU-9")
    submit_cheaper(deps, seller, 1, content=content)
    work(deps)
    work(deps)
    [(lines,)] = query(deps, "SELECT sum(lines) FROM app.provider_batch")
    hashes = query(deps, "SELECT count(DISTINCT request_hash) FROM app.provider_batch_item")
    assert hashes == [(lines,)]
    finish(deps, groq)
    work(deps)
    run_all(deps, make_worker(deps))
    assert count_jobs(deps) == {"completed": 2}
    assert groq.ledger()["billed_calls"] == lines


def test_without_a_key_or_with_the_lane_switched_off_nothing_waits(database_url, redis_url, groq):
    with open_lane_deps(database_url, redis_url, groq) as deps:
        seller = make_seller(deps)
    with open_groq_deps(database_url, redis_url, groq, GROQ_BATCH="0") as deps:
        assert deps.batches is None
        submit_cheaper(deps, seller, 1)
        assert count_jobs(deps) == {"completed": 1}


def test_an_order_for_one_listing_never_waits(deps, seller, groq):
    submit_job(deps, seller.id, make_order(make_long_listing()))
    assert len(list_claimable(deps)) == 1
