"""Starts child processes that cannot outlive the process that started them."""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import os
import platform
import pwd
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import IO, cast

_PR_SET_PDEATHSIG = 1
_ON_LINUX = platform.system() == "Linux"
_LIBC = ctypes.CDLL(None) if _ON_LINUX else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The user a server runs as where that is not the caller."""

    uid: int
    gid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessSpec:
    """One child process.

    ``stop_signal`` asks for an orderly stop, within ``stop_timeout_s``. ``death_signal`` ends it
    when its parent was killed: SIGKILL its whole group at once, another one itself first. Output
    goes to ``log_path``, or to a pipe where there is none. ``replicable`` children run as often as
    the wanted count says; a ``once`` child does its work and ends, and its output stands without
    a prefix.
    """

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    account: Account | None = None
    cwd: Path | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    stop_timeout_s: float = 20.0
    death_signal: signal.Signals = signal.SIGKILL
    log_path: Path | None = None
    replicable: bool = False
    once: bool = False


def find_server_account() -> Account | None:
    """``nobody`` for root, since Postgres refuses to run as root; None for everyone else.

    Raises KeyError where the system has no such user.
    """
    if os.geteuid() != 0:
        return None
    entry = pwd.getpwnam("nobody")
    return Account(uid=entry.pw_uid, gid=entry.pw_gid)


def spawn(spec: ProcessSpec) -> subprocess.Popen[bytes]:
    """Start ``spec`` in its own session, tied to the life of the calling *thread*.

    Linux sends the death signal when the thread that started the child ends, so call this from
    the main thread only. The guard does the same for what the child itself starts.
    """
    if spec.log_path is None:
        process = _popen(spec, subprocess.PIPE)
    else:
        with spec.log_path.open("ab") as log:
            process = _popen(spec, log)
    _tell_guard(process.pid, spec.death_signal)
    return process


@cache
def _start_guard() -> IO[bytes]:
    """The pipe to this process's one guard; closing it at a normal end makes the guard act too."""
    guard = subprocess.Popen(
        [sys.executable, "-I", "-S", str(Path(__file__).with_name("guard.py"))],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        start_new_session=True,
        bufsize=0,
    )
    atexit.register(guard.communicate)
    return cast("IO[bytes]", guard.stdin)


def _tell_guard(pid: int, number: int) -> None:
    with contextlib.suppress(BrokenPipeError):  # without a guard the kernel's part still holds
        _start_guard().write(f"{pid} {number}\n".encode("ascii"))


def _popen(spec: ProcessSpec, output: int | IO[bytes]) -> subprocess.Popen[bytes]:
    parent_pid = os.getpid()

    def tie_to_parent() -> None:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        if _LIBC is not None:
            _LIBC.prctl(_PR_SET_PDEATHSIG, int(spec.death_signal))
            if os.getppid() != parent_pid:
                os.kill(os.getpid(), signal.SIGKILL)

    account = spec.account
    return subprocess.Popen(
        list(spec.argv),
        env=dict(spec.env),
        cwd=spec.cwd,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
        preexec_fn=tie_to_parent,  # noqa: PLW1509 - our callers have one thread
    )


def stop(spec: ProcessSpec, *, process: subprocess.Popen[bytes]) -> int:
    """Ask for an orderly stop, then kill whatever is left of the process group; exit status."""
    if process.poll() is None:
        process.send_signal(spec.stop_signal)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=spec.stop_timeout_s)
    return finish(process)


def finish(process: subprocess.Popen[bytes]) -> int:
    """Kill what is left of a process's group; its exit status."""
    kill_group(process.pid)
    status = process.wait()
    _tell_guard(process.pid, 0)
    return status


def kill_group(pid: int) -> None:
    """Kill every process of the session that ``pid`` leads; fine when there is none left."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def is_alive(pid: int) -> bool:
    """Whether a process with this id exists."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def get_arguments(pid: int) -> str:
    """The command line of a process, its parts joined; empty when it is gone."""
    if _ON_LINUX:
        with contextlib.suppress(OSError):
            return Path(f"/proc/{pid}/cmdline").read_text(errors="replace").replace("\0", " ")
        return ""
    argv = ["/bin/ps", "-o", "args=", "-p", str(pid)]
    return subprocess.run(argv, capture_output=True, check=False, text=True).stdout


def get_log_tail(path: Path, *, lines: int = 40) -> str:
    """The last lines of a log; empty when there is none."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-lines:])
