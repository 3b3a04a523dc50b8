"""Submitting an import's jobs: what needs nothing is done at once, and no crash counts twice."""

from __future__ import annotations

import pytest

from services.import_options import ImportOptions
from services.import_receive import receive_import
from services.import_show import get_import
from services.import_submit import submit_jobs
from services.imports import confirm_import
from tests.support.jobs import list_claimable, make_worker, query, run_all

pytestmark = pytest.mark.servers

FILE = (
    "sku,title,description\n"
    "A-1,Blue Cotton Shirt,Plain weave.\n"
    "A-2,Green Cotton Shirt,Plain weave.\n"
    f"A-3,{'Very Long Linen Tablecloth Title ' * 6},Plain weave.\n"
)


def submit(deps, seller):
    import_id = receive_import(
        deps,
        seller.id,
        name="shirts.csv",
        channel="ebay",
        options=ImportOptions(),
        body=[FILE.encode()],
    )
    worker = make_worker(deps)
    run_all(deps, worker)
    confirm_import(deps, seller.id, import_id)
    return import_id, worker


def test_listings_that_need_nothing_are_done_without_a_worker(deps, seller):
    import_id, worker = submit(deps, seller)
    [submission] = list_claimable(deps)
    worker.run(submission)
    counts = get_import(deps, seller.id, import_id)["progress"]["counts"]
    assert (counts["completed"], counts["already_good"]) == (2, 2)
    assert query(deps, "SELECT count(*) FROM app.job WHERE state = 'available'") == [(1,)]
    run_all(deps, worker)
    shown = get_import(deps, seller.id, import_id)
    assert (shown["state"], shown["progress"]["finished"]) == ("done", 3)
    assert shown["progress"]["counts"]["improved"] == 1


def test_a_chunk_done_again_after_a_crash_adds_and_counts_nothing(deps, seller, monkeypatch):
    import_id, worker = submit(deps, seller)
    crash_once = iter([True])

    def die_before_the_seal(deps, job, row):
        if next(crash_once, False):
            monkeypatch.setattr("services.import_submit._seal", raise_crash)
        submit_jobs(deps, job, row)

    class Crash(BaseException):
        """The process is gone."""

    def raise_crash(*_):
        raise Crash

    monkeypatch.setattr("services.import_work.submit_jobs", die_before_the_seal)
    [submission] = list_claimable(deps)
    with pytest.raises(Crash):
        worker.run(submission)
    monkeypatch.undo()
    with deps.database.transaction(system="test") as session:
        session.connection().exec_driver_sql(
            "UPDATE app.job SET state = 'available' WHERE state = 'running'"
        )
    run_all(deps, worker)
    shown = get_import(deps, seller.id, import_id)
    assert shown["progress"]["finished"] == 3
    assert query(deps, "SELECT count(*) FROM app.job WHERE kind = 'optimize'") == [(3,)]
