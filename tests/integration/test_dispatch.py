"""The dispatcher: fair to sellers, one leader, and nothing it does or forgets loses a job."""

from __future__ import annotations

import uuid
from collections import Counter
from dataclasses import replace

import pytest

from core.clock import monotonic_s
from domain.job import Lane
from models import dispatch as statements
from services.dispatch import STALE_S, KnownSellers, Rounds, pick_lane, run_tick
from services.pool import end_abandoned
from services.submit import DIRECT_INTERACTIVE_JOBS, submit_job
from tests.support.jobs import (
    claim,
    execute,
    list_claimable,
    lose_process,
    make_listing,
    make_order,
    make_seller,
    make_worker,
    put_into_batch,
    query,
    sum_counts,
    wait_for_old_postgres,
)
from tests.support.road import Road
from tests.support.servers import flush_redis

pytestmark = pytest.mark.servers

OLD_MARK = "UPDATE app.job SET dispatched_at = dispatched_at - make_interval(secs => :s)"


@pytest.fixture
def road():
    return Road()


@pytest.fixture
def on_road(deps, road):
    """Deps whose messages stay on a road that the test sees."""
    return replace(deps, queue=road)


def insert_bulk(deps, seller_id, count, *, tokens=100, lane="bulk", pool="default") -> None:
    """Jobs that wait; their content does not matter here."""
    execute(
        deps,
        "INSERT INTO app.job (id, seller_id, kind, lane, pool, work_hash, est_tokens)"
        " SELECT gen_random_uuid(), :seller, 'optimize', :lane, :pool,"
        " gen_random_uuid()::text, :tokens FROM generate_series(1, :n)",
        seller=seller_id,
        n=count,
        tokens=tokens,
        lane=lane,
        pool=pool,
    )


def pick(deps, room, lane=Lane.BULK) -> Counter[uuid.UUID]:
    """How many jobs of each seller the next pick takes."""
    with deps.database.transaction(system="test") as session:
        sellers = statements.list_active(session, pool=deps.pool, lane=lane)
        chosen = statements.pick_due(session, pool=deps.pool, lane=lane, room=room, sellers=sellers)
    ids = [one.job_id for one in chosen]
    found = query(deps, "SELECT seller_id FROM app.job WHERE id = ANY(:ids)", ids=ids)
    return Counter(row[0] for row in found)


def test_the_first_pick_serves_everybody_however_long_one_queue_is(deps):
    big, *small = [make_seller(deps, f"s{n}@example.com").id for n in range(8)]
    insert_bulk(deps, big, 3000)
    for seller_id in small:
        insert_bulk(deps, seller_id, 2)
    first = pick(deps, 16)
    assert set(first) == {big, *small}
    assert all(first[seller_id] == 2 for seller_id in small)
    assert pick(deps, 16) == {big: 16}


def test_a_pick_finds_each_chosen_job_by_its_id_before_the_statistics_know_of_any(deps, seller):
    insert_bulk(deps, seller.id, 3000)
    keys = {"pool": deps.pool, "lane": "bulk", "room": 64, "suspect": 2, "tokens": 10**9}
    lines = query(deps, f"EXPLAIN {statements._PICK.text}", **keys, sellers=[seller.id])
    plan = "\n".join(line for (line,) in lines)
    marking = plan.partition("CTE marked")[2].partition("CTE charged")[0]
    assert "Index Scan using job_pkey" in marking, plan


def test_a_share_is_counted_in_tokens_not_in_jobs(deps):
    long, short = (make_seller(deps, f"{name}@example.com").id for name in ("long", "short"))
    insert_bulk(deps, long, 200, tokens=1000)
    insert_bulk(deps, short, 200, tokens=100)
    total = Counter[uuid.UUID]()
    for _ in range(5):
        total += pick(deps, 22)
    assert 8 <= total[short] / total[long] <= 12


def test_a_weight_is_a_share(deps):
    one, three = (make_seller(deps, f"{name}@example.com").id for name in ("one", "three"))
    insert_bulk(deps, one, 300)
    insert_bulk(deps, three, 300)
    execute(
        deps,
        "INSERT INTO app.lane_seller (lane, seller_id, weight) VALUES ('bulk', :seller, 3)",
        seller=three,
    )
    total = Counter[uuid.UUID]()
    for _ in range(10):
        total += pick(deps, 20)
    assert 2.5 <= total[three] / total[one] <= 3.5


def test_who_comes_back_has_saved_no_credit(deps):
    busy, absent = (make_seller(deps, f"{name}@example.com").id for name in ("busy", "absent"))
    insert_bulk(deps, absent, 1)
    insert_bulk(deps, busy, 2000)
    for _ in range(20):
        pick(deps, 20)
    insert_bulk(deps, absent, 500)
    back = sum((pick(deps, 20) for _ in range(6)), Counter())
    assert abs(back[absent] - back[busy]) <= 20 + 4, "one window of lead at most"


def test_who_has_nothing_due_takes_no_place_of_those_who_have(deps):
    early = [make_seller(deps, f"early{n}@example.com").id for n in range(5)]
    for seller_id in early:
        insert_bulk(deps, seller_id, 3)
    execute(deps, "UPDATE app.job SET scheduled_at = clock_timestamp() + interval '1 minute'")
    due = make_seller(deps, "due@example.com").id
    insert_bulk(deps, due, 5)
    insert_clock = "INSERT INTO app.lane_seller (lane, seller_id, vtime) VALUES ('bulk', :s, 9)"
    execute(deps, insert_clock, s=due)
    assert pick(deps, 2) == {due: 2}


def pick_known(deps, known: dict[Lane, KnownSellers], room: int) -> Counter[uuid.UUID]:
    """How many jobs of each seller a dispatcher picks that remembers who has some."""
    with deps.database.transaction(system="test") as session:
        chosen = pick_lane(session, deps.pool, known, lane=Lane.BULK, room=room)
    ids = [one.job_id for one in chosen]
    found = query(deps, "SELECT seller_id FROM app.job WHERE id = ANY(:ids)", ids=ids)
    return Counter(row[0] for row in found)


def test_sellers_are_remembered_while_they_have_enough_and_looked_for_when_not(deps):
    old, new = (make_seller(deps, f"{name}@example.com").id for name in ("old", "new"))
    insert_bulk(deps, old, 6)
    insert_bulk(deps, new, 4)
    known = {Lane.BULK: KnownSellers([old], monotonic_s() + 60)}
    assert pick_known(deps, known, 4) == {old: 4}
    assert pick_known(deps, known, 5) == {old: 2}
    assert pick_known(deps, known, 3) == {new: 3}


def test_what_is_remembered_of_sellers_grows_old(deps):
    old, new = (make_seller(deps, f"{name}@example.com").id for name in ("old", "new"))
    insert_bulk(deps, old, 10)
    insert_bulk(deps, new, 10)
    known = {Lane.BULK: KnownSellers([old], monotonic_s() - 1)}
    assert pick_known(deps, known, 4) == {old: 2, new: 2}
    assert known[Lane.BULK].until_s < monotonic_s() + 0.1, "few sellers: looked for at every tick"


@pytest.mark.parametrize(
    "held",
    [
        "UPDATE app.seller SET paused_at = clock_timestamp()",
        "UPDATE app.job SET scheduled_at = clock_timestamp() + interval '1 minute'",
        "UPDATE app.job SET pool = 'run-other'",
        "UPDATE app.job SET dispatched_at = clock_timestamp()",
        "UPDATE app.job SET lane = 'scheduled'",
    ],
)
def test_what_is_held_is_not_picked(deps, seller, held):
    insert_bulk(deps, seller.id, 3)
    execute(deps, held)
    assert pick(deps, 10) == {}


def test_the_window_is_short_and_nothing_is_sent_twice(on_road, road, seller):
    insert_bulk(on_road, seller.id, 500)
    make_worker(on_road, threads=8)
    state = Rounds()
    sent = [run_tick(on_road, state) for _ in range(3)]
    assert sent == [16, 0, 0]
    assert len({one.job_id for one in road.sent}) == 16


def test_a_crash_between_mark_and_push_only_delays(on_road, road, seller):
    insert_bulk(on_road, seller.id, 3)
    pick(on_road, 10)  # marked and committed; then the dispatcher dies
    assert run_tick(on_road, Rounds()) == 0
    execute(on_road, OLD_MARK, s=11)
    assert run_tick(on_road, Rounds()) == 3
    assert {one.dispatch_no for one in road.sent} == {2}


def test_what_is_still_on_the_road_is_not_sent_again_until_it_is_very_old(on_road, road, seller):
    insert_bulk(on_road, seller.id, 3)
    assert run_tick(on_road, Rounds()) == 3
    execute(on_road, OLD_MARK, s=11)
    assert run_tick(on_road, Rounds()) == 0
    execute(on_road, OLD_MARK, s=60)
    assert run_tick(on_road, Rounds()) == 3


def test_messages_in_the_hands_of_a_dead_worker_are_sent_again_soon(on_road, road, seller):
    """Redis lists them as fetched, so they are not missing; waiting a minute is too long."""
    insert_bulk(on_road, seller.id, 3)
    dead = make_worker(on_road)
    assert run_tick(on_road, Rounds()) == 3
    execute(on_road, OLD_MARK, s=STALE_S + 1)
    assert run_tick(on_road, Rounds()) == 0
    execute(
        on_road,
        "UPDATE app.worker_process SET beat_at = beat_at - make_interval(secs => :s)"
        " WHERE id = :id",
        s=STALE_S + 1,
        id=dead.process_id,
    )
    assert run_tick(on_road, Rounds()) == 3


def test_messages_lost_by_redis_are_sent_again(on_road, road, seller):
    insert_bulk(on_road, seller.id, 3)
    run_tick(on_road, Rounds())
    road.sent.clear()
    execute(on_road, OLD_MARK, s=11)
    assert run_tick(on_road, Rounds()) == 3


def test_a_lost_interactive_message_is_missed_after_two_seconds(on_road, road, seller):
    submit_job(on_road, seller.id, make_order())
    road.sent.clear()
    assert run_tick(on_road, Rounds()) == 0
    execute(on_road, OLD_MARK, s=3)
    assert run_tick(on_road, Rounds()) == 1


def test_what_cannot_be_sent_is_sent_when_the_road_is_open_again(on_road, road, seller):
    insert_bulk(on_road, seller.id, 3)
    road.closed = True
    run_tick(on_road, Rounds())
    assert query(on_road, "SELECT count(*) FROM app.job WHERE dispatched_at IS NULL") == [(3,)]
    road.closed = False
    assert run_tick(on_road, Rounds()) == 3


def test_two_dispatchers_never_send_the_same_job_twice(deps, seller):
    first, second = Road(), Road()
    insert_bulk(deps, seller.id, 6)
    with deps.database.transaction(system="the leader") as session:
        assert statements.take_leadership(session, deps.pool)
        assert run_tick(replace(deps, queue=second), Rounds()) == 0
    assert run_tick(replace(deps, queue=first), Rounds()) == 6
    assert run_tick(replace(deps, queue=second), Rounds()) == 0


def test_the_leader_of_one_pool_leaves_the_others_theirs(deps, seller):
    insert_bulk(deps, seller.id, 1, pool="run-1")
    with deps.database.transaction(system="the leader") as session:
        assert statements.take_leadership(session, deps.pool)
        assert run_tick(replace(deps, pool="run-1", queue=Road()), Rounds()) == 1


def test_a_script_of_single_posts_does_not_own_the_interactive_lane(on_road, road, seller):
    for n in range(DIRECT_INTERACTIVE_JOBS + 3):
        submit_job(on_road, seller.id, make_order(make_listing(f"SKU-{n}")))
    assert len(road.sent) == DIRECT_INTERACTIVE_JOBS
    other = make_seller(on_road, "other@example.com")
    submit_job(on_road, other.id, make_order())
    assert len(road.sent) == DIRECT_INTERACTIVE_JOBS + 1
    assert run_tick(on_road, Rounds()) == 3


def test_a_job_is_accepted_while_the_road_is_closed(on_road, road, seller):
    road.closed = True
    accepted = submit_job(on_road, seller.id, make_order())
    road.closed = False
    execute(on_road, OLD_MARK, s=3)
    assert run_tick(on_road, Rounds()) == 1
    assert [one.job_id for one in road.sent] == [accepted.job_id]


def test_every_job_ends_after_redis_was_emptied(deps, seller, redis_url):
    """With the real road: Dramatiq's own keys, emptied in mid-run."""
    for n in range(6):
        submit_job(deps, seller.id, make_order(make_listing(f"SKU-{n}")))
    run_tick(deps, Rounds())
    flush_redis(redis_url)
    execute(deps, OLD_MARK, s=30)
    assert run_tick(deps, Rounds()) == 6
    worker = make_worker(deps)
    for job_id in list_claimable(deps):
        worker.run(job_id)
    assert query(deps, "SELECT DISTINCT state FROM app.job") == [("completed",)]


def test_an_abandoned_pool_is_ended_and_a_living_one_is_not(deps, seller):
    insert_bulk(deps, seller.id, 2, pool="run-dead")
    insert_bulk(deps, seller.id, 2, pool="run-alive")
    make_worker(replace(deps, pool="run-alive"))
    execute(deps, "UPDATE app.job SET created_at = created_at - interval '1 hour'")
    wait_for_old_postgres(deps)
    end_abandoned(deps)
    found = query(deps, "SELECT pool, state, count(*) FROM app.job GROUP BY 1, 2 ORDER BY 1")
    assert found == [("run-alive", "available", 2), ("run-dead", "cancelled", 2)]


def test_what_a_dead_command_left_is_counted_in_its_batch(deps, seller):
    """Else its import would never come to its total."""
    insert_bulk(deps, seller.id, 2, pool="run-dead")
    [left, alone] = list_claimable(deps)
    batch_id = put_into_batch(deps, seller, left)
    lost = claim(make_worker(replace(deps, pool="run-dead")), left)
    execute(deps, "UPDATE app.job SET created_at = created_at - interval '1 hour'")
    execute(deps, "UPDATE app.worker_process SET beat_at = beat_at - interval '1 hour'")
    wait_for_old_postgres(deps)
    end_abandoned(deps)
    assert sum_counts(deps, seller, batch_id) == {"cancelled": 1}
    states = query(deps, "SELECT state FROM app.job WHERE id IN (:a, :b)", a=lost.id, b=alone)
    assert states == [("cancelled",), ("cancelled",)]
    end_abandoned(deps)
    assert sum_counts(deps, seller, batch_id) == {"cancelled": 1}


def test_after_a_restart_of_postgres_no_pool_is_called_abandoned(deps, seller):
    """Every beat is old then, the living ones' too."""
    insert_bulk(deps, seller.id, 2, pool="run-alive")
    lose_process(make_worker(replace(deps, pool="run-alive")))
    execute(deps, "UPDATE app.job SET created_at = created_at - interval '1 hour'")
    wait_for_old_postgres(deps)
    [(age_s,)] = query(
        deps, "SELECT extract(epoch FROM clock_timestamp() - pg_postmaster_start_time())::float8"
    )
    execute(deps, "UPDATE app.worker_process SET beat_at = beat_at - interval '1 year'")
    with deps.database.transaction(system="test") as session:
        assert statements.list_abandoned_pools(session, stale_s=age_s + 60) == []
        assert statements.list_abandoned_pools(session, stale_s=STALE_S) == ["run-alive"]


def test_a_halted_batch_ends_and_says_why(deps, seller):
    worker_jobs = [
        submit_job(deps, seller.id, make_order(make_listing(f"SKU-{n}"))).job_id for n in range(3)
    ]
    batch_id = put_into_batch(deps, seller, worker_jobs[0])
    execute(deps, "UPDATE app.job SET batch_id = :b", b=batch_id)
    execute(deps, "UPDATE app.batch SET halted_at = clock_timestamp(), halt_reason = 'no money'")
    run_tick(deps, Rounds())
    assert query(deps, "SELECT DISTINCT state, error_code, error_detail FROM app.job") == [
        ("cancelled", "batch_halted", "no money")
    ]
    assert sum_counts(deps, seller, batch_id) == {"cancelled": 3}
    run_tick(deps, Rounds())
    assert query(deps, "SELECT completed_at IS NOT NULL FROM app.batch") == [(True,)]
