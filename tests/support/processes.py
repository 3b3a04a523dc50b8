"""Which processes work on a folder, so that a test can see that none is left."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from embedded.processes import get_arguments


def list_processes(folder: Path) -> dict[int, str]:
    """The processes that name the folder in their arguments or environment, or stand in it.

    Linux only. Their arguments by process id; the caller itself is left out.
    """
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            arguments = get_arguments(int(entry.name))
            if str(folder) in arguments + _read_environ(entry) + _read_cwd(entry):
                found[int(entry.name)] = arguments
    return found


def find_leader(folder: Path, word: str) -> int:
    """The first of the processes with ``word`` in their arguments: the one no other of them began.

    Not the one with the least number: numbers begin again from below, and every process of
    Postgres leads a session. Raises LookupError.
    """
    found = {pid for pid, arguments in list_processes(folder).items() if word in arguments}
    for pid in found:
        if os.getsid(pid) == pid and _read_parent(pid) not in found:
            return pid
    raise LookupError(word)


def _read_parent(pid: int) -> int:
    with suppress(OSError, ValueError, IndexError):
        stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
        return int(stat.rpartition(")")[2].split()[1])
    return 0


def _read_environ(entry: Path) -> str:
    with suppress(OSError):
        return (entry / "environ").read_text(errors="replace")
    return ""


def _read_cwd(entry: Path) -> str:
    with suppress(OSError):
        return str((entry / "cwd").readlink())
    return ""
