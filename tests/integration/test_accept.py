"""Accepting a whole import: in pages, as a job that survives what may happen to it."""

from __future__ import annotations

from typing import Any

import pytest

import services.accept
from core.errors import ConflictError, NotFoundError
from core.ids import new_id
from models import job as jobs
from services.accept import accept_import, find_acceptance, run_accept, submit_accept
from tests.integration.test_voice_pages import send
from tests.support.jobs import (
    claim,
    execute,
    import_all,
    list_claimable,
    lose_process,
    make_csv,
    make_seller,
    make_worker,
    query,
    run_all,
    sweep,
    upload,
)
from tests.support.web import Web, open_web
from tests.support.web import upload as send_file

pytestmark = pytest.mark.servers


@pytest.fixture
def import_id(deps, seller, monkeypatch):
    """Five open suggestions, in pages of two."""
    monkeypatch.setattr(services.accept, "PAGE", 2)
    return import_all(deps, seller, make_csv(5))


def count_open(deps) -> int:
    [(count,)] = query(deps, "SELECT count(*) FROM app.suggestion WHERE status = 'open'")
    return int(count)


def look(deps, seller, import_id) -> dict[str, Any]:
    found = find_acceptance(deps, seller.id, import_id)
    assert found is not None
    return found


def submit(deps, seller, import_id):
    job_id = submit_accept(deps, seller.id, import_id, actor="ann")
    assert list_claimable(deps) == [job_id]
    return job_id


def test_every_open_suggestion_is_accepted_and_counted(deps, seller, import_id):
    assert find_acceptance(deps, seller.id, import_id) is None
    job_id = submit(deps, seller, import_id)
    waiting = look(deps, seller, import_id)
    assert (waiting["seen"], waiting["total"], waiting["over"]) == (0, 5, False)
    assert run_all(deps, make_worker(deps)) == 1
    done = look(deps, seller, import_id)
    assert (done["job_id"], done["state"], done["seen"], done["accepted"]) == (
        job_id,
        "completed",
        5,
        5,
    )
    assert count_open(deps) == 0
    assert query(deps, "SELECT DISTINCT actor, bulk_id, viewed FROM app.decision") == [
        ("ann", job_id, False)
    ]


def test_asked_twice_it_is_one_job_and_asked_later_another(deps, seller, import_id):
    first = submit(deps, seller, import_id)
    assert submit_accept(deps, seller.id, import_id, actor="bob") == first
    run_all(deps, make_worker(deps))
    second = submit_accept(deps, seller.id, import_id, actor="bob")
    assert second != first
    run_all(deps, make_worker(deps))
    assert look(deps, seller, import_id)["accepted"] == 0


def test_a_long_one_goes_on_where_it_was(deps, seller, import_id, monkeypatch):
    job_id = submit(deps, seller, import_id)
    monkeypatch.setattr(services.accept, "CLAIM_S", 0.0)
    worker = make_worker(deps)
    worker.run(job_id)
    half = look(deps, seller, import_id)
    assert (half["seen"], half["accepted"], half["over"]) == (2, 2, False)
    run_all(deps, worker)
    assert look(deps, seller, import_id)["accepted"] == 5


def test_a_worker_killed_in_the_middle_loses_and_doubles_nothing(
    deps, seller, import_id, monkeypatch
):
    job_id = submit(deps, seller, import_id)
    worker = make_worker(deps)
    job = claim(worker, job_id)
    pages = []
    whole = jobs.save_cursor

    def die(*given):
        pages.append(1)
        if len(pages) == 2:
            raise KeyboardInterrupt
        return whole(*given)

    monkeypatch.setattr(jobs, "save_cursor", die)
    with pytest.raises(KeyboardInterrupt):
        run_accept(deps, job)
    monkeypatch.setattr(jobs, "save_cursor", whole)
    assert count_open(deps) == 3
    lose_process(worker)
    sweep(deps)
    run_all(deps, make_worker(deps))
    assert look(deps, seller, import_id)["accepted"] == 5
    assert query(deps, "SELECT count(*) FROM app.decision") == [(5,)]


def test_an_overtaken_worker_takes_its_page_back(deps, seller, import_id):
    job_id = submit(deps, seller, import_id)
    job = claim(make_worker(deps), job_id)
    execute(deps, "UPDATE app.job SET claim_no = claim_no + 1 WHERE id = :id", id=job_id)
    run_accept(deps, job)
    assert count_open(deps) == 5
    assert query(deps, "SELECT state FROM app.job WHERE id = :id", id=job_id) == [("running",)]


def test_a_cancelled_one_stops_at_its_next_page_and_can_be_begun_again(deps, seller, import_id):
    job_id = submit(deps, seller, import_id)
    job = claim(make_worker(deps), job_id)
    with deps.database.transaction(seller=seller.id) as session:
        jobs.request_cancel(session, seller.id, job_id=job_id)
    run_accept(deps, job)
    assert count_open(deps) == 5
    assert look(deps, seller, import_id)["state"] == "cancelled"
    submit(deps, seller, import_id)
    run_all(deps, make_worker(deps))
    assert count_open(deps) == 0


def test_what_cannot_be_accepted_says_so(deps, seller):
    with pytest.raises(NotFoundError):
        submit_accept(deps, seller.id, new_id(), actor="ann")
    import_id = upload(deps, seller, make_csv(1))
    with pytest.raises(ConflictError, match="received"):
        submit_accept(deps, seller.id, import_id, actor="ann")
    with pytest.raises(NotFoundError):
        submit_accept(deps, make_seller(deps, "other@example.com").id, import_id, actor="ann")


def test_a_command_accepts_at_once(deps, seller, import_id):
    assert accept_import(deps, seller.id, import_id, actor="ann") == 5
    assert find_acceptance(deps, seller.id, import_id) is None


class TestOverHttp:
    """The page and the API answer at once, and show how far it is."""

    @pytest.fixture
    def web(self, database_url, redis_url):
        with open_web(database_url, redis_url) as made:
            yield made

    @pytest.fixture
    def path(self, web: Web) -> str:
        """A file that was worked off."""
        location: str = send_file(web, make_csv(3), channel="ebay").location
        web.work()
        web.post(f"{location}/confirm")
        web.work()
        web.work()
        return location

    def test_the_page_shows_progress_and_what_came_of_it(self, web: Web, path):
        browser, page = web.sign_in(), path.removeprefix("/api/v1")
        assert browser.get(f"{page}/acceptance").status_code == 404
        assert send(browser, f"{page}/accept-all").status_code == 303
        shown = browser.get(page).text
        assert "Accepting everything" in shown
        assert f'data-poll="{page}/acceptance"' in shown
        assert browser.get(f"{page}/acceptance").json["over"] is False
        web.work()
        polled = browser.get(f"{page}/acceptance").json
        assert (polled["over"], polled["percent"]) == (True, 100)
        assert "3 suggestions were accepted at once" in browser.get(page).text

    def test_the_api_answers_202_and_the_import_tells(self, web: Web, path):
        assert web.get(path).json["acceptance"] is None
        answer = web.post(f"{path}/accept")
        assert (answer.status_code, answer.location) == (202, path)
        assert answer.json["state"] == "available"
        web.work()
        told = web.get(path).json["acceptance"]
        assert (told["over"], told["seen"], told["accepted"]) == (True, 3, 3)
        assert web.post(f"{path}/accept", key=web.make_other_key()).status_code == 404
