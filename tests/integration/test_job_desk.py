"""The commands and routes for dead letters and cancelling, as the operator and sellers use them."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from core.ids import new_id
from embedded import commands
from services.finish import discard
from services.submit import submit_job
from tests.support.jobs import claim, make_listing, make_order, make_worker, query
from tests.support.web import open_web

pytestmark = pytest.mark.servers


@pytest.fixture
def web(database_url, redis_url):
    with open_web(database_url, redis_url) as made:
        yield made


@pytest.fixture
def flask_jobs(deps, monkeypatch):
    """Runs ``flask jobs`` with these arguments on the servers of the test: (exit code, output)."""
    environ = {"DATABASE_URL": deps.settings.database_url, "REDIS_URL": deps.settings.redis_url}
    monkeypatch.setattr(commands, "process_environ", lambda: environ)

    def run(*arguments: object) -> tuple[int, str]:
        ended = CliRunner().invoke(commands.jobs, [str(one) for one in arguments])
        return ended.exit_code, ended.output

    return run


def make_dead(deps, seller, key="SKU-1", code="internal_error"):
    job_id = submit_job(deps, seller.id, make_order(make_listing(key))).job_id
    discard(deps, claim(make_worker(deps), job_id), code=code, detail="it broke")
    return job_id


def test_stats_are_a_table_or_an_object(deps, seller, flask_jobs):
    submit_job(deps, seller.id, make_order())
    make_dead(deps, seller, "dead")
    code, table = flask_jobs("stats")
    assert code == 0
    assert "interactive" in table
    assert "dead letters 1 (internal_error 1)" in table
    assert "messages on the road 2, stranded 0" in table
    code, printed = flask_jobs("stats", "--json")
    shown = json.loads(printed)
    assert (code, shown["depth"], shown["dead"]) == (0, 1, {"internal_error": 1})


def test_dead_letters_are_shown_and_retried(deps, seller, flask_jobs):
    first, second = make_dead(deps, seller, "A"), make_dead(deps, seller, "B", code="other")
    code, text = flask_jobs("dead")
    assert code == 0
    assert "internal_error: it broke" in text
    assert "2 shown of 2 dead letters" in text
    shown = json.loads(flask_jobs("dead", "--reason", "other", "--json")[1])
    assert [one["id"] for one in shown["items"]] == [str(second)]
    assert flask_jobs("retry", first) == (0, "retried 1\n")
    assert flask_jobs("retry", "--reason", "none such") == (0, "retried 0\n")
    assert flask_jobs("retry", "--all") == (0, "retried 1\n")
    assert query(deps, "SELECT DISTINCT state FROM app.job") == [("available",)]


def test_jobs_and_sellers_are_cancelled(deps, seller, flask_jobs):
    first, _ = (submit_job(deps, seller.id, make_order(make_listing(k))).job_id for k in "AB")
    assert flask_jobs("cancel", first) == (0, "the job is cancelled\n")
    code, said = flask_jobs("cancel", "--seller", seller.email)
    assert (code, said.startswith("cancelled 1 jobs")) == (0, True)
    assert query(deps, "SELECT DISTINCT state FROM app.job") == [("cancelled",)]


@pytest.mark.parametrize(
    "arguments",
    [("retry",), ("retry", "--all", "--reason", "x"), ("cancel",), ("cancel", "--import", "no id")],
)
def test_a_command_that_names_none_or_two_is_refused(flask_jobs, arguments):
    assert flask_jobs(*arguments)[0] == 2


@pytest.mark.parametrize("option", [[], ["--import"]])
def test_what_is_not_there_is_one_line_and_code_2(flask_jobs, option):
    code, said = flask_jobs("cancel", *option, new_id())
    assert code == 2
    assert "there is no such" in said


def test_a_seller_cancels_a_job(web):
    job_id = submit_job(web.deps, web.seller.id, make_order()).job_id
    answer = web.post(f"/api/v1/jobs/{job_id}/cancel")
    assert (answer.status_code, answer.json["state"]) == (202, "cancelled")
    assert answer.headers["Location"].endswith(f"/jobs/{job_id}")
    assert web.post(f"/api/v1/jobs/{job_id}/retry").status_code == 409


def test_a_seller_retries_a_dead_letter(web):
    job_id = make_dead(web.worker.deps, web.seller)
    other = web.make_other_key()
    assert web.post(f"/api/v1/jobs/{job_id}/retry", key=other).status_code == 404
    answer = web.post(f"/api/v1/jobs/{job_id}/retry")
    assert (answer.status_code, answer.json["state"]) == (202, "available")
    web.work()
    assert web.get(f"/api/v1/jobs/{job_id}").json["state"] == "completed"
    assert web.post(f"/api/v1/jobs/{job_id}/cancel").status_code == 409
