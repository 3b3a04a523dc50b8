"""New work is refused early, with a time to come back; what was accepted is kept and done."""

from __future__ import annotations

from dataclasses import replace

import pytest
import redis

from core.errors import TooManyError, UnavailableError
from gateways.job_queue import RedisJobQueue
from services.import_options import ImportOptions
from services.import_receive import receive_import
from services.import_show import get_import
from services.imports import confirm_import
from services.submit import submit_job
from tests.support.jobs import (
    execute,
    make_listing,
    make_order,
    make_seller,
    make_worker,
    query,
    run_all,
)

pytestmark = pytest.mark.servers

CSV = b"sku,title\nA-1,GREAT beanie FREE SHIPPING!!!\n"


@pytest.fixture
def small(deps):
    """Deps under which a seller may have three unfinished jobs."""
    return replace(deps, settings=replace(deps.settings, seller_backlog_max=3))


def fill(deps, seller, count=3):
    for number in range(count):
        submit_job(deps, seller.id, make_order(make_listing(f"SKU-{number}")))


def upload(deps, seller):
    return receive_import(
        deps, seller.id, name="a.csv", channel="ebay", options=ImportOptions(), body=[CSV]
    )


def test_a_full_backlog_refuses_that_seller_and_no_other(small, seller):
    fill(small, seller)
    with pytest.raises(TooManyError, match="3 of your jobs") as refused:
        submit_job(small, seller.id, make_order(make_listing("one more")))
    assert refused.value.retry_after_s > 0
    with pytest.raises(TooManyError):
        upload(small, seller)
    assert query(small, "SELECT count(*) FROM app.import_file") == [(0,)]
    submit_job(small, make_seller(small, "other@example.com").id, make_order())


def test_what_was_accepted_is_done_and_makes_room(small, seller):
    fill(small, seller)
    run_all(small, make_worker(small))
    assert query(small, "SELECT DISTINCT state FROM app.job") == [("completed",)]
    submit_job(small, seller.id, make_order(make_listing("one more")))


def test_a_repeated_request_is_answered_though_there_is_no_room(small, seller):
    order = make_order(idempotency_key="k", body_hash="h")
    first = submit_job(small, seller.id, order)
    fill(small, seller, 2)
    assert submit_job(small, seller.id, order).job_id == first.job_id


def test_an_import_that_finds_no_room_stays_ready(small, seller):
    import_id = upload(small, seller)
    run_all(small, make_worker(small))
    fill(small, seller)
    with pytest.raises(TooManyError):
        confirm_import(small, seller.id, import_id)
    assert get_import(small, seller.id, import_id)["state"] == "ready"
    run_all(small, make_worker(small))
    confirm_import(small, seller.id, import_id)


def test_a_large_backlog_is_counted_now_and_then_only(deps, seller, monkeypatch):
    monkeypatch.setattr("services.pressure.LARGE_BACKLOG", 2)
    small = replace(deps, settings=replace(deps.settings, seller_backlog_max=3))
    fill(small, seller)
    small.backlogs.clear()
    with pytest.raises(TooManyError):
        submit_job(small, seller.id, make_order(make_listing("X")))
    execute(deps, "UPDATE app.job SET state = 'completed'")
    with pytest.raises(TooManyError):
        submit_job(small, seller.id, make_order(make_listing("X")))
    small.backlogs[seller.id] = (3, -1e9)
    submit_job(small, seller.id, make_order(make_listing("X")))
    assert not small.backlogs


@pytest.fixture
def limit_memory(redis_url):
    """Sets how much of the server's memory limit is used just now."""
    with redis.Redis.from_url(redis_url) as client:
        before = client.config_get("maxmemory")["maxmemory"]

        def set_share(share: float) -> None:
            client.config_set("maxmemory", int(client.info("memory")["used_memory"] / share))

        yield set_share
        client.config_set("maxmemory", before)


@pytest.fixture
def build_road(redis_url):
    """A road that has not looked at the memory yet."""
    with redis.Redis.from_url(redis_url) as client:
        yield lambda: RedisJobQueue(client, pool="default")


def test_from_seventy_percent_of_the_memory_on_nothing_is_taken_in(
    deps, seller, limit_memory, build_road
):
    assert not build_road().is_crowded(), "there is no limit"
    limit_memory(0.5)
    assert not build_road().is_crowded()
    limit_memory(0.8)
    crowded = replace(deps, queue=build_road())
    with pytest.raises(UnavailableError, match="nearly full") as refused:
        submit_job(crowded, seller.id, make_order())
    assert refused.value.retry_after_s > 5
    with pytest.raises(UnavailableError):
        upload(crowded, seller)
    assert query(deps, "SELECT count(*) FROM app.job") == [(0,)]


def test_the_memory_is_looked_at_once_a_second(limit_memory, build_road):
    road = build_road()
    assert not road.is_crowded()
    limit_memory(0.8)
    assert not road.is_crowded()


def test_who_may_not_ask_is_not_crowded(redis_url):
    with redis.Redis.from_url(redis_url) as admin:
        admin.execute_command("ACL", "SETUSER", "asker", "on", "nopass", "~*", "+@all", "-info")
        arguments = dict(admin.connection_pool.connection_kwargs)
        arguments |= {"username": "asker", "password": "any"}
        kind = admin.connection_pool.connection_class
        pool = redis.ConnectionPool(connection_class=kind, **arguments)
        with redis.Redis(connection_pool=pool) as asker:
            assert not RedisJobQueue(asker, pool="default").is_crowded()
        admin.execute_command("ACL", "DELUSER", "asker")


def test_a_road_that_is_away_is_not_crowded():
    assert not RedisJobQueue(redis.Redis(port=1), pool="default").is_crowded()
