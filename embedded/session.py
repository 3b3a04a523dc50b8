"""Servers for one command: the ones that run already, else its own for as long as it needs them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

from core.clock import monotonic_s, sleep
from core.errors import ConflictError, UnavailableError
from core.settings import load_settings
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
    from the main thread. Raises UnavailableError when neither works.
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
                stack.push(attempt.pop_all())
                return record
        try:
            return stack.enter_context(_own_servers(environ))
        except ConflictError:
            sleep(_POLL_S)
    raise UnavailableError("the embedded servers are being started or stopped by another command")


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
