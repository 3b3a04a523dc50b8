"""Brings a database to the schema this code needs."""

from __future__ import annotations

from models import schema


def migrate(database_url: str) -> None:
    """Run all migrations that have not been run; at once when there are none."""
    schema.upgrade(database_url)
