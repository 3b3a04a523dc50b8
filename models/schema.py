"""Which schema revision the database is at, which this code needs, and the way there."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import NullPool, create_engine, text
from sqlalchemy.orm import Session

from core.errors import UnavailableError
from models.session import describe_address, naming_outages, to_sqlalchemy_url

ROOT = Path(__file__).resolve().parent.parent


def build_config(database_url: str = "") -> Config:
    """Alembic's configuration for this checkout."""
    config = Config(ROOT / "alembic.ini")
    if database_url:
        config.attributes["database_url"] = database_url
    return config


@cache
def get_head() -> str:
    """The newest revision this code knows."""
    return ScriptDirectory.from_config(build_config()).get_current_head() or ""


def find_revision(session: Session) -> str:
    """The revision the database is at, "" before the first migration."""
    if session.execute(text("SELECT to_regclass('app.alembic_version')")).scalar() is None:
        return ""
    return str(session.execute(text("SELECT version_num FROM app.alembic_version")).scalar() or "")


def is_newer(revision: str) -> bool:
    """Whether a database is ahead of this code: a later version migrated it."""
    return _read_number(revision) > _read_number(get_head())


def is_usable(revision: str) -> bool:
    """Whether this code runs on such a database: its own revision, or a newer one.

    A migration leaves what the code before it needs, so old and new run side by side during a
    deployment, and the old version can be deployed again.
    """
    return revision == get_head() or is_newer(revision)


def _read_number(revision: str) -> int:
    """The number a revision begins with; 0 for none."""
    digits = revision.partition("_")[0]
    return int(digits) if digits.isdecimal() else 0


def upgrade(database_url: str) -> None:
    """Bring a database to the head; one that is newer stays as it is.

    One that is there already is only asked: what Alembic sets for its session would stay behind
    on the connection of a pooler in transaction mode. Raises UnavailableError that says where
    nothing answers.
    """
    engine = create_engine(to_sqlalchemy_url(database_url), poolclass=NullPool)
    try:
        with naming_outages(), Session(engine) as session:
            usable = is_usable(find_revision(session))
    except UnavailableError as fault:
        where = describe_address(database_url)
        raise UnavailableError(
            f"Postgres cannot be reached at {where} ({fault.message}).",
            remedy="Look at DATABASE_URL, and whether the server runs.",
        ) from fault
    if not usable:
        command.upgrade(build_config(database_url), "head")


def downgrade(database_url: str) -> None:
    """Take everything back."""
    command.downgrade(build_config(database_url), "base")
