"""Writes docs/settings.md from the settings themselves: ``python -m tests.house.settings_page``."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from core.settings import list_setting_specs

INTERNAL = {"LISTWRIGHT_POOL"}
"""Set by the commands themselves, never by people."""

HEAD = """\
# Settings

Every setting is an environment variable, read once at the start by `core/settings.py` and nowhere
else. An empty variable counts as not set. A wrong one stops the start; the message names all that
are wrong. A **secret** may also stand in a file that `NAME_FILE` names (`GROQ_API_KEY_FILE`, say).
`flask doctor` shows what was found and chosen. `.env.example` holds the same list to copy; no
program reads a `.env` file by itself.

This page is written by `python -m tests.house.settings_page > docs/settings.md`; a test holds it to
the code.

| variable | default | meaning |
|---|---|---|
"""

TAIL_HEAD = """
## Variables that are no settings of ours

| variable | read by | meaning |
|---|---|---|
"""

OTHERS = (
    (
        "`dramatiq_queue_prefetch`",
        "Dramatiq",
        "messages a process holds ahead; the Procfile sets threads + 4",
    ),
    (
        "`MIGRATION_DATABASE_URL`",
        "the `release` command",
        "another address than the app's ([why](deploy-railway.md#two-addresses-of-the-database))",
    ),
    (
        "`TEST_DATABASE_URL`, `TEST_REDIS_URL`",
        "the tests",
        "servers to test on instead of those the tests start",
    ),
    ("`FILE`, `CHANNEL`, `OUT`, `ARGS`, `PYTHON`", "make", "see `make help`"),
)


def show_default(spec: Mapping[str, Any]) -> str:
    """A default as it would be written into the variable."""
    default = spec["default"]
    if isinstance(default, bool):
        return f"`{int(default)}`"
    return "" if default == "" else f"`{default}`"


def build_row(spec: Mapping[str, Any]) -> str:
    """One line of the table."""
    notes = [spec["what"]]
    notes += ["**secret**"] * bool(spec["secret"])
    notes += ["internal"] * (spec["name"] in INTERNAL)
    return f"| `{spec['name']}` | {show_default(spec)} | {'; '.join(notes)} |"


def build_page() -> str:
    """The whole page."""
    rows = [build_row(spec) for spec in list_setting_specs()]
    others = [f"| {' | '.join(one)} |" for one in OTHERS]
    return HEAD + "\n".join(rows) + "\n" + TAIL_HEAD + "\n".join(others) + "\n"


if __name__ == "__main__":
    sys.stdout.write(build_page())
