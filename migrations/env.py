"""Alembic's entry: where the database is and in which schema the version table stands."""

from alembic import context
from psycopg.errors import DeadlockDetected, LockNotAvailable
from sqlalchemy import Connection, create_engine, pool, text
from sqlalchemy.exc import OperationalError

from core.clock import sleep
from core.settings import load_settings, process_environ
from models.base import SCHEMA, Base
from models.schema import is_newer
from models.session import to_sqlalchemy_url

LOCK_TIMEOUT = "5s"
TRIES = 12
PAUSE_S = 0.5


def get_database_url() -> str:
    """The address a caller put into the configuration, else the settings' own."""
    given = context.config.attributes.get("database_url")
    return str(given or load_settings(process_environ()).database_url)


def run_on(connection: Connection) -> None:
    """Run the migrations in one transaction, with the version table in our private schema."""
    connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
    connection.execute(text(f"SET lock_timeout = '{LOCK_TIMEOUT}'"))
    connection.execute(text("SET statement_timeout = 0"))
    connection.commit()
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        version_table_schema=SCHEMA,
        include_schemas=True,
        transaction_per_migration=True,
    )
    if is_newer(context.get_context().get_current_revision() or ""):
        # An older version is deployed again: it runs on the newer schema, and knows no way there.
        context.config.print_stdout("The database is newer than this version; nothing to do.")
        return
    with context.begin_transaction():
        context.run_migrations()


def is_about_locks(fault: OperationalError) -> bool:
    """Whether the work that goes on meanwhile was in the way, and may not be the next time."""
    return isinstance(fault.orig, DeadlockDetected | LockNotAvailable)


def main() -> None:
    """Migrate, and again where running processes were in the way: each migration is whole or not.

    A migration that changes several tables may wait for one while a process waits for the other.
    """
    engine = create_engine(to_sqlalchemy_url(get_database_url()), poolclass=pool.NullPool)
    for left in reversed(range(TRIES)):
        try:
            with engine.connect() as connection:
                run_on(connection)
        except OperationalError as fault:
            if not left or not is_about_locks(fault):
                raise
            sleep(PAUSE_S)
        else:
            return


main()
