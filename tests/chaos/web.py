"""The product's own web process, and plain requests to it."""

from __future__ import annotations

import json
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from core.clock import wait_until
from embedded.ports import find_any_port
from embedded.processes import ProcessSpec
from services.access import create_api_key
from tests.chaos.programs import START_S, Program, pick_environ
from tests.chaos.stage import Scene
from tests.support.jobs import make_seller
from tests.support.servers import ROOT


@dataclass(frozen=True, slots=True)
class Reply:
    """What a request got; status 0 when it got nothing."""

    status: int
    body: dict[str, Any]
    headers: Mapping[str, str]


@dataclass(slots=True, kw_only=True)
class WebProcess:
    """A running gunicorn, and a seller's key."""

    program: Program
    port: int
    key: str

    def ask(self, path: str, body: Any = None, *, port: int = 0, **headers: str) -> Reply:
        """GET, or POST where there is a body; ``port`` leads there by another way."""
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(
            f"http://127.0.0.1:{port or self.port}{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {self.key}",
                "Content-Type": "application/json",
                **names,
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return Reply(answer.status, json.load(answer), dict(answer.headers))
        except urllib.error.HTTPError as fault:
            with fault:
                return Reply(fault.code, json.load(fault), dict(fault.headers))
        except OSError:
            return Reply(0, {}, {})


@contextmanager
def running_web(scene: Scene) -> Iterator[WebProcess]:
    """Started and answering, with a new seller's key; ended with all its processes."""
    port, settings = find_any_port(), scene.worker_deps.settings
    argv = [sys.executable, "-m", "gunicorn", "web.factory:create_app()", "--no-control-socket"]
    argv += ["--bind", f"127.0.0.1:{port}", "--workers", "2", "--threads", "8"]
    addresses = {"DATABASE_URL": settings.database_url, "REDIS_URL": settings.redis_url}
    environ = {**pick_environ(), **scene.keys, **addresses, "LOG_LEVEL": "error"}
    log = scene.folder / "web.log"
    spec = ProcessSpec(name="web", argv=argv, env=environ, cwd=ROOT, log_path=log)
    seller = make_seller(scene.deps, "web@example.com")
    web = WebProcess(program=Program(spec), port=port, key=create_api_key(scene.deps, seller.id))
    web.program.start()
    try:
        ready = wait_until(lambda: web.ask("/readyz").status == 200, timeout_s=START_S)
        assert ready, log.read_text(errors="replace")[-4000:]
        yield web
    finally:
        web.program.kill()
