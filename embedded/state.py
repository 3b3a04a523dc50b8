"""The state folder: where the embedded servers keep what they know, and who owns it."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO

from core.clock import wait_until
from core.errors import ConflictError, UnavailableError
from core.ids import hash_text

_CHECKOUT = Path(__file__).resolve().parent.parent
_ROOT_HOME = Path("/var/lib/listwright")
_OWNER_LOCK = "owner.lock"
_USERS_LOCK = "users.lock"
_SERVERS_FILE = "servers.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServersRecord:
    """Where the running servers are; written by their owner for other commands.

    ``scaling`` are the settings of the scaler at work there, for one that is started by hand.
    """

    owner_pid: int
    database_url: str
    redis_url: str
    web_url: str = ""
    scaling: Mapping[str, str] = field(default_factory=dict)


def resolve_state_dir(environ: Mapping[str, str]) -> Path:
    """The state folder of this checkout, made and writable; two checkouts never share one.

    Raises UnavailableError when an explicit ``LISTWRIGHT_STATE_DIR`` cannot be used.
    """
    explicit = environ.get("LISTWRIGHT_STATE_DIR", "").strip()
    if explicit:
        return _require_folder(Path(explicit).expanduser().absolute())
    checkout = hash_text(str(_CHECKOUT))[:12]
    for home in list_state_homes(environ, uid=os.geteuid()):
        with contextlib.suppress(OSError, UnavailableError):
            return _require_folder(home / checkout)
    fallback = _require_folder(Path(tempfile.gettempdir()) / f"listwright-{os.geteuid()}")
    return _require_folder(fallback / checkout)


def list_state_homes(environ: Mapping[str, str], *, uid: int) -> list[Path]:
    """The folders to try in turn. Root's is outside its home, where the servers' user may enter."""
    if uid == 0:
        return [_ROOT_HOME]
    homes = []
    if environ.get("XDG_STATE_HOME", "").startswith("/"):
        homes.append(Path(environ["XDG_STATE_HOME"]) / "listwright")
    if environ.get("HOME", "").startswith("/"):
        homes.append(Path(environ["HOME"]) / ".local" / "state" / "listwright")
    return homes


def _require_folder(path: Path) -> Path:
    """Make the folder, ours alone (root's may be passed through, not listed, by its servers)."""
    try:
        path.mkdir(mode=0o711, parents=True, exist_ok=True)
        if path.stat().st_uid == os.geteuid():
            path.chmod(0o711 if os.geteuid() == 0 else 0o700)
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        message = f"the state folder {path} cannot be used: {error.strerror}"
        remedy = "Set LISTWRIGHT_STATE_DIR to a folder that you may write."
        raise UnavailableError(message, remedy=remedy) from error
    if path.stat().st_uid != os.geteuid():
        raise UnavailableError(f"the state folder {path} belongs to another user")
    return path


@contextlib.contextmanager
def own_state(state_dir: Path) -> Iterator[None]:
    """Be the one process that starts servers in ``state_dir``; freed by the kernel at any death.

    Raises ConflictError when another process owns it.
    """
    with _open_lock(state_dir / _OWNER_LOCK) as lock:
        # A look by ``is_owned`` holds the lock for an instant: that is no owner.
        if not wait_until(lambda: _try_lock(lock, fcntl.LOCK_EX), timeout_s=0.2, poll_s=0.02):
            raise ConflictError(
                f"already running (process {lock.read().strip() or 'unknown'}, state {state_dir})",
                remedy="Stop it first, or set LISTWRIGHT_STATE_DIR to run a second copy.",
            )
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        try:
            yield
        finally:
            hide_servers(state_dir)


@contextlib.contextmanager
def use_state(state_dir: Path) -> Iterator[None]:
    """Tell the owner that the servers are in use for as long as this is held."""
    with _open_lock(state_dir / _USERS_LOCK) as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        yield


def is_in_use(state_dir: Path) -> bool:
    """Whether another command still uses the servers."""
    with _open_lock(state_dir / _USERS_LOCK) as lock:
        return not _try_lock(lock, fcntl.LOCK_EX)


def is_owned(state_dir: Path) -> bool:
    """Whether a living process owns the state; a mere look, it may change at once."""
    with _open_lock(state_dir / _OWNER_LOCK) as lock:
        return not _try_lock(lock, fcntl.LOCK_SH)


def _open_lock(path: Path) -> IO[str]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    return os.fdopen(descriptor, "r+", encoding="ascii")


def _try_lock(lock: IO[str], kind: int) -> bool:
    try:
        fcntl.flock(lock, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def write_servers(state_dir: Path, *, record: ServersRecord) -> None:
    """Publish where the servers are; readable by the owner's user alone, replaced at once."""
    write_private(state_dir / _SERVERS_FILE, text=json.dumps(asdict(record)))


def hide_servers(state_dir: Path) -> None:
    """Let no further command join the servers."""
    (state_dir / _SERVERS_FILE).unlink(missing_ok=True)


def find_servers(state_dir: Path) -> ServersRecord | None:
    """The running servers, or None when nobody owns the state or the owner is still starting."""
    if not is_owned(state_dir):
        return None
    try:
        return ServersRecord(**json.loads((state_dir / _SERVERS_FILE).read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def write_private(path: Path, *, text: str) -> None:
    """Write a file that only its owner may read; readers see the old or the new one, whole."""
    unfinished = path.with_name(f"{path.name}.tmp")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    unfinished.replace(path)
