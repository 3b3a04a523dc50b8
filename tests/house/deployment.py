"""The deployment files as values: what each process is started with."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from functools import cache
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

from core.settings import Settings
from embedded.up import Plan, list_specs
from tests.house.repo import ROOT, read

SERVICES = ("web", "interactive", "worker", "scaler", "cron")


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A start command: the words, and the variables set on its line."""

    words: tuple[str, ...]
    variables: dict[str, str]

    def option(self, name: str) -> list[str]:
        """The words after an option, up to the next one."""
        start = self.words.index(name) + 1
        rest = self.words[start:]
        ends = [place for place, word in enumerate(rest) if word.startswith("--")]
        return list(rest[: ends[0] if ends else None])


def parse_command(line: str) -> Command:
    """Read a shell line as ``[sh -c] exec [env A=B] words``; it must hand over by ``exec``."""
    words = shlex.split(line)
    if words[:2] == ["/bin/sh", "-c"]:
        words = shlex.split(words[2])
    if words[0] != "exec":
        message = f"a shell would swallow the signals: {line}"
        raise ValueError(message)
    words = words[1:]
    variables = {}
    if words[0] == "env":
        words = words[1:]
        while "=" in words[0]:
            name, _, value = words[0].partition("=")
            variables[name] = value
            words = words[1:]
    return Command(words=tuple(words), variables=variables)


def read_procfile() -> dict[str, Command]:
    """The commands of the Procfile by process."""
    lines = [line.partition(": ") for line in read("Procfile").splitlines() if line]
    return {name: parse_command(command) for name, _, command in lines}


@cache
def load_graph() -> dict[str, dict[str, Any]]:
    """What ``.railway/railway.py`` declares, by name, as the Railway CLI would see it."""
    path = ROOT / ".railway" / "railway.py"
    spec = spec_from_file_location("railway_file", path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    graph: dict[str, Any] = module.main().to_graph()
    return {node["name"]: node for node in graph["resources"]}


def read_railway(service: str) -> dict[str, Any]:
    """The ``deploy`` part of a Railway service."""
    deploy: dict[str, Any] = load_graph()[service]["deploy"]
    return deploy


def list_embedded() -> dict[str, Command]:
    """The commands of the one-command mode by process; ``python -m NAME`` is shown as ``NAME``."""
    plan = Plan(settings=Settings(), state_dir=Path(ROOT), port=8000, environ={})
    return {
        spec.name: Command(
            words=tuple(spec.argv[2:] if spec.argv[1] == "-m" else ("python", *spec.argv[1:])),
            variables=dict(spec.env),
        )
        for spec in list_specs(plan, env={})
    }
