"""The migrations lead from nothing to the tables the code knows, and back."""

from __future__ import annotations

import importlib
import pkgutil
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect, text

import models
from core.clock import wait_until
from core.ids import new_id
from models.base import SCHEMA, Base
from models.schema import build_config, downgrade, get_head, is_usable, upgrade
from models.session import to_sqlalchemy_url
from tests.support.servers import create_database, drop_database

PUBLIC_ROLES = ("anon", "authenticated", "service_role")
WITHOUT_ROW_CLASS = {"alembic_version", "lane", "lane_seller"}
"""Tables that are written by SQL alone."""

TABLE_RIGHTS = "SELECT,INSERT,UPDATE,DELETE,TRUNCATE,REFERENCES,TRIGGER"


def load_row_classes() -> None:
    """Import every module of models, so that the metadata holds all tables."""
    for module in pkgutil.iter_modules(models.__path__):
        importlib.import_module(f"models.{module.name}")


@pytest.fixture
def empty_url(servers):
    name = f"test_{new_id().hex[-12:]}"
    yield create_database(servers.admin_url, name=name)
    drop_database(servers.admin_url, name=name)


@pytest.fixture
def query(empty_url):
    """Runs one statement on the empty database; the rows it gives."""
    engine = create_engine(to_sqlalchemy_url(empty_url))

    def run(statement: str, **values: object) -> list[tuple[object, ...]]:
        with engine.begin() as connection:
            found = connection.execute(text(statement), values)
            return [tuple(row) for row in found] if found.returns_rows else []

    yield run
    engine.dispose()


@pytest.fixture
def public_roles(query):
    """The roles of Supabase's public API, with the rights its older projects give by default."""
    there = {name for (name,) in query("SELECT rolname FROM pg_roles")}
    made = [role for role in PUBLIC_ROLES if role not in there]
    for role in made:
        query(f"CREATE ROLE {role}")
    for role in PUBLIC_ROLES:
        query(f"ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO {role}")
        query(f"ALTER DEFAULT PRIVILEGES GRANT ALL ON SEQUENCES TO {role}")
        query(f"ALTER DEFAULT PRIVILEGES GRANT ALL ON SCHEMAS TO {role}")
    yield PUBLIC_ROLES
    for role in made:
        query(f"DROP OWNED BY {role}")
        query(f"DROP ROLE {role}")


def list_tables(query) -> set[str]:
    found = query("SELECT tablename FROM pg_tables WHERE schemaname = :schema", schema=SCHEMA)
    return {str(name) for (name,) in found}


def describe_row_classes() -> dict[str, dict[str, tuple[type, bool]]]:
    """Columns by table: the Python type and whether NULL may stand there."""
    load_row_classes()
    return {
        table.name: {
            column.name: (column.type.python_type, bool(column.nullable))
            for column in table.columns
        }
        for table in Base.metadata.tables.values()
    }


def describe_database(url: str) -> dict[str, dict[str, tuple[type, bool]]]:
    """The same, as the migrated database has it."""
    engine = create_engine(to_sqlalchemy_url(url))
    try:
        inspector = inspect(engine)
        return {
            table: {
                column["name"]: (column["type"].python_type, column["nullable"])
                for column in inspector.get_columns(table, schema=SCHEMA)
            }
            for table in inspector.get_table_names(schema=SCHEMA)
        }
    finally:
        engine.dispose()


def test_there_is_one_head():
    assert len(ScriptDirectory.from_config(build_config()).get_heads()) == 1


@pytest.mark.servers
def test_the_way_down_leaves_nothing_and_the_way_up_works_again(empty_url, query):
    upgrade(empty_url)
    tables = list_tables(query)
    assert len(tables) > 10
    downgrade(empty_url)
    assert list_tables(query) <= {"alembic_version"}
    assert query("SELECT count(*) FROM app.alembic_version") == [(0,)]
    upgrade(empty_url)
    assert list_tables(query) == tables


@pytest.mark.servers
def test_the_row_classes_are_the_tables(database_url):
    known, found = describe_row_classes(), describe_database(database_url)
    assert set(found) - set(known) == WITHOUT_ROW_CLASS
    assert {name: found[name] for name in known} == known


@pytest.mark.servers
def test_supabase_s_public_api_reaches_nothing(empty_url, query, public_roles):
    upgrade(empty_url)
    for role in public_roles:
        reaches = query(
            "SELECT has_schema_privilege(:role, :schema, 'USAGE')", role=role, schema=SCHEMA
        )
        assert reaches == [(False,)]
        rights = query(
            "SELECT relname FROM pg_class WHERE relnamespace = CAST(:schema AS regnamespace)"
            " AND relkind = 'r' AND has_table_privilege(:role, oid, :rights)",
            role=role,
            schema=SCHEMA,
            rights=TABLE_RIGHTS,
        )
        assert rights == []


@pytest.mark.servers
def test_every_table_has_row_level_security_and_no_policy(empty_url, query):
    upgrade(empty_url)
    open_tables = query(
        "SELECT tablename FROM pg_tables WHERE schemaname = :schema AND NOT rowsecurity",
        schema=SCHEMA,
    )
    assert open_tables == []
    assert query("SELECT * FROM pg_policies WHERE schemaname = :schema", schema=SCHEMA) == []


@pytest.mark.servers
def test_a_database_of_a_later_version_stays_as_it_is(empty_url, query):
    upgrade(empty_url)
    query("UPDATE app.alembic_version SET version_num = '9999_pre'")
    upgrade(empty_url)
    command.upgrade(build_config(empty_url), "head")
    assert query("SELECT version_num FROM app.alembic_version") == [("9999_pre",)]


def test_this_code_runs_on_its_own_schema_and_on_newer_ones():
    assert is_usable(get_head())
    assert is_usable("9999_pre")
    assert not [one for one in ("", "0001_pre", "unknown") if is_usable(one)]


LOCKED = "SELECT 1 FROM pg_locks WHERE relation = 'app.llm_call'::regclass AND NOT granted"


@pytest.mark.servers
def test_a_migration_is_tried_again_when_running_work_stands_crosswise(empty_url, query):
    command.upgrade(build_config(empty_url), "0005_pre")
    with psycopg.connect(empty_url) as work, ThreadPoolExecutor() as pool:
        # The migration shall be the one that gives way.
        work.execute("SET deadlock_timeout = '60s'")
        work.execute("LOCK TABLE app.llm_call")
        migrating = pool.submit(command.upgrade, build_config(empty_url), "0006_pre")
        assert wait_until(lambda: bool(query(LOCKED)), timeout_s=30)
        work.execute("LOCK TABLE app.seller")
        work.rollback()
        migrating.result(timeout=30)
    assert query("SELECT version_num FROM app.alembic_version") == [("0006_pre",)]
