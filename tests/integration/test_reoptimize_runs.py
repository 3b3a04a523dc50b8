"""Runs of re-optimization: limits, budgets, the lease, time, and what ends them half way."""

from __future__ import annotations

import threading

import pytest

from core.clock import today
from core.errors import ConflictError, UnavailableError
from core.ids import new_id
from domain.brief import Mode
from domain.budget.values import Caps
from domain.reoptimize.gain import Skip
from models import reoptimize_run as runs
from models.seller import set_caps
from services.reoptimize import Run, RunWish
from services.reoptimize_report import StorePass, Summary
from services.reoptimize_submit import build_batch_id
from services.submit import Order, Wish, submit_job
from tests.support.jobs import (
    execute,
    list_claimable,
    make_listing,
    make_order,
    make_seller,
    make_worker,
    open_deps,
    query,
    run_all,
)
from tests.support.reoptimize import forget_work, run, submit_listings

pytestmark = pytest.mark.servers


@pytest.fixture
def listings(deps, seller):
    return submit_listings(deps, seller)


def test_other_sellers_listings_come_too_and_a_limit_is_shared_evenly(deps, listings):
    for n in range(4):
        submit_job(deps, listings.id, make_order(make_listing(f"MORE-{n}")))
    other = make_seller(deps, "other@example.com")
    for n in range(2):
        submit_job(deps, other.id, make_order(make_listing(f"THEIRS-{n}")))
    forget_work(deps)
    summary = run(deps, limit=4)
    assert (summary.submitted, summary.sellers) == (4, 2)
    by_seller = query(deps, "SELECT seller_id, count(*) FROM app.job GROUP BY 1")
    assert sorted(count for _, count in by_seller) == [2, 2]
    assert len(list_claimable(deps)) == 4


def test_the_jobs_of_a_seller_and_day_are_one_batch_that_completes(deps, listings):
    first = run(deps, limit=1)
    assert first.submitted == 1
    run(deps)
    batch_id = build_batch_id(listings.id, today())
    assert query(deps, "SELECT DISTINCT batch_id FROM app.job") == [(batch_id,)]
    assert query(deps, "SELECT id, kind, total FROM app.batch") == [(batch_id, "reoptimize", 2)]
    run_all(deps, make_worker(deps))
    assert query(deps, "SELECT completed_at IS NOT NULL FROM app.batch") == [(True,)]


def test_killed_after_some_were_submitted_the_next_run_submits_only_the_rest(deps, listings):
    killed = run_until_killed(deps, limit=1)
    assert killed == 1
    assert query(deps, "SELECT total FROM app.batch") == [(0,)], "nobody sealed it"
    lose_lease(deps)
    assert run(deps).submitted == 1
    assert query(deps, "SELECT count(*) FROM app.job") == [(2,)]
    assert query(deps, "SELECT total FROM app.batch") == [(2,)]
    outcomes = query(deps, "SELECT outcome FROM app.reoptimize_run ORDER BY started_at")
    assert outcomes == [("lost",), ("done",)]


def run_until_killed(deps, *, limit: int) -> int:
    """A run that dies after so many were submitted: nothing after that happens, no clean-up."""
    dying = Run(deps, RunWish(everything=True, limit=limit))
    dying.carry_out()
    return dying.summary.submitted


def lose_lease(deps) -> None:
    execute(deps, "UPDATE app.reoptimize_run SET beat_at = beat_at - interval '1 hour'")


def test_while_a_run_is_under_way_another_does_nothing_and_says_so(deps, listings):
    with deps.database.transaction(system="test") as session:
        assert runs.insert_run(session, new_id(), day=today(), stale_s=60)
    summary = run(deps)
    assert (summary.busy, summary.exit_code, summary.submitted) == (True, 3, 0)
    assert str(summary) == "another run is under way: nothing done"
    assert run(deps, dry_run=True).due == 2, "to look is always allowed"


def test_a_run_that_was_taken_for_dead_writes_nothing_more(deps, listings):
    class Late(Run):
        def _submit(self, chosen):
            take_over(deps)
            return super()._submit(chosen)

    with pytest.raises(ConflictError, match="taken over"):
        Late(deps, RunWish(everything=True)).carry_out()
    assert query(deps, "SELECT * FROM app.job") == []


def take_over(deps) -> None:
    """Another run finds no sign of life, and begins."""
    lose_lease(deps)
    with deps.database.transaction(system="test") as session:
        assert runs.insert_run(session, new_id(), day=today(), stale_s=60)


def test_a_budget_is_kept_and_the_rest_waits(database_url, redis_url, seller, listings):
    with open_deps(database_url, redis_url, GROQ_API_KEY="simulated") as paying:
        whole = run(paying, dry_run=True)
        assert whole.cost_pico > 0
        half = whole.cost_pico * 0.6 / 1e12
        cut = run(paying, budget_usd=half)
        assert cut.submitted == 1
        assert cut.cost_pico <= half * 1e12
        assert cut.skips[Skip.BEYOND] == 1
        assert run(paying, budget_usd=0.0).submitted == 0


def test_a_sellers_own_cap_is_kept(database_url, redis_url, seller, listings):
    with open_deps(database_url, redis_url, GROQ_API_KEY="simulated") as paying:
        whole = run(paying, dry_run=True)
        with paying.database.transaction(seller=seller.id) as session:
            set_caps(session, seller.id, Caps(month_pico=round(whole.cost_pico * 0.6)))
        assert run(paying, dry_run=True).skips[Skip.OUT_OF_BUDGET] == 1
        execute(
            paying,
            "INSERT INTO app.llm_call (seller_id, job_id, step, claim_no, state, model, cost_pico)"
            " SELECT id, id, 1, 1, 'answered', 'm', month_cap_pico FROM app.seller",
        )
        spent = run(paying)
        assert spent.submitted == 0
        assert spent.skips == {Skip.OUT_OF_BUDGET: 2, Skip.NOTHING: 1}
        assert "own budget is spent" in "".join(spent.list_lines())


def test_when_time_is_up_the_run_ends_with_what_it_found(deps, listings):
    summary = run(deps, timeout_s=-1.0)
    assert summary.exit_code == 1
    assert summary.stores_left == {StorePass.TIME_UP: 1}
    assert "time was up" in str(summary)


def test_when_time_is_up_while_submitting_the_rest_comes_next_time(deps, listings):
    class Slow(Run):
        def _submit(self, chosen):
            self.begun_s -= self.wish.timeout_s
            return super()._submit(chosen)

    slow = Slow(deps, RunWish(everything=True))
    slow.carry_out()
    slow.end()
    assert slow.summary.submitted == 0
    assert slow.summary.skips[Skip.BEYOND] == 2
    assert slow.summary.exit_code == 1
    assert query(deps, "SELECT looked_on FROM app.schedule") == [(None,)]
    assert run(deps).submitted == 2


def test_one_stores_trouble_is_not_the_others(deps, listings):
    execute(deps, "UPDATE app.store SET channel = 'amazone'")
    other = make_seller(deps, "other@example.com")
    submit_job(deps, other.id, make_order(make_listing("THEIRS")))
    forget_work(deps)
    summary = run(deps)
    assert summary.submitted == 1
    assert summary.exit_code == 1
    assert "there are no rules for the channel 'amazone'" in str(summary)


def test_without_the_database_the_run_says_so_and_ends(deps, listings):
    class Cut(Run):
        def _look_at(self, *_):
            raise UnavailableError("the database is away")

    cut = Cut(deps, RunWish(everything=True))
    with pytest.raises(UnavailableError):
        cut.carry_out()
    away_url = "postgresql://nobody@127.0.0.1:1/none"
    with open_deps(away_url, deps.settings.redis_url) as away:
        summary = run(away)
    assert summary.exit_code == 1
    assert "the database is away" in str(summary)


def test_two_runs_at_once_submit_everything_once(deps, listings):
    summaries: list[Summary] = []
    both = [threading.Thread(target=lambda: summaries.append(run(deps))) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert sum(one.submitted for one in summaries) == 2
    assert query(deps, "SELECT count(*) FROM app.job") == [(2,)]


def test_a_listing_somebody_asks_for_while_the_run_chooses_is_left_to_them(deps, listings):
    class Overtaken(Run):
        def _submit(self, chosen):
            found = query(deps, "SELECT id FROM app.listing WHERE hard > 0 ORDER BY id")[0][0]
            wish = Wish(mode=Mode.REWRITE)
            submit_job(deps, listings.id, Order(channel="", wish=wish, listing_id=found))
            return super()._submit(chosen)

    overtaken = Overtaken(deps, RunWish(everything=True))
    overtaken.carry_out()
    assert overtaken.summary.submitted == 1
    assert overtaken.summary.skips[Skip.GONE] == 1
