"""A program that supervises the children it is told of; the end-to-end tests run and signal it."""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from pathlib import Path

from embedded.processes import ProcessSpec
from embedded.signals import StopSignals
from embedded.state import own_state
from embedded.supervisor import Supervisor


def read_wanted(folder: Path) -> dict[str, int]:
    """What the test wrote into ``replicas.json``."""
    with suppress(OSError, ValueError):
        wanted: dict[str, int] = json.loads((folder / "replicas.json").read_text())
        return wanted
    return {}


def main(folder: Path, *, children: list[dict[str, object]]) -> int:
    """Supervise until a signal."""
    with own_state(folder), StopSignals() as signals:
        signals.start_counting()
        supervisor = Supervisor([], signals=signals, read_wanted=lambda: read_wanted(folder))
        for child in children:
            path = {"PATH": "/usr/bin:/bin"}
            supervisor.add(ProcessSpec(env=path, **child))  # type: ignore[arg-type]
        supervisor.run()
        return supervisor.stop()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), children=json.loads(sys.argv[2])))
