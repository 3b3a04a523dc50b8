"""Requests that are no calls: models, files and batches."""

from __future__ import annotations

import email
import email.policy
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from simulators.groq.faults import Fault
from simulators.groq.service import SimulatedGroq
from simulators.groq.shape import ApiError
from simulators.groq.wire import FAULT_ERRORS, build_fault_error


class BrokenOffError(Exception):
    """The connection ends without an answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """One request; ``parts`` are those of the path behind the API's own."""

    method: str
    parts: tuple[str, ...]
    body: bytes
    content_type: str

    @property
    def name(self) -> str:
        """The last but one part of a path such as files/ID/content, else the last."""
        return self.parts[1] if len(self.parts) > 1 else ""

    def read_json(self) -> object:
        """The parsed body; None when it is no JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


def run_errand(service: SimulatedGroq, errand: Errand) -> dict[str, Any] | bytes:
    """Do what is asked for; raises ApiError, and BrokenOffError before or after it was done."""
    fault = service.file_plan.choose("")
    if fault in FAULT_ERRORS:
        raise build_fault_error(fault)
    if fault is Fault.RESET:
        raise BrokenOffError
    told = _find_answer(service, errand)
    if fault is Fault.LOST:
        raise BrokenOffError
    return told


def _find_answer(service: SimulatedGroq, errand: Errand) -> dict[str, Any] | bytes:
    if errand.parts[0] == "models" and errand.method == "GET":
        return _show_models(service, "/".join(errand.parts[1:]))
    # An id stands for itself in the table of routes.
    shape = tuple("*" if index == 1 else part for index, part in enumerate(errand.parts))
    route = _ROUTES.get((errand.method, *shape))
    if route is None:
        path = "/".join(errand.parts)
        raise ApiError(status=404, code="unknown_url", message=f"Unknown request URL: {path}")
    service.desk.require_plan()
    return route(service, errand)


def _show_models(service: SimulatedGroq, name: str) -> dict[str, Any]:
    models = service.list_models()
    if not name:
        return {"object": "list", "data": models}
    for model in models:
        if model["id"] == name:
            return model
    raise build_fault_error(Fault.MODEL_GONE)


def _store_upload(service: SimulatedGroq, errand: Errand) -> dict[str, Any]:
    head = f"Content-Type: {errand.content_type}\r\n\r\n".encode()
    message = email.message_from_bytes(head + errand.body, policy=email.policy.HTTP)
    parts = {
        str(part.get_param("name", header="content-disposition")): part
        for part in (message.iter_parts() if message.is_multipart() else ())
    }
    file, purpose = parts.get("file"), parts.get("purpose")
    if file is None or purpose is None or _read_part(purpose) != b"batch":
        raise ApiError(
            status=400, code="invalid_request", message="file and purpose=batch are required"
        )
    return service.desk.files.add(file.get_filename() or "", _read_part(file)).describe()


def _read_part(part: Any) -> bytes:
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""


Route = Callable[[SimulatedGroq, Errand], dict[str, Any] | bytes]
_ROUTES: dict[tuple[str, ...], Route] = {
    ("POST", "files"): _store_upload,
    ("GET", "files"): lambda s, _: {"object": "list", "data": s.desk.files.describe_all()},
    ("GET", "files", "*"): lambda s, errand: s.desk.files.get(errand.name).describe(),
    ("GET", "files", "*", "content"): lambda s, errand: s.desk.files.get(errand.name).body,
    ("DELETE", "files", "*"): lambda s, errand: s.desk.files.delete(errand.name),
    ("POST", "batches"): lambda s, errand: s.desk.create(errand.read_json()),
    ("GET", "batches"): lambda s, _: {"object": "list", "data": s.desk.describe_all()},
    ("GET", "batches", "*"): lambda s, errand: s.desk.get(errand.name),
    ("POST", "batches", "*", "cancel"): lambda s, errand: s.desk.cancel(errand.name),
}
