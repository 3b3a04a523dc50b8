"""``flask reoptimize`` and ``flask seller operator`` as cron and the operator use them."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from core.clock import today
from core.ids import new_id
from embedded import commands
from models import reoptimize_run as runs
from services.submit import submit_job
from tests.support.jobs import execute, make_listing, make_order, query

pytestmark = pytest.mark.servers


@pytest.fixture
def flask(deps, monkeypatch):
    """Runs a command of ours on the servers of the test: (exit code, output)."""
    environ = {"DATABASE_URL": deps.settings.database_url, "REDIS_URL": deps.settings.redis_url}
    monkeypatch.setattr(commands, "process_environ", lambda: environ)

    def run(command, *arguments: object, **more: str) -> tuple[int, str]:
        environ.update(more)
        ended = CliRunner().invoke(command, [str(one) for one in arguments])
        return ended.exit_code, ended.output

    return run


@pytest.fixture
def listing(deps, seller):
    submit_job(deps, seller.id, make_order(make_listing()))
    execute(deps, "DELETE FROM app.job")


def test_the_summary_comes_first_and_then_why(flask, listing):
    code, out = flask(commands.reoptimize, "--dry-run", "--all")
    lines = out.splitlines()
    assert code == 0
    assert lines[0] == "reoptimize: looked at 1, due 1, would submit 1"
    assert lines[1:] == ["chosen, because they", "        1  break a rule"]
    code, out = flask(commands.reoptimize)
    assert code == 0
    assert out.splitlines()[0] == "reoptimize: looked at 0, due 0, submitted 0"
    assert "have no schedule (--all looks at them too)" in out


def test_as_json_it_is_one_object(deps, flask, listing):
    code, out = flask(commands.reoptimize, "--all", "--json")
    shown = json.loads(out)
    assert (code, shown["submitted"], shown["reasons"]) == (0, 1, {"hard": 1})
    assert query(deps, "SELECT count(*) FROM app.job") == [(1,)]


def test_while_another_run_is_under_way_it_ends_with_3(deps, flask, listing):
    with deps.database.transaction(system="test") as session:
        assert runs.insert_run(session, new_id(), day=today(), stale_s=60)
    code, out = flask(commands.reoptimize, "--all")
    assert (code, out) == (3, "reoptimize: another run is under way: nothing done\n")


@pytest.mark.parametrize(
    "arguments",
    [
        ("--limit", "0"),
        ("--limit", "-5"),
        ("--budget-usd", "-0.01"),
        ("--budget-usd", "nan"),
        ("--budget-usd", "inf"),
        ("--budget-usd", "much"),
        ("--timeout-s", "0"),
        ("--everything",),
    ],
)
def test_bad_input_is_named_and_nothing_is_done(deps, flask, listing, arguments):
    code, out = flask(commands.reoptimize, "--all", *arguments)
    assert code == 2
    assert arguments[0] in out or "nan" in out
    assert query(deps, "SELECT count(*) FROM app.job") == [(0,)]


def test_a_wrong_setting_is_named(flask, listing):
    code, out = flask(commands.reoptimize, REOPTIMIZE_TIMEOUT_S="-1")
    assert code == 2
    assert "REOPTIMIZE_TIMEOUT_S is outside 1 to 86400" in out


def test_redis_away_jobs_are_submitted_all_the_same(deps, flask, listing):
    code, _ = flask(commands.reoptimize, "--all", REDIS_URL="redis://127.0.0.1:1/0")
    assert code == 0
    assert query(deps, "SELECT count(*) FROM app.job") == [(1,)]


def test_a_seller_becomes_an_operator_and_is_none_again(deps, seller, flask):
    assert flask(commands.seller, "operator", seller.email, "on") == (
        0,
        f"{seller.email} is an operator now\n",
    )
    assert query(deps, "SELECT is_operator FROM app.seller") == [(True,)]
    assert flask(commands.seller, "operator", seller.email, "off")[0] == 0
    assert query(deps, "SELECT is_operator FROM app.seller") == [(False,)]
    code, out = flask(commands.seller, "operator", "nobody@example.com", "on")
    assert code == 2
    assert "there is no seller" in out
    assert flask(commands.seller, "operator", seller.email, "maybe")[0] == 2


def test_without_postgres_it_is_one_line_that_says_where(flask):
    away = "postgresql://ann:secret@127.0.0.1:1/none"
    code, out = flask(commands.reoptimize, "--dry-run", DATABASE_URL=away)
    assert code == 1
    assert out.count("\n") == 1
    assert out.startswith("Postgres cannot be reached at 127.0.0.1:1/none (the database is away).")
    assert "secret" not in out


def test_a_limit_beyond_reason_is_refused(flask):
    code, out = flask(commands.reoptimize, "--limit", "9" * 23)
    assert code == 2
    assert "is not in the range" in out
