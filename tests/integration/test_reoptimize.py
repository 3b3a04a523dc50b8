"""Cron-triggered re-optimization: only what breaks a rule, never twice, never the live text."""

from __future__ import annotations

import pytest

from services.reoptimize import reoptimize
from services.submit import submit_job
from tests.support.jobs import (
    execute,
    list_claimable,
    make_listing,
    make_order,
    make_seller,
    make_worker,
    query,
    run_all,
)

pytestmark = pytest.mark.servers


@pytest.fixture
def listings(deps, seller):
    """Two listings that break a rule and one that does not, without any job or suggestion."""
    good = make_listing("GOOD", title="Northfold Merino Wool Beanie, Green")
    for one in (make_listing("BAD-1"), make_listing("BAD-2"), good):
        submit_job(deps, seller.id, make_order(one))
    forget_work(deps)
    return seller


def forget_work(deps) -> None:
    """As if all this had been asked for long ago, by rules that are no more."""
    execute(deps, "DELETE FROM app.job")


def test_what_breaks_a_rule_is_submitted_once_in_the_scheduled_lane(deps, listings):
    first = reoptimize(deps, limit=100)
    assert (first.looked_at, first.due, first.submitted) == (first.looked_at, 2, 2)
    assert reoptimize(deps, limit=100).submitted == 0
    assert query(deps, "SELECT lane, count(*) FROM app.job GROUP BY 1") == [("scheduled", 2)]


def test_a_dry_run_and_a_limit_submit_no_more_than_they_say(deps, listings):
    assert reoptimize(deps, limit=100, dry_run=True).due == 2
    assert query(deps, "SELECT id FROM app.job") == []
    assert reoptimize(deps, limit=1).submitted == 1


def test_a_paused_seller_is_left_alone(deps, listings):
    execute(deps, "UPDATE app.seller SET paused_at = clock_timestamp()")
    assert reoptimize(deps, limit=100).submitted == 0


def test_an_open_suggestion_is_not_overtaken_and_the_live_text_never_changed(deps, listings):
    texts = query(deps, "SELECT id, current_revision_id FROM app.listing ORDER BY id")
    reoptimize(deps, limit=100)
    assert run_all(deps, make_worker(deps)) == 2
    assert query(deps, "SELECT DISTINCT status FROM app.suggestion") == [("open",)]
    assert query(deps, "SELECT id, current_revision_id FROM app.listing ORDER BY id") == texts
    forget_work(deps)
    assert reoptimize(deps, limit=100).submitted == 0


def test_other_sellers_listings_come_too(deps, listings):
    other = make_seller(deps, "other@example.com")
    submit_job(deps, other.id, make_order(make_listing("THEIRS")))
    forget_work(deps)
    assert reoptimize(deps, limit=100).submitted == 3
    assert len(list_claimable(deps)) == 3
