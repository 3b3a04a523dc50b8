"""The simulated service over HTTP on the loopback address."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from simulators.groq.config import SimulatorConfig
from simulators.groq.faults import Fault
from simulators.groq.service import SimulatedGroq
from simulators.groq.wire import Answer

_API = "/openai/v1"
_MAX_BODY_BYTES = 4_000_000
_CLOSE_WITH_RESET = struct.pack("ii", 1, 0)
_PROXY_PAGE = b"<html><body>Welcome to the hotel network. Please sign in.</body></html>"


class GroqServer:
    """Bound from construction on, answers between ``start`` and ``stop``; port 0 picks one.

    Raises OSError when the port is taken.
    """

    def __init__(self, config: SimulatorConfig, *, port: int = 0) -> None:
        self._stopping = threading.Event()
        self.service = SimulatedGroq(config, wait=self._stopping.wait)
        self._http = _HttpServer(("127.0.0.1", port), self.service)
        self._thread = threading.Thread(
            target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )

    @property
    def url(self) -> str:
        """What GROQ_BASE_URL must be."""
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def start(self) -> None:
        """Begin to answer, in a thread of its own."""
        self._thread.start()

    def stop(self) -> None:
        """Hang up on everybody and give the port back."""
        self._stopping.set()
        self._http.shutdown()
        self._http.server_close()
        self._http.hang_up()
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
    request_queue_size = 256

    def __init__(self, address: tuple[str, int], service: SimulatedGroq) -> None:
        self.service = service
        self._open: set[socket.socket] = set()
        self._open_lock = threading.Lock()
        super().__init__(address, _Handler)

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        with self._open_lock:
            self._open.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        with self._open_lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Callers that hang up are part of the game."""

    def hang_up(self) -> None:
        """End every connection, so that no thread waits for a caller."""
        with self._open_lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    server: _HttpServer
    protocol_version = "HTTP/1.1"
    server_version = "listwright-simulator"
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Silent: the ledger says more."""

    def do_GET(self) -> None:
        service = self.server.service
        match self.path:
            case "/openai/v1/models":
                answer = service.list_models(self._authorization)
                self._send_json(answer.status, answer.body)
            case "/control/ledger":
                self._send_json(200, service.ledger.summarize())
            case "/control/calls":
                self._send_json(200, {"calls": service.ledger.list_calls()})
            case _:
                self._send_unknown()

    def do_POST(self) -> None:
        service, body = self.server.service, self._read_body()
        match self.path:
            case "/openai/v1/chat/completions":
                self._send_answer(service.answer_chat(body, authorization=self._authorization))
            case "/control/faults":
                self._replace_faults(body)
            case "/control/reset":
                service.reset()
                self._send_json(200, {"reset": True})
            case _:
                self._send_unknown()

    @property
    def _authorization(self) -> str:
        return str(self.headers.get("Authorization", ""))

    def _read_body(self) -> object:
        """The parsed body; None when it is no JSON or above the limit."""
        size = int(self.headers.get("Content-Length") or 0)
        if size > _MAX_BODY_BYTES:
            self.close_connection = True
            return None
        try:
            return json.loads(self.rfile.read(size))
        except ValueError:
            return None

    def _replace_faults(self, body: object) -> None:
        faults = body.get("faults") if isinstance(body, dict) else None
        if not isinstance(faults, list):
            self._send_json(400, {"error": 'Send {"faults": ["500:0.05"]}.'})
            return
        try:
            self.server.service.plan.replace([str(fault) for fault in faults])
        except ValueError as error:
            self._send_json(400, {"error": str(error)})
        else:
            self._send_json(200, {"faults": faults})

    def _send_answer(self, answer: Answer) -> None:
        match answer.fault:
            case Fault.RESET:
                self._reset_connection()
            case Fault.HANG:
                self.close_connection = True
            case Fault.HTML:
                self._send_bytes(200, _PROXY_PAGE, content_type="text/html")
            case _:
                self._send_json(answer.status, answer.body, headers=answer.headers)

    def _reset_connection(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _CLOSE_WITH_RESET)
        self.close_connection = True
        self.connection.close()

    def _send_unknown(self) -> None:
        error = {"message": f"Unknown request URL: {self.path}", "code": "unknown_url"}
        self._send_json(404, {"error": error})

    def _send_json(
        self, status: int, body: object, *, headers: Mapping[str, str] | None = None
    ) -> None:
        text = json.dumps(body, ensure_ascii=False).encode("utf-8", "surrogatepass")
        self._send_bytes(status, text, content_type="application/json", headers=headers)

    def _send_bytes(
        self,
        status: int,
        body: bytes,
        *,
        content_type: str,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.send_response(status)
        everyones = {"Content-Type": content_type, "X-Listwright-Simulator": "1"}
        for name, value in {**everyones, **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
