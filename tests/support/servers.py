"""The Postgres and Valkey of one test run: started by us in a folder of their own, then removed."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import redis
from psycopg import sql
from sqlalchemy.engine import make_url

from core.ids import new_id
from embedded.postgres import find_closed_parent
from embedded.servers import start_servers
from services.migrate import migrate

ROOT = Path(__file__).resolve().parents[2]
_TEMPLATE = "listwright_template"


@dataclass(frozen=True, slots=True, kw_only=True)
class TestServers:
    """Where the servers are: ``admin_url`` may create databases, ``template`` is migrated."""

    __test__ = False

    admin_url: str
    redis_url: str
    template: str


@contextmanager
def open_servers(environ: Mapping[str, str]) -> Iterator[TestServers]:
    """Start what ``TEST_DATABASE_URL`` and ``TEST_REDIS_URL`` do not replace."""
    database_url = environ.get("TEST_DATABASE_URL", "")
    redis_url = environ.get("TEST_REDIS_URL", "")
    folder = make_test_folder("listwright-test-")
    try:
        started = start_servers(
            folder, database=not database_url, redis=not redis_url, durable=False
        )
        with started:
            admin_url = started.database_url or _plain(database_url)
            template = build_template(admin_url)
            yield TestServers(
                admin_url=admin_url, redis_url=started.redis_url or redis_url, template=template
            )
            drop_database(admin_url, name=template)
    finally:
        shutil.rmtree(folder)


def make_test_folder(prefix: str) -> Path:
    """A short new folder that every user may pass through, as root's servers must."""
    homes = [Path(tempfile.gettempdir()), Path("/tmp"), Path("/var/tmp")]
    home = next((home for home in homes if not find_closed_parent(home / "x")), homes[0])
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=home))
    folder.chmod(0o711)
    return folder


def build_template(admin_url: str) -> str:
    """A migrated database to clone from; its name."""
    name = f"{_TEMPLATE}_{new_id().hex[-12:]}"
    create_database(admin_url, name=name)
    migrate(replace_database(admin_url, name=name))
    return name


def create_database(admin_url: str, *, name: str, template: str = "template1") -> str:
    """Clone ``template`` as ``name``; the URL of the clone."""
    query = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
    _run(admin_url, query.format(sql.Identifier(name), sql.Identifier(template)))
    return replace_database(admin_url, name=name)


def drop_database(admin_url: str, *, name: str) -> None:
    """Drop the database and every connection to it."""
    _run(admin_url, sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _run(admin_url: str, query: sql.Composed) -> None:
    with psycopg.connect(admin_url, autocommit=True) as connection:
        connection.execute(query)


def replace_database(url: str, *, name: str) -> str:
    """The same server, another database."""
    return make_url(url).set(database=name).render_as_string(hide_password=False)


def _plain(url: str) -> str:
    """The URL as libpq reads it, without SQLAlchemy's driver name."""
    return url.replace("postgresql+psycopg://", "postgresql://", 1)


def flush_redis(redis_url: str) -> None:
    """Empty the logical database that the URL names."""
    with redis.Redis.from_url(redis_url) as client:
        client.flushdb()
