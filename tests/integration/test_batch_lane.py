"""The batch lane: half the price for what may wait, and everything else as ever."""

from __future__ import annotations

import pytest

from domain.budget.values import Caps
from models.scaler_workload import DayLimits, measure_workload
from services.caps import get_spending, set_caps
from services.import_show import get_import
from services.imports import cancel_import, confirm_import
from services.numbers import read_numbers
from services.submit import list_jobs, submit_job
from tests.support.batch_lane import (
    HOUR_S,
    count_jobs,
    finish,
    list_states,
    open_lane_deps,
    submit_cheaper,
    sum_ledger,
    work,
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


def test_an_import_that_may_wait_costs_half_and_ends_like_any_other(deps, seller, groq):
    import_id = submit_cheaper(deps, seller, 3)
    estimate = get_import(deps, seller.id, import_id)["estimate"]
    assert (estimate["duration"], estimate["calls"]) == ("up to 24 hours", 3)
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


def test_waiting_jobs_count_as_scheduled_and_say_so(deps, seller, groq):
    submit_cheaper(deps, seller, 3)
    bulk = read_numbers(deps).lanes["bulk"]
    assert (bulk.due, bulk.scheduled, bulk.in_batch) == (0, 3, 3)
    work(deps)
    bulk = read_numbers(deps).lanes["bulk"]
    assert (bulk.due, bulk.scheduled, bulk.in_batch) == (0, 3, 3)
    finish(deps, groq)
    assert read_numbers(deps).lanes["bulk"].in_batch == 0


def test_the_scaler_neither_sees_what_waits_nor_what_was_answered_in_files(deps, seller, groq):
    def measure():
        with deps.database.transaction(system="test") as session:
            return measure_workload(
                session,
                pool=deps.pool,
                lanes=["bulk"],
                urgent=["bulk"],
                ahead_s=60,
                day=DayLimits(),
            )

    submit_cheaper(deps, seller, 3)
    assert (measure().urgent_waiting, measure().urgent_per_s) == (0, 0)
    work(deps)
    finish(deps, groq)
    assert (measure().calls_answered, measure().calls_per_job) == (0, 0)
    import_all(deps, seller, make_csv(4))
    assert measure().calls_answered == 1


def test_a_halted_import_and_a_paused_seller_send_nothing(deps, seller, groq):
    submit_cheaper(deps, seller, 2)
    execute(deps, "UPDATE app.seller SET paused_at = clock_timestamp()")
    work(deps)
    assert list_states(deps) == []
    assert count_jobs(deps) == {"batch": 2}
    execute(deps, "UPDATE app.seller SET paused_at = NULL")
    work(deps)
    assert count_jobs(deps) == {"answer": 2}


def test_a_cap_on_spending_holds_for_files_and_for_what_comes_after(deps, seller, groq):
    submit_cheaper(deps, seller, 3)
    [(tokens,)] = query(deps, "SELECT max(est_tokens) FROM app.job WHERE waits_for = 'batch'")
    # The most that one line may cost: all its tokens at half the price of an answer.
    line_pico = tokens * 300_000 // 2
    set_caps(deps, seller.id, Caps(day_pico=line_pico * 2 - 1))
    work(deps)
    assert count_jobs(deps) == {"answer": 1, "batch": 2}
    work(deps)
    assert count_jobs(deps) == {"answer": 1, "batch": 2}
    finish(deps, groq)
    spent = sum_ledger(deps)
    assert 0 < spent < line_pico
    assert get_spending(deps, seller.id).day_pico == spent
    other = make_seller(deps, "other@example.com")
    submit_cheaper(deps, other, 2)
    work(deps)
    assert query(deps, "SELECT count(*) FROM app.job WHERE waits_for = 'answer'") >= [(2,)]


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
