"""Which schema revision the database is at, and which this code needs."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.orm import Session

ROOT = Path(__file__).resolve().parent.parent


@cache
def get_head() -> str:
    """The newest revision this code knows."""
    return ScriptDirectory.from_config(Config(ROOT / "alembic.ini")).get_current_head() or ""


def find_revision(session: Session) -> str:
    """The revision the database is at, "" before the first migration."""
    if session.execute(text("SELECT to_regclass('app.alembic_version')")).scalar() is None:
        return ""
    return str(session.execute(text("SELECT version_num FROM app.alembic_version")).scalar() or "")
