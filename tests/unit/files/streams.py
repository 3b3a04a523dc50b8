"""Byte streams for tests of files, and the paths of sample files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from domain.files.inspection import inspect_file
from domain.files.products import iter_products
from domain.files.source import ByteStream, FileShape, SourceProduct

REPO = Path(__file__).resolve().parents[3]
SHARED = REPO.parent / "shared" / "samples"
OWN = REPO / "docs" / "samples"


def stream_of(content: bytes | str, *, chunk: int = 1 << 16) -> ByteStream:
    raw = content.encode() if isinstance(content, str) else content

    def open_again() -> Iterator[bytes]:
        return (raw[start : start + chunk] for start in range(0, len(raw), chunk))

    return open_again


def read_all(
    content: bytes | str, *, profile: str | None = None
) -> tuple[FileShape, list[SourceProduct]]:
    stream = stream_of(content)
    shape = inspect_file(stream, profile=profile)
    return shape, list(iter_products(stream, shape))


def shared_sample(name: str) -> bytes:
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"the shared sample {name} is not on this machine")
    return path.read_bytes()
