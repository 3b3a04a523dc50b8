"""Decisions: field by field, all or none, undone, never on another's or an outdated suggestion."""

from __future__ import annotations

import uuid

import pytest

from core.errors import ConflictError, InvalidFieldError, NotFoundError
from services.accept import accept_import
from services.review import Decision, decide, get_suggestion, undo
from services.submit import get_job, submit_job
from tests.support.jobs import (
    execute,
    import_all,
    make_csv,
    make_listing,
    make_order,
    make_seller,
    make_wish,
    make_worker,
    query,
    run_all,
    upload,
)

pytestmark = pytest.mark.servers

ACCEPT = Decision(action="accept")


def suggest(deps, seller, listing=None, **wish):
    """A suggestion for a listing, made by rules."""
    order = make_order(listing, channel="etsy", wish=make_wish(**wish))
    job_id = submit_job(deps, seller.id, order).job_id
    make_worker(deps).run(job_id)
    return get_suggestion(deps, seller.id, get_job(deps, seller.id, job_id)["suggestion_id"])


@pytest.fixture
def suggestion(deps, seller):
    """A suggestion on a title."""
    made = suggest(deps, seller, make_listing(title="BEANIE " * 30))
    assert {one["field"] for one in made["fields"] if one["after"] is not None} >= {"title"}
    return made


def read_current(deps):
    [(fields,)] = query(
        deps,
        "SELECT r.fields FROM app.listing l JOIN app.revision r ON r.id = l.current_revision_id",
    )
    return fields


def offered(suggestion):
    return {one["field"]: one["after"] for one in suggestion["fields"] if one["after"] is not None}


def test_accepted_texts_become_the_listing_s_own(deps, seller, suggestion):
    wanted = offered(suggestion)
    done = decide(deps, seller.id, suggestion["id"], dict.fromkeys(wanted, ACCEPT), actor="ann")
    assert done["status"] == "accepted"
    assert {name: read_current(deps)[name] for name in wanted} == wanted
    assert query(deps, "SELECT open_suggestion_id FROM app.listing") == [(None,)]
    assert query(deps, "SELECT DISTINCT action, actor, viewed FROM app.decision") == [
        ("accept", "ann", True)
    ]


def test_an_edit_is_taken_when_it_breaks_no_rule(deps, seller, suggestion):
    edit = Decision(action="edit", text="Merino Wool Beanie")
    decide(deps, seller.id, suggestion["id"], {"title": edit}, actor="ann")
    assert read_current(deps)["title"] == "Merino Wool Beanie"


@pytest.mark.parametrize(
    ("text", "word"), [("x" * 300, "char"), (("a", "b"), "one text"), ("Beanie $$$ %%% ::: &", "")]
)
def test_an_edit_that_breaks_a_rule_is_refused_with_its_field(deps, seller, suggestion, text, word):
    edits = {"title": Decision(action="edit", text=text)}
    with pytest.raises(InvalidFieldError) as caught:
        decide(deps, seller.id, suggestion["id"], edits, actor="ann")
    assert caught.value.field == "decisions.title.edit"
    assert word in caught.value.message
    assert query(deps, "SELECT count(*) FROM app.decision") == [(0,)]


def test_a_rejection_keeps_its_reason_and_the_seller_s_text(deps, seller, suggestion):
    before = read_current(deps)
    rejected = {
        name: Decision(action="reject", reason="not my style") for name in offered(suggestion)
    }
    done = decide(deps, seller.id, suggestion["id"], rejected, actor="ann")
    assert done["status"] == "rejected"
    assert read_current(deps) == before
    assert query(deps, "SELECT DISTINCT action, reason FROM app.decision") == [
        ("reject", "not my style")
    ]


@pytest.mark.parametrize(
    "decisions",
    [{}, {"title": ACCEPT, "colour": ACCEPT}, {"bullets": ACCEPT}],
    ids=["none", "an unknown field", "a field not in it"],
)
def test_all_or_none_of_the_decisions_are_taken(deps, seller, suggestion, decisions):
    with pytest.raises(InvalidFieldError) as caught:
        decide(deps, seller.id, suggestion["id"], decisions, actor="ann")
    assert caught.value.field.startswith("decisions")
    assert caught.value.remedy
    assert query(deps, "SELECT count(*) FROM app.decision") == [(0,)]
    assert get_suggestion(deps, seller.id, suggestion["id"])["status"] == "open"


def test_a_refused_field_cannot_be_accepted(deps, seller, suggestion):
    execute(deps, "UPDATE app.suggestion_field SET after = NULL WHERE field = 'title'")
    with pytest.raises(InvalidFieldError, match="nothing is offered"):
        decide(deps, seller.id, suggestion["id"], {"title": ACCEPT}, actor="ann")


def test_a_decision_on_a_part_leaves_the_rest_open(deps, seller):
    shouting = make_listing(title="BEANIE " * 30, description="BUY NOW!!! " * 3)
    made = suggest(deps, seller, shouting, engine="rules")
    execute(
        deps,
        "INSERT INTO app.suggestion_field (seller_id, suggestion_id, field, engine, before,"
        " proposed, after) SELECT seller_id, suggestion_id, 'description', engine, '\"x\"',"
        " '\"y\"', '\"Soft and warm.\"' FROM app.suggestion_field WHERE field = 'title'"
        " ON CONFLICT DO NOTHING",
    )
    after = decide(deps, seller.id, made["id"], {"title": ACCEPT}, actor="ann")
    assert after["status"] == "open"
    rejected = {"description": Decision(action="reject", reason="no")}
    others = set(offered(after)) - {"title", "description"}
    last = decide(deps, seller.id, made["id"], rejected | dict.fromkeys(others, ACCEPT), actor="a")
    assert last["status"] == "partly_accepted"


def test_undo_brings_the_former_text_and_the_choice_back(deps, seller, suggestion):
    before = read_current(deps)
    decisions = dict.fromkeys(offered(suggestion), ACCEPT)
    decide(deps, seller.id, suggestion["id"], decisions, actor="ann")
    again = undo(deps, seller.id, suggestion["id"], actor="bob")
    assert (again["status"], read_current(deps)) == ("open", before)
    assert all(one["action"] is None and one["final"] is None for one in again["fields"])
    decide(deps, seller.id, suggestion["id"], decisions, actor="ann")
    assert query(deps, "SELECT action FROM app.decision WHERE field = 'title' ORDER BY id") == [
        ("accept",),
        ("undo",),
        ("accept",),
    ]


def test_nothing_can_be_undone_before_it_is_done(deps, seller, suggestion):
    with pytest.raises(ConflictError, match="nothing was decided"):
        undo(deps, seller.id, suggestion["id"], actor="ann")


def test_what_was_changed_since_is_not_undone(deps, seller, suggestion):
    decide(
        deps, seller.id, suggestion["id"], dict.fromkeys(offered(suggestion), ACCEPT), actor="ann"
    )
    submit_job(
        deps,
        seller.id,
        make_order(make_listing(title="A wholly new title"), channel="etsy"),
    )
    with pytest.raises(ConflictError, match="changed since"):
        undo(deps, seller.id, suggestion["id"], actor="ann")
    assert read_current(deps)["title"] == "A wholly new title"


def test_a_new_text_makes_the_open_suggestion_stale(deps, seller, suggestion):
    new = make_order(make_listing(title="A wholly new title"), channel="etsy")
    submit_job(deps, seller.id, new)
    assert get_suggestion(deps, seller.id, suggestion["id"])["status"] == "stale"
    with pytest.raises(ConflictError, match="stale"):
        decide(deps, seller.id, suggestion["id"], {"title": ACCEPT}, actor="ann")


def test_a_result_for_a_text_that_is_gone_is_stored_as_stale(deps, seller):
    order = make_order(make_listing(title="BEANIE " * 30), channel="etsy")
    job_id = submit_job(deps, seller.id, order).job_id
    new = make_order(make_listing(title="A wholly new title"), channel="etsy")
    submit_job(deps, seller.id, new)
    make_worker(deps).run(job_id)
    assert query(deps, "SELECT status FROM app.suggestion") == [("stale",)]
    assert query(deps, "SELECT open_suggestion_id FROM app.listing") == [(None,)]


def test_another_seller_s_suggestion_does_not_exist(deps, seller, suggestion):
    other = make_seller(deps, "other@example.com")
    for act in (
        lambda: decide(deps, other.id, suggestion["id"], {"title": ACCEPT}, actor="eve"),
        lambda: undo(deps, other.id, suggestion["id"], actor="eve"),
        lambda: get_suggestion(deps, other.id, suggestion["id"]),
        lambda: decide(deps, seller.id, uuid.uuid4(), {"title": ACCEPT}, actor="ann"),
    ):
        with pytest.raises(NotFoundError):
            act()
    assert query(deps, "SELECT count(*) FROM app.decision") == [(0,)]


def test_decisions_are_never_changed(deps, seller, suggestion):
    """Deciding, undoing and deciding again only ever adds rows."""
    seen: list[tuple[object, ...]] = []
    decisions = dict.fromkeys(offered(suggestion), ACCEPT)
    for _ in range(2):
        decide(deps, seller.id, suggestion["id"], decisions, actor="ann")
        undo(deps, seller.id, suggestion["id"], actor="ann")
        now = query(deps, "SELECT * FROM app.decision ORDER BY id")
        assert now[: len(seen)] == seen
        assert len(now) > len(seen)
        seen = now


def test_bulk_acceptance_takes_the_import_s_suggestions_and_no_other(deps, seller):
    outside = suggest(deps, seller, make_listing("OTHER", title="BEANIE " * 30))
    import_id = import_all(deps, seller, make_csv(3))
    assert accept_import(deps, seller.id, import_id, actor="ann") == 3
    assert accept_import(deps, seller.id, import_id, actor="ann") == 0
    assert get_suggestion(deps, seller.id, outside["id"])["status"] == "open"
    assert query(deps, "SELECT DISTINCT viewed, bulk_id IS NOT NULL FROM app.decision") == [
        (False, True)
    ]


def test_a_new_file_with_another_text_makes_suggestions_stale(deps, seller):
    import_id = import_all(deps, seller, make_csv(2))
    upload_id = upload(deps, seller, make_csv(2).replace(b"Northfold", b"Southfold"))
    run_all(deps, make_worker(deps))
    assert upload_id != import_id
    assert query(deps, "SELECT DISTINCT status FROM app.suggestion") == [("stale",)]
