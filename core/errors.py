"""The error tree: every fault a person or program can meet, with a stable code."""

from __future__ import annotations

from collections.abc import Mapping


class AppError(Exception):
    """Base of all our errors.

    ``code`` is stable text for programs, ``retryable`` says whether the same work may succeed
    later, ``http_status`` is what the API answers. ``message`` names the reason, ``remedy`` what
    to do about it, ``field`` what it is about ("" when it is about the whole).
    """

    code = "internal_error"
    retryable = False
    http_status = 500

    def __init__(self, message: str, *, remedy: str = "", field: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.field = field

    def __str__(self) -> str:
        """One line for a person: field, reason, remedy."""
        head = f"{self.field}: {self.message}" if self.field else self.message
        if self.remedy and not head.endswith((".", "!", "?", ":")):
            head += "."
        return f"{head} {self.remedy}".rstrip()


class SettingsError(AppError):
    """One or more settings are missing or wrong; the message lists all of them."""

    code = "bad_settings"


class InputError(AppError):
    """What was sent cannot be read or understood."""

    code = "bad_input"
    http_status = 400


class InvalidFieldError(InputError):
    """Well-formed input whose content is not acceptable."""

    code = "invalid_field"
    http_status = 422


class FileFormatError(InputError):
    """A seller's file cannot be read; carries the physical line (from 1) and the column's name."""

    code = "bad_file"

    def __init__(
        self,
        message: str,
        *,
        line: int | None = None,
        column: str = "",
        remedy: str = "",
        field: str = "file",
    ) -> None:
        super().__init__(message, remedy=remedy, field=field)
        self.line = line
        self.column = column


class TooLargeError(InputError):
    """The body or file is above a limit."""

    code = "too_large"
    http_status = 413


class UnauthorizedError(AppError):
    """No valid key or session."""

    code = "unauthorized"
    http_status = 401


class ForbiddenError(AppError):
    """A valid caller that may not do this (a missing CSRF token, say)."""

    code = "forbidden"
    http_status = 403


class NotFoundError(AppError):
    """There is no such thing, or it is another seller's: the two look alike."""

    code = "not_found"
    http_status = 404


class ConflictError(AppError):
    """The thing is not in a state in which this can be done."""

    code = "conflict"
    http_status = 409


class IdempotencyMismatchError(InvalidFieldError):
    """An Idempotency-Key was used again with another body."""

    code = "idempotency_mismatch"


class CostLimitError(AppError):
    """The estimate is above what the caller allows; nothing was spent."""

    code = "cost_limit"
    http_status = 402


class UnavailableError(AppError):
    """Something we depend on is away; the same request may succeed later."""

    code = "unavailable"
    retryable = True
    http_status = 503

    def __init__(self, message: str, *, remedy: str = "", retry_after_s: float = 5.0) -> None:
        super().__init__(message, remedy=remedy)
        self.retry_after_s = retry_after_s


class TooManyError(AppError):
    """The caller has too much under way already; the same request may succeed later."""

    code = "too_many_requests"
    retryable = True
    http_status = 429

    def __init__(self, message: str, *, remedy: str = "", retry_after_s: float = 60.0) -> None:
        super().__init__(message, remedy=remedy)
        self.retry_after_s = retry_after_s


class LlmError(AppError):
    """A call to the language model gave no usable answer."""

    code = "llm_error"
    http_status = 502


class LlmTransientError(LlmError):
    """Timeout, overload, 5xx or rate limit; ``retry_after_s`` is None when the provider named none.

    ``pool_wait`` is True when every worker must wait (a rate limit), which costs no attempt.
    ``answered`` is False when the call may still be counted and billed, because it was sent and no
    answer of the provider's came back. ``seen`` is what the provider said of its limits: by their
    name the limit and how much of it is used.
    """

    code = "llm_unavailable"
    retryable = True

    def __init__(
        self,
        message: str,
        *,
        retry_after_s: float | None = None,
        pool_wait: bool = False,
        answered: bool = True,
        seen: Mapping[str, tuple[int, int]] | None = None,
    ) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
        self.pool_wait = pool_wait
        self.answered = answered
        self.seen = seen or {}


class LlmOutageError(LlmTransientError):
    """The provider fails: a server error, no answer in time, a broken connection."""


class LlmRefusedError(LlmError):
    """The provider refuses every call: bad key, no permission, spend cap, model gone."""

    code = "llm_refused"


class LlmGoneError(LlmRefusedError):
    """The provider has this one model no more; others may be asked."""


class BatchUnavailableError(LlmRefusedError):
    """The provider takes no batches of this organisation; single calls are not concerned."""

    code = "batch_unavailable"


class LlmRequestError(LlmError):
    """The provider refuses this one request (too large, bad schema); the same call never works."""

    code = "llm_bad_request"


class LlmShapeError(LlmRequestError):
    """The provider refuses the form of our requests (a schema, a parameter), whatever they tell."""


class LlmOutputError(LlmError):
    """The answer is empty, cut or not what the schema asks for; a new call may do better."""

    code = "llm_bad_output"
    retryable = True
