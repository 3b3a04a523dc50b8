"""The simulated service over HTTP on the loopback address."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import ClassVar, Final
from urllib.parse import unquote

from simulators.groq.config import SimulatorConfig
from simulators.groq.errands import BrokenOffError, Errand, run_errand
from simulators.groq.faults import Fault
from simulators.groq.files import MAX_FILE_BYTES
from simulators.groq.service import SimulatedGroq
from simulators.groq.shape import ApiError
from simulators.groq.wire import Answer
from simulators.serving import JsonHandler, LoopbackServer

_API: Final = "/openai/v1"
_MAX_UPLOAD_BYTES: Final = MAX_FILE_BYTES + 100_000
_PROXY_PAGE: Final = b"<html><body>Welcome to the hotel network. Please sign in.</body></html>"


class GroqServer(LoopbackServer):
    """Bound from construction on, answers between ``start`` and ``stop``; port 0 picks one.

    Raises OSError when the port is taken.
    """

    def __init__(self, config: SimulatorConfig, *, port: int = 0) -> None:
        self._stopping = threading.Event()
        self.service = SimulatedGroq(config, wait=self._stopping.wait)
        super().__init__(_Handler, self.service, port=port)

    @property
    def url(self) -> str:
        """What GROQ_BASE_URL must be."""
        return self.address

    def stop(self) -> None:
        """Let nobody wait for an answer any more, and give the port back."""
        self._stopping.set()
        super().stop()


class _Handler(JsonHandler):
    extra_headers: ClassVar[Mapping[str, str]] = {"X-Listwright-Simulator": "1"}

    @property
    def service(self) -> SimulatedGroq:
        service: SimulatedGroq = self.server.service
        return service

    def answer(self, method: str) -> None:
        path = unquote(self.path.partition("?")[0])
        if path.startswith("/control/"):
            self._answer_control(method, path.removeprefix("/control/"))
        elif (method, path) == ("POST", f"{_API}/chat/completions"):
            body = self.read_json()
            answer = self.service.answer_chat(body, authorization=self._authorization)
            self._send_answer(answer)
        elif path.startswith(f"{_API}/"):
            self._answer_errand(method, path.removeprefix(f"{_API}/").split("/"))
        else:
            self._send_unknown()

    @property
    def _authorization(self) -> str:
        return str(self.headers.get("Authorization", ""))

    def _answer_errand(self, method: str, parts: list[str]) -> None:
        """Requests about models, files and batches; their faults have a plan of their own."""
        errand = Errand(
            method=method,
            parts=tuple(parts),
            body=self.read_body(max_bytes=_MAX_UPLOAD_BYTES) or b"",
            content_type=self.headers.get("Content-Type", ""),
        )
        try:
            self.service.check_key(self._authorization)
            told = run_errand(self.service, errand)
        except BrokenOffError:
            self.reset_connection()
        except ApiError as error:
            self.send_json(error.status, error.to_json())
        else:
            if isinstance(told, bytes):
                self.send_bytes(200, told, content_type="application/jsonl")
            else:
                self.send_json(200, told)

    def _answer_control(self, method: str, what: str) -> None:
        service = self.service
        shown: dict[str, Callable[[], object]] = {
            "ledger": service.summarize,
            "calls": lambda: {"calls": service.ledger.list_calls()},
            "limits": service.describe_limits,
            "batches": lambda: {"batches": service.desk.describe_all()},
            "files": lambda: {"files": service.desk.files.describe_all()},
        }
        if method == "GET" and what in shown:
            self.send_json(200, shown[what]())
        elif method == "POST" and what in {"faults", "file-faults"}:
            self._replace_faults(what)
        elif method == "POST" and what == "clock":
            body = self.read_json()
            service.clock.advance(float(body["seconds"]) if isinstance(body, dict) else 0.0)
            self.send_json(200, {"elapsed_s": service.clock.elapsed_s})
        elif method == "POST" and what == "reset":
            self.read_json()
            service.reset()
            self.send_json(200, {"reset": True})
        else:
            self._send_unknown()

    def _replace_faults(self, what: str) -> None:
        body = self.read_json()
        faults = body.get("faults") if isinstance(body, dict) else None
        if not isinstance(faults, list):
            self.send_json(400, {"error": 'Send {"faults": ["500:0.05"]}.'})
            return
        plan = self.service.plan if what == "faults" else self.service.file_plan
        try:
            plan.replace([str(fault) for fault in faults])
        except ValueError as error:
            self.send_json(400, {"error": str(error)})
        else:
            self.send_json(200, {"faults": faults})

    def _send_answer(self, answer: Answer) -> None:
        match answer.fault:
            case Fault.RESET | Fault.LOST:
                self.reset_connection()
            case Fault.HANG:
                self.close_connection = True
            case Fault.HTML:
                self.send_bytes(200, _PROXY_PAGE, content_type="text/html")
            case _:
                self.send_json(answer.status, answer.body, headers=answer.headers)

    def _send_unknown(self) -> None:
        error = {"message": f"Unknown request URL: {self.path}", "code": "unknown_url"}
        self.send_json(404, {"error": error})
