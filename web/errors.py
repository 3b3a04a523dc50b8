"""Turns every error into an answer: problem+json (RFC 9457) for programs, a page for people."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

from apiflask.exceptions import HTTPError
from flask import Flask, json, make_response, render_template, request
from flask.typing import ResponseReturnValue
from pydantic import ValidationError
from pydantic_core import ErrorDetails
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge
from werkzeug.routing import RoutingException
from werkzeug.wrappers import Response

from core.errors import AppError, FileFormatError, TooManyError, UnavailableError
from core.log import get_logger
from services.import_receive import describe_size
from web.context import get_deps, get_request_id
from web.problems import get_code, get_problem
from web.requests import get_file_limit, is_upload

log = get_logger(__name__)

PROBLEM_TYPE: Final = "application/problem+json"
_MACHINE_PATHS: Final = ("/api/", "/healthz", "/readyz")
_HEADER_NAME: Final = re.compile(r"[A-Z][A-Za-z]*(-[A-Z][A-Za-z]*)+")
_MAX_ERRORS: Final = 50
_SEND_ONE: Final = (
    "Send one JSON object with its quotes and brackets closed; a file goes into a form"
    " (multipart/form-data)."
)
_WORDING: Final = {
    "extra_forbidden": "there is no such field",
    "missing": "this field is needed",
    "model_type": "an object is expected here",
    "dict_type": "an object is expected here",
    "list_type": "a list is expected here",
    "string_type": "a text is expected here",
    "string_unicode": "this is not valid Unicode text",
    "uuid_parsing": "this is not one of our ids",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """An error ready to be shown."""

    code: str
    status: int
    detail: str
    remedy: str = ""
    errors: Sequence[Mapping[str, str]] = ()
    headers: Mapping[str, str] = field(default_factory=dict)


def register_errors(app: Flask) -> None:
    """Answer every error, ours, the libraries' and the unexpected."""
    app.register_error_handler(AppError, answer_app_error)
    app.register_error_handler(HTTPError, answer_api_error)
    app.register_error_handler(HTTPException, answer_http_error)
    app.register_error_handler(Exception, answer_unexpected)


def answer_app_error(error: AppError) -> ResponseReturnValue:
    """One of our own errors: message, remedy and field are meant for people."""
    if error.http_status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log.warning("request_failed", code=error.code, reason=error.message)
    headers = {}
    if isinstance(error, UnavailableError | TooManyError):
        headers["Retry-After"] = str(math.ceil(error.retry_after_s))
    if error.http_status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = 'Bearer realm="listwright"'
    return answer(
        Fault(
            code=error.code,
            status=error.http_status,
            detail=_sentence(error.message),
            remedy=error.remedy,
            errors=[_locate(error)] if error.field else [],
            headers=headers,
        )
    )


def _locate(error: AppError) -> Mapping[str, str]:
    message = error.message
    if isinstance(error, FileFormatError):
        place = [f"line {error.line}"] if error.line else []
        place += [f"column {error.column}"] if error.column else []
        message = f"{', '.join(place)}: {message}" if place else message
    if _HEADER_NAME.fullmatch(error.field):
        return {"header": error.field, "message": message}
    if request.method == "GET":
        return {"parameter": error.field, "message": message}
    return {"pointer": build_pointer(error.field.split(".")), "message": message}


def build_pointer(path: Sequence[str | int]) -> str:
    """A JSON pointer as a URI fragment (RFC 6901, section 6, without percent-encoding)."""
    parts = (str(part).replace("~", "~0").replace("/", "~1") for part in path)
    return "#" + "".join(f"/{part}" for part in parts)


def answer_api_error(error: HTTPError) -> ResponseReturnValue:
    """An error of the API framework, mostly input that does not fit its model."""
    cause = error.__cause__
    if request.is_json and request.get_json(silent=True) is None and request.data:
        # The framework takes null for an object without fields.
        message = _WORDING["dict_type"]
        errors = [{"pointer": "#", "message": message}]
        fault = Fault(
            code="invalid_field", status=422, detail=message, remedy=_SEND_ONE, errors=errors
        )
        return answer(fault)
    if isinstance(cause, ValidationError):
        in_query = request.method == "GET"
        return answer(build_validation_fault(cause, in_query=in_query, sent=_read_sent()))
    code = get_code(error.status_code)
    return answer(Fault(code=code, status=error.status_code, detail=_sentence(error.message or "")))


def _read_sent() -> object:
    if request.is_json:
        return request.get_json(silent=True)
    return {**request.args, **request.form, **request.files}


def build_validation_fault(cause: ValidationError, *, in_query: bool, sent: object = None) -> Fault:
    """What is wrong with each field, without repeating what was sent.

    ``sent`` tells the places in it from the names of our own types, which the validator mixes into
    its paths; what does not fit in several ways is one error a place and reason.
    """
    found = cause.errors(include_url=False, include_context=False, include_input=False)
    placed = dict.fromkeys((_find_place(one, sent), _word(one)) for one in found)
    errors = [
        _describe(place, message, in_query=in_query)
        for place, message in list(placed)[:_MAX_ERRORS]
    ]
    (place, message), more = next(iter(placed)), len(placed) - 1
    where = ".".join(str(part) for part in place)
    return Fault(
        code="invalid_field",
        status=HTTPStatus.UNPROCESSABLE_ENTITY,
        detail=f"{where + ': ' if where else ''}{message}{f' (and {more} more)' if more else ''}",
        remedy="Correct what `errors` names and send it again.",
        errors=errors,
    )


def _find_place(error: ErrorDetails, sent: object) -> tuple[str | int, ...]:
    """The part of an error's path that leads through what was sent.

    Its first step is always one, and its last where that is what is missing.
    """
    place: list[str | int] = []
    last = len(error["loc"]) - 1
    for at, part in enumerate(error["loc"]):
        inside, found = _step_into(sent, part)
        if inside:
            sent = found
        elif at and (at != last or error["type"] != "missing"):
            continue
        place.append(part)
    return tuple(place)


def _step_into(sent: object, part: str | int) -> tuple[bool, object]:
    if isinstance(sent, Mapping) and part in sent:
        return True, sent[part]
    if isinstance(sent, list) and isinstance(part, int) and part < len(sent):
        return True, sent[part]
    return False, None


def _describe(place: Sequence[str | int], message: str, *, in_query: bool) -> Mapping[str, str]:
    if in_query:
        return {"parameter": ".".join(str(part) for part in place), "message": message}
    return {"pointer": build_pointer(place), "message": message}


def _word(error: ErrorDetails) -> str:
    if error["type"] in _WORDING:
        return _WORDING[error["type"]]
    message = error["msg"].removeprefix("Value error, ").replace("Input should be", "it must be")
    return message[:1].lower() + message[1:]


def answer_http_error(error: HTTPException) -> ResponseReturnValue:
    """An error that Flask or Werkzeug raised."""
    if isinstance(error, RoutingException):
        return error.get_response()
    status = error.code or HTTPStatus.INTERNAL_SERVER_ERROR
    if isinstance(error, RequestEntityTooLarge):
        return answer(_too_large())
    code = get_code(status)
    headers = {
        name: value
        for name, value in error.get_headers()
        if name.lower() in ("allow", "retry-after")
    }
    detail = error.description if code == "bad_request" and error.description else ""
    return answer(
        Fault(
            code=code,
            status=int(status),
            detail=_sentence(detail or get_problem(code).meaning),
            remedy=_SEND_ONE if "not JSON" in detail else "",
            headers=headers,
        )
    )


def _too_large() -> Fault:
    if is_upload():
        limit_bytes = get_file_limit()
        detail = f"The file is larger than {describe_size(limit_bytes)}."
        remedy = "Split it and send the parts, or have MAX_UPLOAD_BYTES raised."
        if limit_bytes < get_deps().settings.max_upload_bytes:
            remedy = "Send it as an import (POST /api/v1/imports), or split it."
    else:
        detail = f"The body is larger than {describe_size(request.max_content_length or 0)}."
        remedy = "Send less at once; many listings go into a file (POST /api/v1/imports)."
    return Fault(
        code="too_large",
        status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        detail=detail,
        remedy=remedy,
    )


def answer_unexpected(error: Exception) -> ResponseReturnValue:
    """A fault of ours: logged whole, shown without any detail."""
    log.error("request_crashed", path=request.path, exc_info=error)
    return answer(
        Fault(
            code="internal_error",
            status=HTTPStatus.INTERNAL_SERVER_ERROR,
            detail="Something went wrong on our side.",
            remedy=f"Try again; if it stays, report the request id {get_request_id()}.",
        )
    )


def answer(fault: Fault) -> Response:
    """The answer that fits who asks."""
    response = _answer_program(fault) if is_for_programs(request.path) else _answer_person(fault)
    response.headers.extend(fault.headers)
    response.headers["Cache-Control"] = "no-store"
    return response


def is_for_programs(path: str) -> bool:
    """Whether an address answers JSON."""
    return path.startswith(_MACHINE_PATHS)


def _answer_program(fault: Fault) -> Response:
    response = make_response(json.dumps(build_problem(fault)), fault.status)
    response.mimetype = PROBLEM_TYPE
    return response


def build_problem(fault: Fault) -> dict[str, Any]:
    """The members of problem+json, ours included; ``type`` is the address that explains it."""
    return {
        "type": f"{request.root_url}errors#{fault.code}",
        "title": get_problem(fault.code).title,
        "status": fault.status,
        "detail": fault.detail,
        "code": fault.code,
        "request_id": get_request_id(),
        "errors": list(fault.errors),
        "remedy": fault.remedy,
    }


def _answer_person(fault: Fault) -> Response:
    title = get_problem(fault.code).title
    page = render_template("error.html", fault=fault, title=title, request_id=get_request_id())
    return make_response(page, fault.status)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
