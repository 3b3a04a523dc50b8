"""Starts the servers that are not set from outside, and stops them in order."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from core.clock import wait_until
from core.errors import UnavailableError
from embedded import postgres, valkey
from embedded.processes import ProcessSpec, find_server_account, spawn, stop

_READY_TIMEOUT_S = 60.0
_POLL_S = 0.02
_START_ATTEMPTS = 3  # a killed server's last process, or a port lost to another program


@dataclass(slots=True, kw_only=True)
class ServerProcess:
    """A started server."""

    spec: ProcessSpec
    process: subprocess.Popen[bytes]
    url: str


@dataclass(slots=True, kw_only=True)
class RunningServers:
    """The started servers; the URL of one that was not started is empty. Stops them on exit."""

    database_url: str = ""
    redis_url: str = ""
    started: list[ServerProcess] = field(default_factory=list)

    def stop(self) -> None:
        """Stop in reverse order, each asked first; safe to call twice."""
        while self.started:
            server = self.started.pop()
            stop(server.spec, process=server.process)
            if server.spec.name == "postgres":
                postgres.remove_socket_dir(server.spec, database_url=server.url)

    def __enter__(self) -> Self:
        """The servers are already there."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop them."""
        self.stop()


def start_servers(
    state_dir: Path, *, database: bool = True, redis: bool = True, durable: bool = True
) -> RunningServers:
    """Start the wanted servers and wait until each answers a real request.

    Call it from the main thread: the servers live as long as the thread that started them.
    Raises UnavailableError with the server's last words when one does not start.
    """
    account = find_server_account()
    running = RunningServers()
    try:
        if database:
            server = _start(
                lambda: postgres.build_postgres(state_dir, account=account, durable=durable),
                is_answering=postgres.is_answering,
            )
            running.started.append(server)
            postgres.create_database(server.url, name=postgres.DATABASE)
            running.database_url = server.url
        if redis:
            server = _start(
                lambda: valkey.build_valkey(state_dir, account=account, durable=durable),
                is_answering=valkey.is_answering,
            )
            running.started.append(server)
            running.redis_url = server.url
    except BaseException:
        running.stop()
        raise
    return running


def _start(
    build: Callable[[], tuple[ProcessSpec, str]], *, is_answering: Callable[[str], bool]
) -> ServerProcess:
    failure = ""
    for _attempt in range(_START_ATTEMPTS):
        spec, url = build()
        process = spawn(spec)
        if _wait_ready(process, url=url, is_answering=is_answering):
            return ServerProcess(spec=spec, process=process, url=url)
        stop(spec, process=process)
        failure = f"{spec.name} did not start:\n{postgres.get_failure(spec)}"
    raise UnavailableError(failure)


def _wait_ready(
    process: subprocess.Popen[bytes], *, url: str, is_answering: Callable[[str], bool]
) -> bool:
    def settled() -> bool:
        return process.poll() is not None or is_answering(url)

    return wait_until(settled, timeout_s=_READY_TIMEOUT_S, poll_s=_POLL_S) and (
        process.poll() is None
    )
