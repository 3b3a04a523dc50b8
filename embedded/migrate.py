"""Brings the database to the newest schema."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config

_CHECKOUT = Path(__file__).resolve().parent.parent


def migrate(database_url: str, *, revision: str = "head") -> None:
    """Upgrade the database to ``revision``; at once when it is there already."""
    config = Config(_CHECKOUT / "alembic.ini")
    config.attributes["database_url"] = database_url
    command.upgrade(config, revision)
