"""Files from upload to the last job, bad ones, interrupted ones and repeated ones included."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from core.errors import ConflictError, InvalidFieldError, NotFoundError, TooLargeError
from domain.job import MAX_CRASHES
from services.accept import accept_import
from services.dispatch import Rounds, run_tick
from services.failures import list_failures
from services.import_show import get_import
from services.import_work import run_import
from services.imports import cancel_import, confirm_import
from tests.support.jobs import (
    claim,
    execute,
    import_all,
    list_claimable,
    lose_process,
    make_csv,
    make_due,
    make_seller,
    make_worker,
    query,
    run_all,
    sweep,
    upload,
)
from tests.support.llm_door import make_mortal

pytestmark = pytest.mark.servers

GOOD = "sku,title,description\r\nA,Red mug,Plain\r\n"

BAD_FILES = {
    "empty": (b"", 1, None, "empty"),
    "binary": (bytes(range(256)) * 20, 1, None, "binary"),
    "picture": (b"\x89PNG\r\n\x1a\n" + bytes(60), 1, None, "picture"),
    "header only": (b"sku,title\r\n", 1, None, "no rows"),
    "no title column": (b"code,colour\n1,red\n", 1, "title", "title"),
    "unclosed quote": (b'sku,title\nA,"open\nB,mug\n', 2, "cell 2", "quot"),
    "NUL": (b"sku,title,br\0and\nA,Red mug,x\n", 1, "br\ufffdand", "NUL"),
}


def shown(deps, seller, import_id):
    return get_import(deps, seller.id, import_id)


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_file_that_cannot_be_read_says_where_why_and_what_to_do(deps, seller, name):
    content, line, column, word = BAD_FILES[name]
    import_id = upload(deps, seller, content)
    run_all(deps, make_worker(deps))
    found = shown(deps, seller, import_id)
    assert found["state"] == "failed"
    error = found["error"]
    assert word in error["message"]
    assert error["remedy"]
    assert error["field"]
    assert (error.get("line"), error.get("column") or None) == (line, column)
    assert "Traceback" not in json.dumps(error)
    with pytest.raises(ConflictError, match="failed"):
        confirm_import(deps, seller.id, import_id)
    assert query(deps, "SELECT state FROM app.job") == [("discarded",)]


def test_a_nul_byte_stops_its_row_alone(deps, seller):
    content = (GOOD + "B\0,Blue \0mug,Plain\r\nC,Green mug,Plain\r\n").encode()
    import_id = upload(deps, seller, content)
    run_all(deps, make_worker(deps))
    found = shown(deps, seller, import_id)
    assert (found["state"], found["products"], found["estimate"]["jobs"]) == ("ready", 3, 2)
    assert [(one["line"], one["code"]) for one in found["problems"]] == [(3, "nul_byte")]


def test_rows_that_are_odd_are_named_and_stop_no_good_row(deps, seller):
    content = (GOOD + "A,Another mug,Plain\r\nB,\r\nC,Green mug,Plain,9,9\r\n").encode()
    import_id = import_all(deps, seller, content)
    found = shown(deps, seller, import_id)
    assert found["state"] == "done"
    assert found["progress"]["counts"]["completed"] >= 2
    lines = {one["line"] for one in found["problems"]}
    assert 3 in lines, "the same SKU twice"
    assert all(one["message"] and one["code"] for one in found["problems"])


@pytest.mark.parametrize("column", ["title", "description"])
def test_a_cell_of_40_000_characters_is_work_like_any_other(deps, seller, column):
    cells = {"title": "Red mug", "description": "Plain", column: "mug " * 10_000}
    content = GOOD + f"B,{cells['title']},{cells['description']}\r\n"
    found = shown(deps, seller, import_all(deps, seller, content.encode()))
    assert found["state"] == "done"
    assert found["progress"]["counts"]["completed"] == 2
    assert found["progress"]["counts"].get("discarded", 0) == 0


def test_an_unknown_channel_is_refused_before_anything_is_stored(deps, seller):
    with pytest.raises(InvalidFieldError, match="amazn") as caught:
        upload(deps, seller, GOOD.encode(), channel="amazn")
    assert "amazon" in caught.value.remedy
    assert query(deps, "SELECT count(*) FROM app.import_file") == [(0,)]


def test_a_file_of_no_marketplace_needs_a_channel(deps, seller):
    import_id = upload(deps, seller, GOOD.encode(), channel="")
    run_all(deps, make_worker(deps))
    error = shown(deps, seller, import_id)["error"]
    assert (error["field"], bool(error["remedy"])) == ("channel", True)


def test_a_file_above_the_limit_leaves_nothing(deps, seller):
    small = replace(deps, settings=replace(deps.settings, max_upload_bytes=1024))
    with pytest.raises(TooLargeError):
        upload(small, seller, b"x" * 4096)
    assert query(deps, "SELECT id FROM app.import_file") == []
    assert query(deps, "SELECT seq FROM app.import_chunk") == []
    assert query(deps, "SELECT id FROM app.job") == []


def test_every_product_becomes_a_job_and_the_import_is_done(deps, seller):
    import_id = import_all(deps, seller, make_csv(7))
    found = shown(deps, seller, import_id)
    assert (found["state"], found["rows"], found["products"]) == ("done", 7, 7)
    progress = found["progress"]
    assert (progress["total"], progress["finished"]) == (7, 7)
    assert (progress["counts"]["completed"], progress["counts"]["engine_rules"]) == (7, 7)
    assert list_failures(deps, seller.id, found["batch_id"]) == []


@pytest.mark.parametrize("limit", [0, 1, 3])
def test_a_limit_counts_products_in_file_order(deps, seller, limit):
    import_id = import_all(deps, seller, make_csv(5), limit=limit)
    found = shown(deps, seller, import_id)
    assert (found["state"], found["products"]) == ("done", 5)
    assert found["progress"]["total"] == limit
    keys = query(deps, "SELECT source_key FROM app.import_item ORDER BY ordinal")
    assert keys == [(f"SKU-{n}",) for n in range(limit)]


def test_confirming_twice_is_confirming_once(deps, seller):
    import_id = upload(deps, seller, make_csv(3))
    with pytest.raises(ConflictError, match="received"):
        confirm_import(deps, seller.id, import_id)
    worker = make_worker(deps)
    run_all(deps, worker)
    confirm_import(deps, seller.id, import_id)
    confirm_import(deps, seller.id, import_id)
    run_all(deps, worker)
    confirm_import(deps, seller.id, import_id)
    assert query(deps, "SELECT kind, count(*) FROM app.job GROUP BY 1 ORDER BY 1") == [
        ("import", 2),
        ("optimize", 3),
    ]


def test_another_seller_s_import_does_not_exist(deps, seller):
    import_id = upload(deps, seller, make_csv(1))
    other = make_seller(deps, "other@example.com")
    for act in (
        lambda: get_import(deps, other.id, import_id),
        lambda: confirm_import(deps, other.id, import_id),
        lambda: cancel_import(deps, other.id, import_id, "mine now"),
    ):
        with pytest.raises(NotFoundError):
            act()
    assert shown(deps, seller, import_id)["state"] == "received"


def test_the_same_file_again_makes_nothing_twice(deps, seller):
    import_all(deps, seller, make_csv(4))
    again = import_all(deps, seller, make_csv(4))
    counts = shown(deps, seller, again)["progress"]["counts"]
    assert (counts["completed"], counts["reused"]) == (4, 4)
    assert query(deps, "SELECT count(*) FROM app.product") == [(4,)]
    assert query(deps, "SELECT count(*) FROM app.listing") == [(4,)]
    assert query(deps, "SELECT count(*) FROM app.revision") == [(4,)]
    assert query(deps, "SELECT status, count(*) FROM app.suggestion GROUP BY 1 ORDER BY 1") == [
        ("open", 4),
        ("superseded", 4),
    ]


def test_two_imports_of_the_same_file_at_once_both_end_and_count_each_job_once(deps, seller):
    worker = make_worker(deps)
    imports = [upload(deps, seller, make_csv(4)) for _ in range(2)]
    run_all(deps, worker)
    for import_id in imports:
        confirm_import(deps, seller.id, import_id)
    # One job at a time, so that the second import meets works of the first that are half done.
    for _ in range(60):
        run_tick(deps, Rounds())
        make_due(deps)
        due = list_claimable(deps)
        if not due:
            break
        worker.run(due[-1])
        worker.run(due[0])
    run_tick(deps, Rounds())
    for import_id in imports:
        found = shown(deps, seller, import_id)
        assert found["state"] == "done"
        assert found["progress"]["counts"]["completed"] == 4
    assert query(deps, "SELECT count(*) FROM app.job WHERE kind = 'optimize'") == [(8,)]


def test_reading_goes_on_after_a_crash_where_it_was(deps, seller):
    """Chunks are stored as they are read; a crash in between stores none of them twice."""
    import_id = upload(deps, seller, make_csv(450))
    [job_id] = list_claimable(deps)
    doomed = make_worker(deps)
    job = claim(doomed, job_id)
    execute(
        deps,
        "CREATE FUNCTION public.crash() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE SQLSTATE '57014'; END $$",
    )
    execute(
        deps,
        "CREATE TRIGGER crash BEFORE INSERT ON app.import_item FOR EACH ROW"
        " WHEN (NEW.ordinal >= 200) EXECUTE FUNCTION public.crash()",
    )
    run_import(deps, job)
    assert query(deps, "SELECT count(*) FROM app.import_item") == [(200,)]
    assert query(deps, "SELECT state, failures FROM app.job") == [("retryable", 1)]
    execute(deps, "DROP TRIGGER crash ON app.import_item")
    make_due(deps)
    run_all(deps, doomed)
    found = shown(deps, seller, import_id)
    assert (found["state"], found["products"]) == ("ready", 450)
    assert query(deps, "SELECT count(*), count(DISTINCT source_key) FROM app.import_item") == [
        (450, 450)
    ]


def test_a_long_file_is_read_in_turns_from_a_cursor(deps, seller, monkeypatch):
    monkeypatch.setattr("services.import_read.CLAIM_S", -1.0)
    import_id = upload(deps, seller, make_csv(450))
    ran = run_all(deps, make_worker(deps))
    assert ran == 4
    found = shown(deps, seller, import_id)
    assert (found["state"], found["products"], found["estimate"]["jobs"]) == ("ready", 450, 450)
    assert query(deps, "SELECT claim_no, failures FROM app.job") == [(4, 0)]


def test_an_import_whose_reader_keeps_dying_fails_and_says_so(deps, seller):
    import_id = upload(deps, seller, make_csv(3))
    [job_id] = list_claimable(deps)
    for _ in range(MAX_CRASHES + 1):
        doomed = make_worker(deps)
        claim(doomed, job_id)
        lose_process(doomed)
        sweep(deps)
    found = shown(deps, seller, import_id)
    assert (found["state"], found["error"]["code"]) == ("failed", "worker_lost")


def test_a_fault_of_ours_fails_the_import_instead_of_leaving_it_for_ever(deps, seller):
    import_id = upload(deps, seller, make_csv(3))
    execute(deps, "ALTER TABLE app.import_item RENAME TO import_item_gone")
    run_all(deps, make_worker(deps))
    found = shown(deps, seller, import_id)
    assert (found["state"], found["error"]["code"]) == ("failed", "internal_error")


@pytest.mark.parametrize("phase", ["received", "confirmed"])
@pytest.mark.parametrize("turn", range(1, 8))
def test_an_import_cancelled_at_any_moment_stays_cancelled(deps, seller, phase, turn):
    """``turn`` is the transaction of the import's job before which the cancellation comes."""
    import_id = upload(deps, seller, make_csv(3))
    worker = make_worker(deps)
    if phase == "confirmed":
        run_all(deps, worker)
        confirm_import(deps, seller.id, import_id)
    [job_id] = list_claimable(deps)
    job = claim(worker, job_id)
    watched, database = make_mortal(deps)
    turns = iter(range(1, 1000))

    def cancel_at_turn() -> None:
        if next(turns) == turn:
            cancel_import(deps, seller.id, import_id, "changed my mind")

    database.meanwhile = cancel_at_turn
    run_import(watched, job)
    if next(turns) <= turn:
        cancel_import(deps, seller.id, import_id, "changed my mind")
    run_all(deps, worker)
    assert shown(deps, seller, import_id)["state"] == "cancelled"
    states = {row[0] for row in query(deps, "SELECT state FROM app.job")}
    assert states <= {"cancelled", "completed"}
    assert query(deps, "SELECT count(*) FROM app.suggestion") == [(0,)]


def test_a_reader_that_was_overtaken_changes_nothing(deps, seller):
    import_id = upload(deps, seller, make_csv(3))
    [job_id] = list_claimable(deps)
    late = make_worker(deps)
    old = claim(late, job_id)
    lose_process(late)
    sweep(deps)
    worker = make_worker(deps)
    run_all(deps, worker)
    confirm_import(deps, seller.id, import_id)
    run_all(deps, worker)
    before = shown(deps, seller, import_id)
    assert before["state"] == "done"
    run_import(deps, old)
    assert shown(deps, seller, import_id) == before


def test_cancelling_an_import_ends_its_waiting_jobs(deps, seller):
    import_id = upload(deps, seller, make_csv(5))
    worker = make_worker(deps)
    run_all(deps, worker)
    confirm_import(deps, seller.id, import_id)
    [submit] = list_claimable(deps)
    worker.run(submit)
    worker.run(list_claimable(deps)[0])
    cancel_import(deps, seller.id, import_id, "changed my mind")
    cancel_import(deps, seller.id, import_id, "again")
    assert run_all(deps, worker) == 0
    found = shown(deps, seller, import_id)
    assert found["state"] == "cancelled"
    assert found["progress"]["counts"] | {} == found["progress"]["counts"]
    assert query(
        deps,
        "SELECT state, count(*) FROM app.job WHERE kind = 'optimize' GROUP BY 1 ORDER BY 1",
    ) == [("cancelled", 4), ("completed", 1)]
    assert accept_import(deps, seller.id, import_id, actor="test") == 1
