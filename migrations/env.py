"""Alembic's entry: where the database is and in which schema the version table stands."""

from alembic import context
from sqlalchemy import Connection, create_engine, pool, text

from core.settings import load_settings, process_environ
from models.base import SCHEMA, Base
from models.schema import is_newer
from models.session import to_sqlalchemy_url

LOCK_TIMEOUT = "5s"


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


def main() -> None:
    """Open one connection and migrate."""
    engine = create_engine(to_sqlalchemy_url(get_database_url()), poolclass=pool.NullPool)
    with engine.connect() as connection:
        run_on(connection)


main()
