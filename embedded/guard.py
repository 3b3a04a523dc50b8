"""A small process that ends what a killed owner left behind, whole process groups included.

The kernel tells only a child that its parent is gone, not the child's own children (a web or
worker master's processes, which would go on for half a minute). The guard holds the reading end
of a pipe whose writing end only the owner has: however the owner dies, the pipe closes.
This file runs alone, with nothing of ours importable.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
from collections.abc import Iterable

_ORDERLY_S = 10.0
_POLL_S = 0.05


def read_wards(lines: Iterable[str]) -> dict[int, int]:
    """The processes left at the end, with the signal that ends each.

    Each line is ``pid signal``; signal 0 says that the process has ended.
    """
    wards: dict[int, int] = {}
    for line in lines:
        pid, number = map(int, line.split())
        wards[pid] = number
    return {pid: number for pid, number in wards.items() if number}


def end_all(wards: dict[int, int]) -> None:
    """Kill the groups meant to be killed, ask the others to end, then kill what is left."""
    orderly = {pid: number for pid, number in wards.items() if number != signal.SIGKILL}
    for pid in wards.keys() - orderly.keys():
        _kill_group(pid)
    for pid, number in orderly.items():
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)
    for _turn in range(int(_ORDERLY_S / _POLL_S)):
        if not any(map(_is_alive, orderly)):
            break
        select.select([], [], [], _POLL_S)
    for pid in orderly:
        _kill_group(pid)


def _kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


if __name__ == "__main__":
    end_all(read_wards(sys.stdin))
