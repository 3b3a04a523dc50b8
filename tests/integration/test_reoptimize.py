"""Cron-triggered re-optimization: only where it pays, never twice, never the live text."""

from __future__ import annotations

import threading

import pytest

from core.clock import today
from core.errors import ConflictError, UnavailableError
from core.ids import new_id
from domain.brief import Mode
from domain.budget.values import Caps
from domain.reoptimize.gain import Reason, Skip
from models import reoptimize_run as runs
from models.seller import set_caps
from services.reoptimize import Run, RunWish, reoptimize
from services.reoptimize_report import StorePass, Summary
from services.reoptimize_submit import build_batch_id
from services.schedules import put_schedule
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

pytestmark = pytest.mark.servers

GOOD = "Northfold Merino Wool Beanie, Green"


@pytest.fixture
def listings(deps, seller):
    """Two listings that break a rule and one that does not, without any job or suggestion."""
    good = make_listing("GOOD", title=GOOD)
    for one in (make_listing("BAD-1"), make_listing("BAD-2"), good):
        submit_job(deps, seller.id, make_order(one))
    forget_work(deps)
    return seller


def forget_work(deps) -> None:
    """As if all this had been asked for long ago, by rules that are no more."""
    execute(deps, "DELETE FROM app.job")


def run(deps, *, everything: bool = True, **wish) -> Summary:
    return reoptimize(deps, RunWish(everything=everything, **wish))


def let_days_pass(deps, days: int) -> None:
    """As if everything had happened so many days earlier."""
    for statement in (
        "UPDATE app.suggestion SET created_at = created_at - :days * interval '1 day'",
        "UPDATE app.revision SET created_at = created_at - :days * interval '1 day'",
        "UPDATE app.schedule SET looked_on = looked_on - CAST(:days AS integer)",
    ):
        execute(deps, statement, days=days)


def test_what_breaks_a_rule_is_submitted_once_in_the_scheduled_lane(deps, listings):
    first = run(deps)
    assert (first.looked_at, first.due, first.submitted) == (3, 2, 2)
    assert first.reasons == {Reason.HARD: 2}
    assert first.skips == {Skip.NOTHING: 1}
    again = run(deps)
    assert again.submitted == 0
    assert again.skips == {Skip.UNDER_WAY: 2, Skip.NOTHING: 1}
    assert query(deps, "SELECT lane, count(*) FROM app.job GROUP BY 1") == [("scheduled", 2)]


def test_a_dry_run_and_a_limit_submit_no_more_than_they_say(deps, listings):
    dry = run(deps, dry_run=True)
    assert (dry.due, dry.submitted) == (2, 2)
    assert "would submit 2" in str(dry)
    assert query(deps, "SELECT id FROM app.job") == []
    assert query(deps, "SELECT * FROM app.schedule") == []
    assert query(deps, "SELECT * FROM app.reoptimize_run") == []
    cut = run(deps, limit=1)
    assert cut.submitted == 1
    assert cut.skips[Skip.BEYOND] == 1


def test_a_paused_seller_is_left_alone(deps, listings):
    execute(deps, "UPDATE app.seller SET paused_at = clock_timestamp()")
    summary = run(deps)
    assert summary.submitted == 0
    assert summary.stores_left == {StorePass.PAUSED: 1}


def test_an_open_suggestion_is_not_overtaken_and_the_live_text_never_changed(deps, listings):
    texts = query(deps, "SELECT id, current_revision_id FROM app.listing ORDER BY id")
    run(deps)
    assert run_all(deps, make_worker(deps)) == 2
    assert query(deps, "SELECT DISTINCT status FROM app.suggestion") == [("open",)]
    assert query(deps, "SELECT id, current_revision_id FROM app.listing ORDER BY id") == texts
    forget_work(deps)
    assert run(deps).skips[Skip.OPEN_SUGGESTION] == 2


def test_work_that_was_done_is_not_done_again_and_the_output_says_so(deps, listings):
    run(deps)
    run_all(deps, make_worker(deps))
    # As if the proposals had been thrown away without a decision.
    execute(deps, "UPDATE app.listing SET open_suggestion_id = NULL")
    execute(deps, "UPDATE app.suggestion SET status = 'superseded'")
    let_days_pass(deps, 10)
    summary = run(deps)
    assert summary.submitted == 0
    assert summary.skips == {Skip.UNCHANGED: 2, Skip.NOTHING: 1}
    assert any("unchanged since this very work was done" in line for line in summary.list_lines())


def test_a_listing_rests_after_a_proposal(deps, listings):
    run(deps)
    run_all(deps, make_worker(deps))
    execute(deps, "UPDATE app.listing SET open_suggestion_id = NULL")
    execute(deps, "UPDATE app.suggestion SET status = 'superseded'")
    assert run(deps).skips[Skip.RESTING] == 2


def test_what_the_seller_rejected_is_not_proposed_again_unless_a_rule_changed(deps, listings):
    run(deps)
    run_all(deps, make_worker(deps))
    execute(deps, "UPDATE app.listing SET open_suggestion_id = NULL")
    execute(deps, "UPDATE app.suggestion SET status = 'rejected'")
    let_days_pass(deps, 10)
    forget_work(deps)
    assert run(deps).skips[Skip.DECIDED] == 2
    forget_rule(deps, "ebay.title.max")
    changed = run(deps)
    assert changed.submitted == 2
    assert changed.reasons[Reason.RULE_CHANGED] == 2


def forget_rule(deps, rule: str) -> None:
    """As if the rule had not been there at the last look."""
    execute(
        deps, "UPDATE app.schedule SET known_rules = known_rules - CAST(:rule AS text)", rule=rule
    )


def test_a_text_that_changed_since_it_was_worked_on_is_a_reason(deps, seller):
    submit_job(deps, seller.id, make_order(make_listing("A", title=GOOD)))
    run_all(deps, make_worker(deps))
    assert run(deps).submitted == 0
    again = make_listing("A", title=f"{GOOD} Hat", search_terms="")
    submit_job(deps, seller.id, make_order(again))
    execute(deps, "DELETE FROM app.job WHERE state = 'available'")
    execute(deps, "UPDATE app.listing SET score = 90")
    assert run(deps).reasons == {Reason.SOURCE_CHANGED: 1}


def test_a_refusal_under_an_older_prompt_is_tried_again(deps, listings):
    run(deps)
    run_all(deps, make_worker(deps))
    execute(deps, "UPDATE app.listing SET open_suggestion_id = NULL")
    execute(deps, "UPDATE app.suggestion SET status = 'refused', prompt_version = 'older'")
    let_days_pass(deps, 10)
    forget_work(deps)
    assert run(deps).reasons == {Reason.HARD: 2, Reason.OLDER_PROMPT: 2}


def test_old_texts_count_only_where_the_seller_switched_that_on(deps, seller):
    # An empty field, so that there is something to improve.
    submit_job(deps, seller.id, make_order(make_listing("A", title=GOOD, search_terms="")))
    forget_work(deps)
    execute(deps, "UPDATE app.listing SET score = 90")
    let_days_pass(deps, 100)
    assert run(deps).submitted == 0
    put_schedule(deps, seller.id, "ebay", every="weekly", age_days=90)
    assert run(deps).reasons == {Reason.AGE: 1}


def test_a_channels_revisions_a_day_are_kept(deps, listings):
    row = query(deps, "SELECT seller_id, id FROM app.listing WHERE hard > 0 ORDER BY id LIMIT 1")[0]
    execute(
        deps,
        "INSERT INTO app.revision (seller_id, id, listing_id, origin, fields, hash)"
        " SELECT :seller, gen_random_uuid(), :listing, 'import', '{}', n::text"
        " FROM generate_series(1, 250) n",
        seller=row[0],
        listing=row[1],
    )
    summary = run(deps)
    assert summary.skips[Skip.REVISIONS] == 1
    assert summary.submitted == 1


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
    killed = run_until_killed(deps, monkey_limit=1)
    assert killed == 1
    assert query(deps, "SELECT total FROM app.batch") == [(0,)], "nobody sealed it"
    lose_lease(deps)
    assert run(deps).submitted == 1
    assert query(deps, "SELECT count(*) FROM app.job") == [(2,)]
    assert query(deps, "SELECT total FROM app.batch") == [(2,)]
    outcomes = query(deps, "SELECT outcome FROM app.reoptimize_run ORDER BY started_at")
    assert outcomes == [("lost",), ("done",)]


def run_until_killed(deps, *, monkey_limit: int) -> int:
    """A run that dies after so many were submitted: nothing after that happens, no clean-up."""
    dying = Run(deps, RunWish(everything=True, limit=monkey_limit))
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


def test_schedules_are_honoured_and_what_is_left_out_is_said(deps, listings):
    unsaid = run(deps, everything=False)
    assert (unsaid.looked_at, unsaid.stores_left) == (0, {StorePass.UNSAID: 1})
    assert any("--all" in line for line in unsaid.list_lines())
    put_schedule(deps, listings.id, "ebay", every="off", age_days=None)
    assert run(deps, everything=True).stores_left == {StorePass.OFF: 1}
    put_schedule(deps, listings.id, "ebay", every="weekly", age_days=None)
    assert run(deps, everything=False).submitted == 2
    assert run(deps, everything=False).stores_left == {StorePass.NOT_DUE: 1}
    let_days_pass(deps, 7)
    assert run(deps, everything=False).stores == 1


def test_a_schedule_on_rules_waits_for_one_and_then_minds_only_that(deps, listings):
    submit_job(
        deps, listings.id, make_order(make_listing("LONG", title="Beanie " * 20, description=""))
    )
    forget_work(deps)
    put_schedule(deps, listings.id, "ebay", every="rules", age_days=None)
    assert run(deps, everything=False).stores_left == {StorePass.NOT_DUE: 1}
    forget_rule(deps, "ebay.title.max")
    summary = run(deps, everything=False)
    assert summary.submitted == summary.reasons[Reason.RULE_CHANGED] == 3
    assert run(deps, everything=False).stores_left == {StorePass.NOT_DUE: 1}


def test_a_look_that_was_cut_is_due_again(deps, listings):
    put_schedule(deps, listings.id, "ebay", every="weekly", age_days=None)
    assert run(deps, everything=False, limit=1).submitted == 1
    assert query(deps, "SELECT looked_on FROM app.schedule") == [(None,)]
    assert run(deps, everything=False, limit=1).submitted == 1
    assert query(deps, "SELECT looked_on IS NOT NULL FROM app.schedule") == [(True,)]


def test_what_was_measured_under_other_rules_is_measured_anew(deps, listings):
    execute(deps, "UPDATE app.listing SET hard = 0, state = 'good'")
    run(deps)
    assert query(deps, "SELECT count(*) FROM app.listing WHERE hard > 0") == [(2,)]


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
