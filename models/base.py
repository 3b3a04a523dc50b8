"""The declarative base: one private schema, one naming of types."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Annotated, Any

from sqlalchemy import DateTime, MetaData, text
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
