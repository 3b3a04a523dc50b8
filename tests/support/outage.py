"""Takes one test's database away from everybody, and gives it back."""

from __future__ import annotations

import psycopg
from psycopg import sql

from services.deps import Deps
from tests.support.servers import TestServers


def take_away(servers: TestServers, deps: Deps) -> None:
    """Refuse connections to the database, and end those there are."""
    name = _set_allowed(servers, deps, sql.SQL("false"))
    with psycopg.connect(servers.admin_url, autocommit=True) as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
        )


def give_back(servers: TestServers, deps: Deps) -> None:
    """Let everybody in again."""
    _set_allowed(servers, deps, sql.SQL("true"))


def _set_allowed(servers: TestServers, deps: Deps, allowed: sql.SQL) -> str:
    name = deps.settings.database_url.rpartition("/")[2].partition("?")[0]
    change = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
    with psycopg.connect(servers.admin_url, autocommit=True) as admin:
        admin.execute(change.format(sql.Identifier(name), allowed))
    return name
