"""Servers for one command: the ones that run already, else its own for as long as it needs them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

from core.clock import monotonic_s, sleep
from core.errors import ConflictError, SettingsError, UnavailableError
from core.settings import Settings, load_settings
from embedded.servers import start_servers
from embedded.state import (
    ServersRecord,
    find_servers,
    hide_servers,
    is_in_use,
    own_state,
    resolve_state_dir,
    use_state,
    write_servers,
)
from services.migrate import migrate

_JOIN_TIMEOUT_S = 60.0
_POLL_S = 0.1


@contextmanager
def open_servers(environ: Mapping[str, str]) -> Iterator[ServersRecord]:
    """Where a migrated database and a Redis are, for the length of the block.

    What ``DATABASE_URL`` and ``REDIS_URL`` name is used as it is. For the rest, the servers of
    this checkout are joined when they run, and started (then stopped) when they do not. Call it
    from the main thread. Raises UnavailableError when neither works, SettingsError when one is
    named and the servers that run are others.
    """
    settings = load_settings(environ)
    with ExitStack() as stack:
        if settings.database_url and settings.redis_url:
            record = ServersRecord(
                owner_pid=0, database_url=settings.database_url, redis_url=settings.redis_url
            )
            migrate(record.database_url)
        else:
            record = _join_or_start(stack, environ)
        yield record


def _join_or_start(stack: ExitStack, environ: Mapping[str, str]) -> ServersRecord:
    state_dir = resolve_state_dir(environ)
    deadline_s = monotonic_s() + _JOIN_TIMEOUT_S
    while monotonic_s() < deadline_s:
        with ExitStack() as attempt:
            # The use is told first: an owner that is about to stop looks for it last.
            attempt.enter_context(use_state(state_dir))
            record = find_servers(state_dir)
            if record is not None:
                _require_same(load_settings(environ), record)
                stack.push(attempt.pop_all())
                return record
        try:
            return stack.enter_context(_own_servers(environ))
        except ConflictError:
            sleep(_POLL_S)
    raise UnavailableError("the embedded servers are being started or stopped by another command")


def find_environ(environ: Mapping[str, str]) -> Mapping[str, str]:
    """The environment in which to act on what runs: this one, or that of `flask up` here.

    Nothing is started. What this environment sets itself comes first. Raises SettingsError when
    it names no servers and none run here, or names one and others run.
    """
    settings = load_settings(environ)
    if settings.database_url and settings.redis_url:
        return environ
    state_dir = resolve_state_dir(environ)
    record = find_servers(state_dir)
    if record is None:
        raise SettingsError(
            "DATABASE_URL and REDIS_URL are not both set, and `make run` does not run here.",
            remedy="Start it, or set both.",
        )
    _require_same(settings, record)
    return {
        **record.scaling,
        **{name: value for name, value in environ.items() if value.strip()},
        "DATABASE_URL": record.database_url,
        "REDIS_URL": record.redis_url,
        "LISTWRIGHT_STATE_DIR": str(state_dir),
    }


def _require_same(settings: Settings, record: ServersRecord) -> None:
    """Whoever names one server must not be led to others: they may mean production."""
    named = (
        ("DATABASE_URL", settings.database_url, record.database_url, "REDIS_URL"),
        ("REDIS_URL", settings.redis_url, record.redis_url, "DATABASE_URL"),
    )
    for name, wanted, running, other in named:
        if wanted and wanted != running:
            raise SettingsError(
                f"{name} is set and {other} is not, and the servers that run here are others.",
                remedy=f"Set both, or take {name} away to use those of `make run`.",
            )


@contextmanager
def _own_servers(environ: Mapping[str, str]) -> Iterator[ServersRecord]:
    settings, state_dir = load_settings(environ), resolve_state_dir(environ)
    with (
        own_state(state_dir),
        start_servers(
            state_dir, database=not settings.database_url, redis=not settings.redis_url
        ) as servers,
    ):
        record = ServersRecord(
            owner_pid=os.getpid(),
            database_url=servers.database_url or settings.database_url,
            redis_url=servers.redis_url or settings.redis_url,
        )
        migrate(record.database_url)
        write_servers(state_dir, record=record)
        yield record
        hide_servers(state_dir)
        while is_in_use(state_dir):
            sleep(_POLL_S)
