"""Fixtures every test may use: real servers, a fresh database, an empty Redis."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from core.ids import new_id
from tests.support.groq_service import KEY_STASH, take_key
from tests.support.servers import (
    TestServers,
    create_database,
    drop_database,
    flush_redis,
    open_servers,
)

_NEVER_FROM_OUTSIDE = (
    "DATABASE_URL",
    "DATABASE_READ_REPLICA_URL",
    "REDIS_URL",
    "CACHE_REDIS_URL",
    "GROQ_API_KEY",
    "GROQ_BASE_URL",
    "LISTWRIGHT_STATE_DIR",
    "PORT",
)


def pytest_configure(config: pytest.Config) -> None:
    """Forget the developer's own servers, keys and state before any test can reach them.

    The key of the Groq API is kept apart for the one suite that asks the real service.
    """
    config.stash[KEY_STASH] = take_key()
    for name in _NEVER_FROM_OUTSIDE:
        os.environ.pop(name, None)
        os.environ.pop(f"{name}_FILE", None)


@pytest.fixture(scope="session")
def servers() -> Iterator[TestServers]:
    """Postgres and Valkey, started once a run and only when a test asks for them."""
    with open_servers(os.environ) as running:
        yield running


@pytest.fixture
def database_url(servers: TestServers) -> Iterator[str]:
    """A migrated database that this test has for itself."""
    name = f"test_{new_id().hex[-12:]}"
    yield create_database(servers.admin_url, name=name, template=servers.template)
    drop_database(servers.admin_url, name=name)


@pytest.fixture
def redis_url(servers: TestServers) -> str:
    """An emptied logical database of Redis."""
    flush_redis(servers.redis_url)
    return servers.redis_url
