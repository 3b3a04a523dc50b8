"""Cron-triggered re-optimization: only where it pays, never twice, never the live text."""

from __future__ import annotations

import pytest

from domain.reoptimize.gain import Reason, Skip
from services.reoptimize_report import StorePass
from services.schedules import put_schedule
from services.submit import submit_job
from tests.support.jobs import (
    execute,
    make_listing,
    make_order,
    make_worker,
    query,
    run_all,
)
from tests.support.reoptimize import GOOD, forget_work, let_days_pass, run, submit_listings

pytestmark = pytest.mark.servers


@pytest.fixture
def listings(deps, seller):
    return submit_listings(deps, seller)


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
