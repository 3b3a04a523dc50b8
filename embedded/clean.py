"""Removes the state folder's content; run by ``make clean`` with any Python, nothing installed."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from core.errors import AppError
from core.settings import process_environ
from embedded.state import own_state, resolve_state_dir

_FOLDERS = ("postgres", "valkey", "programs")
_FILES = ("servers.json", "replicas.json", "owner.lock", "users.lock")


def clean_state(environ: Mapping[str, str]) -> Path:
    """Remove what we made in the state folder, nothing else; raises ConflictError while it runs."""
    state_dir = resolve_state_dir(environ)
    with own_state(state_dir):
        for name in _FOLDERS:
            shutil.rmtree(state_dir / name, ignore_errors=True)
        for name in _FILES:
            (state_dir / name).unlink(missing_ok=True)
    if not any(state_dir.iterdir()):
        state_dir.rmdir()
    return state_dir


def main() -> int:
    """Clean; 1 with the reason when that is not possible now."""
    try:
        clean_state(process_environ())
    except AppError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
