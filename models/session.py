"""The one door to the database: engine, sessions, transactions."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Session, sessionmaker

from core.errors import UnavailableError

CONNECT_TIMEOUT_S: Final = 5
READ_ONLY_SQLSTATE: Final = "25006"
"""Supabase turns a full free database read-only: for us that is a database that is away."""


def to_sqlalchemy_url(url: str) -> str:
    """The same address with the driver named, as SQLAlchemy wants it."""
    return re.sub(r"^postgres(ql)?(\+psycopg)?://", "postgresql+psycopg://", url)


class Database:
    """Connections to Postgres, and transactions on them.

    Server-side prepared statements are off (``prepare_threshold=None``) because a pooler in
    transaction mode, Supabase's among them, hands each transaction another connection.
    """

    def __init__(self, url: str, *, pool_size: int = 8, name: str = "listwright") -> None:
        self._engine: Engine = create_engine(
            to_sqlalchemy_url(url),
            pool_size=pool_size,
            max_overflow=0,
            pool_pre_ping=True,
            pool_recycle=300,
            pool_timeout=10,
            connect_args={
                "prepare_threshold": None,
                "connect_timeout": CONNECT_TIMEOUT_S,
                "application_name": name,
                "keepalives_idle": 10,
                "tcp_user_timeout": 10_000,
            },
        )
        self._make_session = sessionmaker(self._engine, expire_on_commit=False)
        autocommit = self._engine.execution_options(isolation_level="AUTOCOMMIT")
        self._make_single = sessionmaker(autocommit, expire_on_commit=False, autoflush=False)

    @contextmanager
    def transaction(
        self, *, seller: uuid.UUID | None = None, system: str = ""
    ) -> Iterator[Session]:
        """One transaction: committed at the end, rolled back on any error.

        Exactly one of ``seller`` (whose rows it touches) and ``system`` (why it crosses sellers)
        must be given, so that a policy per seller can later be set here and nowhere else.
        Raises UnavailableError when the database is away.
        """
        _require_owner(seller, system)
        with _naming_outages(), self._make_session.begin() as session:
            yield session

    @contextmanager
    def statements(self, *, seller: uuid.UUID | None = None, system: str = "") -> Iterator[Session]:
        """Statements that each commit by themselves: no round trips for BEGIN and COMMIT.

        For a claim, a beat, a lone read: what needs no second statement to be true with it.
        """
        _require_owner(seller, system)
        with _naming_outages(), self._make_single() as session:
            yield session

    def ping(self) -> None:
        """Raises UnavailableError when the database does not answer."""
        with self.statements(system="ping") as session:
            session.execute(text("SELECT 1"))

    def dispose(self) -> None:
        """Close all connections; also needed in a child right after fork."""
        self._engine.dispose()


def _require_owner(seller: uuid.UUID | None, system: str) -> None:
    if (seller is None) == (not system):
        message = "a transaction is a seller's or the system's, and says which"
        raise ValueError(message)


@contextmanager
def _naming_outages() -> Iterator[None]:
    try:
        yield
    except PoolTimeoutError as fault:
        raise UnavailableError("no database connection came free in time") from fault
    except OperationalError as fault:
        sqlstate = getattr(fault.orig, "sqlstate", None)
        reason = f"the database gave up ({sqlstate})" if sqlstate else "the database is away"
        raise UnavailableError(reason) from fault
    except DBAPIError as fault:
        if getattr(fault.orig, "sqlstate", "") == READ_ONLY_SQLSTATE:
            raise UnavailableError("the database is read-only") from fault
        raise
