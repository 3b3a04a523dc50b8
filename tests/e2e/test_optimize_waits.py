"""`flask optimize` that waits says why; where that is until tomorrow it ends with what it has."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.clock import wait_until
from domain.budget.values import Caps
from services.access import create_seller
from services.caps import set_caps
from tests.support.command import build_command, find_pool
from tests.support.groq_sim import running_groq
from tests.support.jobs import make_csv, open_deps, query

pytestmark = pytest.mark.servers


@pytest.fixture
def groq():
    with running_groq() as simulator:
        yield simulator


@pytest.fixture
def command(database_url, redis_url, tmp_path, groq):
    return build_command(
        database_url, redis_url, tmp_path, GROQ_API_KEY="gsk_test", GROQ_BASE_URL=groq.url
    )


@pytest.fixture
def deps(database_url, redis_url):
    with open_deps(database_url, redis_url) as made:
        yield made


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "products.csv"
    path.write_bytes(make_csv(6))
    return path


def test_a_cap_ends_the_run_with_what_is_done_and_the_same_command_goes_on(
    command, deps, groq, file
):
    seller = create_seller(deps, "command-line@localhost")
    set_caps(deps, seller.id, Caps(day_pico=10**6))
    ended = command.run(file, "--channel", "ebay", "--json", "--engine", "groq")
    assert ended.code == 1, ended.err
    assert "waiting: a cap on spending is reached; goes on at" in ended.err
    assert any("The same command goes on" in note for note in ended.object["notes"])
    assert ended.object["jobs"]["cancelled"] == 6
    assert Path(ended.object["out"]).exists()
    assert groq.ledger()["calls"] == 0
    set_caps(deps, seller.id, Caps())
    again = command.run(file, "--channel", "ebay", "--json", "--engine", "groq")
    assert (again.code, again.object["jobs"]["completed"]) == (0, 6), again.err


def test_a_failing_provider_is_named_while_the_run_waits(command, deps, groq, file):
    groq.set_faults("503:1")
    with command.start(file, "--channel", "ebay", "--json", "--engine", "groq") as started:
        find_pool(deps)
        assert wait_until(
            lambda: bool(query(deps, "SELECT id FROM app.job WHERE waits_for = 'provider'")),
            timeout_s=40.0,
        )
        lines: list[str] = []
        assert wait_until(lambda: "waiting:" in _read_line(started, lines), timeout_s=30.0)
        assert "s left" not in lines[-1]
        assert "openai/gpt-oss" in lines[-1]


def _read_line(started, lines):
    lines.append(started.process.stderr.readline())
    return lines[-1]
