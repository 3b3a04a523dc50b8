"""The simulated Groq for tests: started in this process, on a free port."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from simulators.groq.config import SimulatorConfig
from simulators.groq.server import GroqServer


@dataclass(frozen=True, slots=True)
class GroqSimulator:
    """A running simulator; ``url`` is what GROQ_BASE_URL must be."""

    url: str

    def ledger(self) -> dict[str, Any]:
        """Totals of what was asked and billed."""
        return self._get("/control/ledger")

    def calls(self) -> list[dict[str, Any]]:
        """Every call, in order of arrival."""
        return list(self._get("/control/calls")["calls"])

    def set_faults(self, *faults: str) -> None:
        """From now on these faults, such as "500:0.05" or "401@3-9"; none = all goes well."""
        self._post("/control/faults", {"faults": list(faults)})

    def set_file_faults(self, *faults: str) -> None:
        """The same for requests about models, files and batches."""
        self._post("/control/file-faults", {"faults": list(faults)})

    def advance(self, seconds: float) -> None:
        """Let so much of the time of batches pass at once."""
        self._post("/control/clock", {"seconds": seconds})

    def batches(self) -> list[dict[str, Any]]:
        """Every batch, the newest first."""
        return list(self._get("/control/batches")["batches"])

    def files(self) -> list[dict[str, Any]]:
        """Every stored file."""
        return list(self._get("/control/files")["files"])

    def limits(self) -> dict[str, Any]:
        """Every bucket in use, by model and tier."""
        return self._get("/control/limits")

    def reset(self) -> None:
        """Forget calls and used limits."""
        self._post("/control/reset", {})

    def _get(self, path: str) -> dict[str, Any]:
        with urllib.request.urlopen(self.url + path, timeout=30) as answer:
            return dict(json.load(answer))

    def _post(self, path: str, body: dict[str, Any]) -> None:
        content = json.dumps(body).encode()
        with urllib.request.urlopen(self.url + path, data=content, timeout=30) as answer:
            answer.read()


@contextmanager
def running_groq(**config: Any) -> Iterator[GroqSimulator]:
    """A simulator set up with fields of ``SimulatorConfig``, stopped at the end."""
    with GroqServer(SimulatorConfig(**config)) as server:
        yield GroqSimulator(server.url)
