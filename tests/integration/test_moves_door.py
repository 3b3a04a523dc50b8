"""The door to the database that every job uses: moves straight on the driver."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import UnavailableError
from models.session import Database, Moves
from services.deps import Deps
from tests.support.jobs import execute, query

ADD = text("INSERT INTO app.seller (id, email) VALUES (gen_random_uuid(), :email)")
DELETE = "DELETE FROM app.seller"
COUNT = "SELECT count(*) FROM app.seller"
END_OTHERS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)
END_OURS = "SELECT pg_terminate_backend(pg_backend_pid())"


class StoppedError(Exception):
    """Something went wrong between two statements."""


@pytest.fixture
def narrow(deps: Deps) -> Iterator[Database]:
    """One connection alone, so that the next user gets what the last one left."""
    database = Database(deps.settings.database_url, pool_size=1)
    yield database
    database.dispose()


def add_and_stop(door: AbstractContextManager[Moves | Session], email: str) -> None:
    with pytest.raises(StoppedError), door as moves:  # noqa: PT012 - what is raised is ours
        moves.execute(ADD, {"email": email})
        raise StoppedError


def run(door: AbstractContextManager[Moves], *statements: str) -> list[Any]:
    with door as moves:
        return [moves.execute(text(one), {}).scalar() for one in statements]


def test_moves_commit_together(deps: Deps) -> None:
    with deps.database.moves(system="test") as moves:
        moves.execute(ADD, {"email": "50% off: a@example.com"})
        assert query(deps, COUNT) == [(0,)]
    assert query(deps, "SELECT email FROM app.seller") == [("50% off: a@example.com",)]


def test_an_error_undoes_all_moves_and_leaves_a_clean_connection(narrow: Database) -> None:
    add_and_stop(narrow.moves(system="test"), "a@example.com")
    with pytest.raises(psycopg.errors.UndefinedTable):
        run(narrow.moves(system="test"), "SELECT 1 FROM app.nowhere")
    assert run(narrow.moves(system="test"), COUNT) == [0]


def test_single_moves_commit_at_once_and_the_next_transaction_does_not(
    deps: Deps, narrow: Database
) -> None:
    add_and_stop(narrow.moves(system="test", single=True), "a@example.com")
    add_and_stop(narrow.moves(system="test"), "b@example.com")
    add_and_stop(narrow.transaction(system="test"), "c@example.com")
    assert query(deps, "SELECT email FROM app.seller") == [("a@example.com",)]


def test_a_connection_that_broke_in_use_is_an_outage_and_is_replaced(narrow: Database) -> None:
    with pytest.raises(UnavailableError):
        run(narrow.moves(system="test"), END_OURS, COUNT)
    assert run(narrow.moves(system="test", single=True), COUNT) == [0]


def test_a_connection_that_broke_while_it_rested_is_replaced_unseen(
    deps: Deps, narrow: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("models.session.ASKED_AFTER_S", 0.0)
    assert run(narrow.moves(system="test"), COUNT) == [0]
    execute(deps, END_OTHERS)
    assert run(narrow.moves(system="test"), COUNT) == [0]
    execute(deps, END_OTHERS)
    with narrow.transaction(system="test") as session:
        assert session.execute(text(COUNT)).scalar() == 0


def test_a_read_only_database_is_away(narrow: Database) -> None:
    with pytest.raises(UnavailableError, match="read-only"):
        run(narrow.moves(system="test"), "SET TRANSACTION READ ONLY", DELETE)
