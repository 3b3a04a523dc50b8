"""The simulated platform over HTTP on the loopback address."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from core.clock import monotonic_s
from simulators.railway.service import Answer, Fault, RailwayConfig, SimulatedRailway


class RailwayServer:
    """Bound from construction on, answers between ``start`` and ``stop``; port 0 picks one.

    Raises OSError when the port is taken.
    """

    def __init__(
        self,
        config: RailwayConfig | None = None,
        *,
        port: int = 0,
        clock: Callable[[], float] = monotonic_s,
    ) -> None:
        self.platform = SimulatedRailway(config or RailwayConfig(), clock=clock)
        self._http = _HttpServer(("127.0.0.1", port), self.platform)
        self._thread = threading.Thread(
            target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )

    @property
    def url(self) -> str:
        """What RAILWAY_API_URL must be."""
        return f"http://127.0.0.1:{self._http.server_address[1]}/graphql/v2"

    def start(self) -> None:
        """Begin to answer, in a thread of its own."""
        self._thread.start()

    def stop(self) -> None:
        """Give the port back."""
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop."""
        self.stop()


class _HttpServer(ThreadingHTTPServer):
    daemon_threads = True
    # Idle connections are the callers' to close; they end with the process.
    block_on_close = False

    def __init__(self, address: tuple[str, int], platform: SimulatedRailway) -> None:
        self.platform = platform
        super().__init__(address, _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: _HttpServer
    protocol_version = "HTTP/1.1"
    server_version = "listwright-simulator"
    timeout = 5

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Silent: the list of calls says more."""

    def do_GET(self) -> None:
        if self.path == "/control/calls":
            self._send(200, {"calls": self.server.platform.calls})
        else:
            self._send(404, {"message": "not found"})

    def do_POST(self) -> None:
        body = self._read_body()
        match self.path:
            case "/graphql/v2":
                token = str(self.headers.get("Project-Access-Token", ""))
                self._send_answer(self.server.platform.answer(body, token=token))
            case "/control/faults" | "/control/replicas" | "/control/deploying":
                self._control(self.path.rpartition("/")[2], body)
            case _:
                self._send(404, {"message": "not found"})

    def _control(self, what: str, body: object) -> None:
        platform = self.server.platform
        try:
            wish = body if isinstance(body, dict) else {}
            service_id = str(wish.get("service", "svc-worker"))
            if what == "faults":
                platform.plan_faults(*wish["faults"])
            elif what == "replicas":
                platform.set_by_hand(service_id, int(wish["replicas"]))
            else:
                platform.set_deploying(service_id, deploying=bool(wish["deploying"]))
        except (KeyError, ValueError, TypeError) as error:
            self._send(400, {"message": f"{type(error).__name__}: {error}"})
        else:
            self._send(200, {"done": True})

    def _read_body(self) -> object:
        try:
            return json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)))
        except ValueError:
            return None

    def _send_answer(self, answer: Answer) -> None:
        if answer.fault is Fault.RESET:
            self.close_connection = True
        elif answer.fault is Fault.HTML:
            self._send_bytes(200, b"<html>Please sign in.</html>", {"Content-Type": "text/html"})
        else:
            self._send(answer.status, answer.body, answer.headers)

    def _send(
        self, status: int, body: Mapping[str, Any], headers: Mapping[str, str] | None = None
    ) -> None:
        kind = {"Content-Type": "application/json"}
        self._send_bytes(status, json.dumps(body).encode(), {**kind, **(headers or {})})

    def _send_bytes(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
