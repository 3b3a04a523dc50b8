"""Keeps docs/benchmarks.md: each bench rewrites its own section and leaves the others alone."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from pathlib import Path

from core.clock import utc_now

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"
_HEAD = "# Benchmarks\n\nEach section is written by the program it names.\n"


def write_section(name: str, title: str, body: str) -> None:
    """Put ``body`` under a heading between the marks of ``name``; a new section goes last."""
    page = PAGE.read_text("utf-8") if PAGE.exists() else _HEAD
    start, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
    section = f"{start}\n## {title}\n\n{describe_run(name)}\n\n{body.strip()}\n{end}"
    if start in page and end in page:
        head, _, rest = page.partition(start)
        page = head + section + rest.partition(end)[2]
    else:
        page = f"{page.rstrip()}\n\n{section}\n"
    PAGE.write_text(page, "utf-8")


def describe_run(name: str) -> str:
    """Which program, on which day and kind of machine."""
    day = utc_now().date().isoformat()
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    return f"`python -m bench.{name}` on {day}; {machine}."


def format_table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table; every column but the first is set to the right."""
    lines = ["| " + " | ".join(head) + " |", "|---" + "|---:" * (len(head) - 1) + "|"]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)
