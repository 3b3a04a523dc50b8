"""What every request gets: an id, a body limit, and headers that keep browsers strict."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, Final, NoReturn, TypeVar

import structlog
from flask import Flask, Request, current_app, request
from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Response

from core.ids import new_id
from core.log import get_logger
from core.settings import Settings
from web.auth import SAFE_METHODS, check_access, is_secure
from web.context import get_deps, get_request_id, set_request_id

log = get_logger(__name__)

View = TypeVar("View", bound=Callable[..., Any])

MAX_BODY_BYTES: Final = 1024 * 1024
FORM_OVERHEAD_BYTES: Final = 1024 * 1024
"""What the other fields of an upload's form may take beside the file."""

_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{8,128}")
_ID_HEADERS: Final = ("X-Railway-Request-Id", "X-Request-Id")

CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
    " form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)


HEADERS: Final = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


class SizedRequest(Request):
    """A request whose body is small unless its view takes a file."""

    max_form_parts = 100

    def on_json_loading_failed(self, e: ValueError | None) -> NoReturn:
        """Say where the JSON breaks off, without repeating what was sent."""
        if isinstance(e, json.JSONDecodeError):
            raise BadRequest(f"The body is not JSON: line {e.lineno}, column {e.colno}: {e.msg}.")
        raise BadRequest(f"The body is not JSON: {e or 'its type is another'}.")


def takes_file(view: View) -> View:
    """Declare that a view's body may be as large as a seller's file."""
    view.takes_file = True  # type: ignore[attr-defined]
    return view


def limit_file(max_bytes: int) -> Callable[[View], View]:
    """Declare that a view takes files up to a size of its own, below that of imports."""

    def mark(view: View) -> View:
        view.max_file_bytes = max_bytes  # type: ignore[attr-defined]
        return takes_file(view)

    return mark


def get_file_limit() -> int:
    """The largest file, in bytes, that this request may bring."""
    largest = get_deps().settings.max_upload_bytes
    view = current_app.view_functions.get(request.endpoint or "")
    return min(largest, getattr(view, "max_file_bytes", largest))


def register_hooks(app: Flask) -> None:
    """Run these around every view, in this order."""
    app.before_request(_begin)
    app.before_request(_limit_body)
    app.before_request(check_access)
    app.after_request(_finish)


def _begin() -> None:
    set_request_id(_choose_request_id())
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=get_request_id())


def _choose_request_id() -> str:
    for name in _ID_HEADERS:
        sent = request.headers.get(name, "")
        if _REQUEST_ID.fullmatch(sent):
            return sent
    return str(new_id())


def is_upload() -> bool:
    """Whether this request may bring a seller's file."""
    view = current_app.view_functions.get(request.endpoint or "")
    return bool(getattr(view, "takes_file", False))


def _limit_body() -> None:
    if is_upload():
        request.max_content_length = get_file_limit() + FORM_OVERHEAD_BYTES


def _finish(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    _require_https(response, get_deps().settings)
    response.headers["X-Request-Id"] = get_request_id()
    response.headers.setdefault("Cache-Control", "no-store")
    write = log.debug if request.method in SAFE_METHODS else log.info
    write(
        "request_answered",
        method=request.method,
        route=str(request.url_rule),
        status=response.status_code,
    )
    return response


def _require_https(response: Response, settings: Settings) -> None:
    if is_secure(settings):
        response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
