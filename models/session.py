"""The one door to the database: sessions, transactions, and moves straight on the driver."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, Final, cast

import psycopg
import regex
from sqlalchemy import Engine, TextClause, create_engine, event, make_url, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, InvalidatePoolError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.pool import ConnectionPoolEntry

from core.clock import monotonic_s
from core.errors import UnavailableError

CONNECT_TIMEOUT_S: Final = 5
READ_ONLY_SQLSTATE: Final = "25006"
"""Supabase turns a full free database read-only: for us that is a database that is away."""

ASKED_AFTER_S: Final = 1.0
"""A connection unused for longer is asked whether it lives before it is used again."""

_SCHEME = regex.compile(r"^postgres(ql)?(\+psycopg)?://")
_NAME = regex.compile(r"(?<![:\w\\]):(\w+)(?!:)")


def to_sqlalchemy_url(url: str) -> str:
    """The same address with the driver named, as SQLAlchemy wants it."""
    return _SCHEME.sub("postgresql+psycopg://", url)


def describe_address(url: str) -> str:
    """Where a database is, for people: host, port and name, without user and password."""
    made = make_url(to_sqlalchemy_url(url))
    host = made.host or made.query.get("host") or "localhost"
    return f"{host}:{made.port or 5432}/{made.database or ''}"


class Rows(psycopg.Cursor[tuple[Any, ...]]):
    """A statement's result, read as a Session's is."""

    def first(self) -> tuple[Any, ...] | None:
        """The first row."""
        return self.fetchone()

    def scalar(self) -> Any:  # noqa: ANN401 - whatever the column holds
        """The first value of the first row."""
        row = self.fetchone() if self.description else None
        return None if row is None else row[0]


class Moves:
    """A transaction straight on the driver, for what every job does.

    It takes the same statements as a Session, written by hand, and costs a sixth of one
    (docs/decisions/0017): no objects are tracked and nothing is compiled.
    """

    def __init__(self, connection: psycopg.Connection[tuple[Any, ...]]) -> None:
        self._connection = connection

    def execute(self, statement: TextClause, values: Mapping[str, Any]) -> Rows:
        """Run one statement; values for jsonb are JSON texts, cast in the statement."""
        rows = Rows(self._connection)
        rows.execute(_to_driver_sql(statement.text), values)
        return rows


@lru_cache(maxsize=256)
def _to_driver_sql(written: str) -> bytes:
    """``:name`` as the driver writes it."""
    return _NAME.sub(r"%(\1)s", written.replace("%", "%%")).encode()


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
        self.address = describe_address(url)
        _ask_the_idle(self._engine)
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
        with naming_outages(), self._make_session.begin() as session:
            yield session

    @contextmanager
    def statements(self, *, seller: uuid.UUID | None = None, system: str = "") -> Iterator[Session]:
        """Statements that each commit by themselves: no round trips for BEGIN and COMMIT.

        For a claim, a beat, a lone read: what needs no second statement to be true with it.
        """
        _require_owner(seller, system)
        with naming_outages(), self._make_single() as session:
            yield session

    @contextmanager
    def moves(
        self, *, seller: uuid.UUID | None = None, system: str = "", single: bool = False
    ) -> Iterator[Moves]:
        """A transaction like ``transaction``, without the weight of a Session.

        ``single``: each statement commits by itself, as in ``statements``.
        """
        _require_owner(seller, system)
        with naming_outages():
            pooled = self._engine.raw_connection()
            connection = cast("psycopg.Connection[tuple[Any, ...]]", pooled.driver_connection)
            try:
                connection.autocommit = single
                yield Moves(connection)
                if not single:
                    connection.commit()
            finally:
                # What was not committed is rolled back by the pool.
                if connection.closed:
                    pooled.invalidate()
                elif single:
                    connection.autocommit = False
                pooled.close()

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


def _ask_the_idle(engine: Engine) -> None:
    """Ask a connection that rested whether it lives; one just used is known to.

    SQLAlchemy's own question (``pool_pre_ping``) is asked each time: a round trip for every move.
    """

    @event.listens_for(engine, "checkin")
    def note_rest(_: object, record: ConnectionPoolEntry) -> None:
        record.info["rested_at_s"] = monotonic_s()

    @event.listens_for(engine, "checkout")
    def ask(connection: DBAPIConnection, record: ConnectionPoolEntry, _: object) -> None:
        if monotonic_s() - record.info.get("rested_at_s", monotonic_s()) < ASKED_AFTER_S:
            return
        try:
            engine.dialect.do_ping(connection)
        except psycopg.Error as fault:
            raise InvalidatePoolError from fault


@contextmanager
def naming_outages() -> Iterator[None]:
    """Turn the driver's faults of a database that is away into UnavailableError."""
    try:
        yield
    except PoolTimeoutError as fault:
        raise UnavailableError("no database connection came free in time") from fault
    except (DBAPIError, psycopg.Error) as fault:
        reason = _explain_outage(fault.orig if isinstance(fault, DBAPIError) else fault)
        if reason:
            raise UnavailableError(reason) from fault
        raise


def _explain_outage(fault: BaseException | None) -> str:
    """Why the database cannot be used now, "" when the fault is the statement's."""
    sqlstate = getattr(fault, "sqlstate", None)
    if sqlstate == READ_ONLY_SQLSTATE:
        return "the database is read-only"
    if not isinstance(fault, psycopg.OperationalError):
        return ""
    return f"the database gave up ({sqlstate})" if sqlstate else "the database is away"
