"""What every simulator needs of HTTP: a server on the loopback address, and JSON over it."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import threading
from abc import ABC, abstractmethod
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, ClassVar, Final, Self

_CLOSE_WITH_RESET: Final = struct.pack("ii", 1, 0)


class LoopbackServer:
    """Bound from construction on, answers between ``start`` and ``stop``; port 0 picks one.

    ``handler`` answers requests, with ``service`` at hand. Raises OSError when the port is taken.
    """

    def __init__(self, handler: type[JsonHandler], service: Any, *, port: int = 0) -> None:
        self._http = _HttpServer(("127.0.0.1", port), handler, service)
        self._thread = threading.Thread(
            target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )

    @property
    def address(self) -> str:
        """Scheme, host and port."""
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def start(self) -> None:
        """Begin to answer, in a thread of its own."""
        self._thread.start()

    def stop(self) -> None:
        """Hang up on everybody and give the port back."""
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
    # Threads of idle connections end with ``hang_up``; nobody has to wait for their callers.
    block_on_close = False
    request_queue_size = 256

    def __init__(self, address: tuple[str, int], handler: type[JsonHandler], service: Any) -> None:
        self.service = service
        self._open: set[socket.socket] = set()
        self._open_lock = threading.Lock()
        super().__init__(address, handler)

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


class JsonHandler(BaseHTTPRequestHandler, ABC):
    """Answers one connection; what a request is told is the business of the classes below."""

    server: _HttpServer
    protocol_version = "HTTP/1.1"
    server_version = "listwright-simulator"
    disable_nagle_algorithm = True
    extra_headers: ClassVar[Mapping[str, str]] = {}

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Silent: the simulators keep books of their own."""

    @abstractmethod
    def answer(self, method: str) -> None:
        """Answer one request."""

    def do_GET(self) -> None:
        """Called by the base class."""
        self.answer("GET")

    def do_POST(self) -> None:
        """Called by the base class."""
        self.answer("POST")

    def do_DELETE(self) -> None:
        """Called by the base class."""
        self.answer("DELETE")

    def read_body(self, *, max_bytes: int) -> bytes | None:
        """What was sent; None when it is above the limit, and the connection ends."""
        size = int(self.headers.get("Content-Length") or 0)
        if size > max_bytes:
            self.close_connection = True
            return None
        return self.rfile.read(size)

    def read_json(self, *, max_bytes: int = 4_000_000) -> object:
        """The parsed body; None when it is no JSON or above the limit."""
        body = self.read_body(max_bytes=max_bytes)
        try:
            return None if body is None else json.loads(body)
        except ValueError:
            return None

    def send_json(
        self, status: int, body: object, *, headers: Mapping[str, str] | None = None
    ) -> None:
        """Answer with JSON."""
        text = json.dumps(body, ensure_ascii=False).encode("utf-8", "surrogatepass")
        self.send_bytes(status, text, content_type="application/json", headers=headers)

    def send_bytes(
        self,
        status: int,
        body: bytes,
        *,
        content_type: str,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Answer with anything."""
        self.send_response(status)
        everyones = {"Content-Type": content_type, **self.extra_headers}
        for name, value in {**everyones, **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def reset_connection(self) -> None:
        """Break off as a crashed machine does."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _CLOSE_WITH_RESET)
        self.close_connection = True
        self.connection.close()
