"""What the tests of the house look at: the files of this checkout that are ours."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("core", "domain", "models", "gateways", "services", "workers", "web", "embedded")
PRODUCT = (*ROOMS, "simulators", "migrations")
TEXT_SUFFIXES = frozenset(
    {"", ".cfg", ".css", ".html", ".in", ".ini", ".js", ".json", ".lua", ".mako", ".md"}
    | {".py", ".svg", ".toml", ".txt", ".yaml", ".yml"}
)


@cache
def list_files() -> tuple[Path, ...]:
    """Files under version control, and new ones it would take; without git, what is not hidden."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            capture_output=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return tuple(path for path in _walk(ROOT) if path.is_file())
    paths = (ROOT / name for name in listed.stdout.decode().split("\0") if name)
    return tuple(path for path in paths if path.is_file())


def _walk(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.name == "__pycache__":
            continue
        yield from _walk(path) if path.is_dir() else [path]


def list_texts() -> list[Path]:
    """Text files that people write; sellers' sample files keep their own encodings."""
    samples = ROOT / "docs" / "samples"
    return [
        path
        for path in list_files()
        if path.suffix in TEXT_SUFFIXES and (samples not in path.parents or path.suffix == ".md")
    ]


def list_python(*rooms: str) -> list[Path]:
    """Python files of these rooms, or of the whole checkout."""
    return [
        path
        for path in list_files()
        if path.suffix == ".py" and (not rooms or name_of(path).split("/")[0] in rooms)
    ]


def name_of(path: Path) -> str:
    """The path as people write it: relative, with slashes."""
    return path.relative_to(ROOT).as_posix()


def read(name: str) -> str:
    """A file of the checkout by its relative name."""
    return (ROOT / name).read_text(encoding="utf-8")


def parse(path: Path) -> ast.Module:
    """The syntax tree of a file."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
