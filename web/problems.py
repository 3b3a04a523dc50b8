"""Every error code that the web answers with: its status, and what it means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final


@dataclass(frozen=True, slots=True)
class Problem:
    """One kind of error; ``title`` is the same whenever it happens."""

    status: int
    title: str
    meaning: str


PROBLEMS: Final[Mapping[str, Problem]] = {
    "bad_request": Problem(
        400,
        "The request cannot be read",
        "The body is not JSON, or the request is broken in another way.",
    ),
    "bad_input": Problem(
        400, "The input cannot be read", "What was sent cannot be read or understood."
    ),
    "bad_file": Problem(
        400,
        "The file cannot be read",
        "The file is empty, binary, cut, or has no column we need; line and column are named.",
    ),
    "unauthorized": Problem(
        401,
        "You are not signed in",
        "The API key is missing, unknown or revoked, or a sign-in link was used or is too old.",
    ),
    "cost_limit": Problem(
        402, "It would cost too much", "The estimate is above the limit; nothing was spent."
    ),
    "forbidden": Problem(
        403,
        "This is not allowed",
        "A form came without its security token, or from another site.",
    ),
    "not_found": Problem(
        404, "There is nothing here", "There is no such thing, or it belongs to somebody else."
    ),
    "method_not_allowed": Problem(
        405, "This method is not allowed here", "The Allow header names the methods that are."
    ),
    "conflict": Problem(
        409,
        "Not now",
        "The thing is in a state in which this cannot be done; the detail says which.",
    ),
    "too_large": Problem(
        413, "This is too large", "The body, the file or one part of it is above a limit."
    ),
    "unsupported_media_type": Problem(
        415, "This type of content is not understood", "Send JSON, or a form with a file."
    ),
    "invalid_field": Problem(
        422,
        "Something in the request is wrong",
        "The request can be read, but a field is unknown, missing or not acceptable.",
    ),
    "idempotency_mismatch": Problem(
        422,
        "This key was used for something else",
        "An Idempotency-Key came again with another body. A new request needs a new key.",
    ),
    "too_many_requests": Problem(
        429, "Too many requests", "Wait for as long as the Retry-After header says."
    ),
    "internal_error": Problem(
        500,
        "Something went wrong on our side",
        "A fault of ours. The log has the details under the request's id.",
    ),
    "llm_error": Problem(
        502, "The language model gave no answer", "A call to the language model failed."
    ),
    "unavailable": Problem(
        503,
        "We cannot do this right now",
        "Something we depend on is away. Nothing was taken in; the same request may work later.",
    ),
}

_CODES_BY_STATUS: Final = {
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    409: "conflict",
    413: "too_large",
    415: "unsupported_media_type",
    422: "invalid_field",
    429: "too_many_requests",
    503: "unavailable",
}


def get_code(status: int) -> str:
    """The code of an error that only has a status."""
    if status in _CODES_BY_STATUS:
        return _CODES_BY_STATUS[status]
    return "bad_request" if status < HTTPStatus.INTERNAL_SERVER_ERROR else "internal_error"


def get_problem(code: str) -> Problem:
    """What a code means; one we do not know is a fault of ours."""
    return PROBLEMS.get(code, PROBLEMS["internal_error"])
