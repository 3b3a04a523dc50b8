"""The declarative base: one private schema, one naming of types."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

from sqlalchemy import DateTime, MetaData, make_url, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, mapped_column

SCHEMA = "app"

Json = Annotated[Any, mapped_column(JSONB(none_as_null=True))]
Time = Annotated[dt.datetime, mapped_column(DateTime(timezone=True))]
MadeAt = Annotated[
    dt.datetime,
    mapped_column(DateTime(timezone=True), server_default=text("clock_timestamp()")),
]
SellerKey = Annotated[uuid.UUID, mapped_column(primary_key=True)]
Key = Annotated[uuid.UUID, mapped_column(primary_key=True)]


class Base(DeclarativeBase):
    """Base of all row classes; a row class stays inside models and services."""

    metadata = MetaData(schema=SCHEMA)


_DIALECT: Final = make_url("postgresql+psycopg://").get_dialect()()


def write_source(
    row_class: type[Base], names: Sequence[str], *, shared: Sequence[tuple[str, str]] = ()
) -> str:
    """What follows ``INSERT INTO table``: columns, and rows read from ``:rows`` (``dump_rows``).

    ``shared`` are further columns with SQL that gives each row's value.

    One text for any number of rows: a statement with values for each of them is built, parsed and
    planned anew every time, which cost a third of an import.
    """
    columns = row_class.__table__.c
    typed = ", ".join(f"{name} {columns[name].type.compile(_DIALECT)}" for name in names)
    into = ", ".join([*names, *(name for name, _ in shared)])
    taken = ", ".join([*names, *(written for _, written in shared)])
    return (
        f"({into}) SELECT {taken} FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS given({typed})"
    )


def dump_rows(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows of plain values, UUIDs and dates as JSON; None is SQL's NULL."""
    return json.dumps(rows, default=_dump_value)


def _dump_value(value: object) -> str:
    if isinstance(value, uuid.UUID | dt.date):
        return str(value)
    message = f"{type(value).__name__} is no plain value"
    raise TypeError(message)
