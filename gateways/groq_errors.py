"""What Groq's refusals mean: which of our errors each one is, in words that name the remedy.

Source: console.groq.com/docs/errors and the error texts quoted in public issue trackers (2026-09).
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from core.clock import utc_now
from core.errors import (
    LlmError,
    LlmGoneError,
    LlmOutageError,
    LlmOutputError,
    LlmRefusedError,
    LlmRequestError,
    LlmShapeError,
    LlmTransientError,
)
from gateways.groq_limits import read_limit_breach

_MAX_QUOTE = 300
_WAIT = re.compile(r"try again in ((?:\d+(?:\.\d+)?(?:ms|h|m|s))+)")
_WAIT_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|h|m|s)")
_LONGEST_WAIT_S = 86_400.0
"""Groq's longest period is a day; a longer answer is a mistake that must not stop us for ever."""
_UNIT_S = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_SERVER_FAULT = 500
_SHAPE = re.compile(
    r"schema|response_format|propert(?:y|ies)|parameter|unsupported|not supported|reasoning_effort"
    r"|temperature",
    re.IGNORECASE,
)
"""Words of a refusal that is about what every request of ours has in common."""
_TOO_LONG = "context_length_exceeded"
_SPEND_CAP, _BAD_JSON = "blocked_api_access", "json_validate_failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderRefusal:
    """An error answer as it came; ``retry_after`` is the header's text."""

    status: int
    code: str
    message: str
    model: str
    retry_after: str

    @property
    def quote(self) -> str:
        """The provider's own words, shortened, as the end of a sentence."""
        words = self.message[:_MAX_QUOTE].strip()
        return f" Groq says: {words}" if words else ""


def build_error(refusal: ProviderRefusal) -> LlmError:
    """The error to raise for a refusal."""
    if refusal.code == _SPEND_CAP:
        return _build_spend_cap_error(refusal)
    if refusal.code == _BAD_JSON:
        return LlmOutputError(f"Groq could not make JSON of the wanted form.{refusal.quote}")
    build = _BY_STATUS.get(refusal.status)
    if build is not None:
        return build(refusal)
    return _build_server_error(refusal)


def _build_spend_cap_error(refusal: ProviderRefusal) -> LlmError:
    return LlmRefusedError(
        f"Groq's monthly spend limit is reached.{refusal.quote}",
        remedy="Raise it under console.groq.com/settings/billing or wait for the next month.",
    )


def _build_key_error(refusal: ProviderRefusal) -> LlmError:
    return LlmRefusedError(
        f"Groq refuses the API key.{refusal.quote}",
        remedy="Set GROQ_API_KEY to a valid key from console.groq.com/keys.",
        field="GROQ_API_KEY",
    )


def _build_permission_error(refusal: ProviderRefusal) -> LlmError:
    return LlmRefusedError(
        f"Groq does not allow this with the given key or plan.{refusal.quote}",
        remedy="Check the project's permissions and the plan at console.groq.com.",
        field="GROQ_API_KEY",
    )


def _build_missing_error(refusal: ProviderRefusal) -> LlmError:
    if refusal.code == "model_not_found":
        return LlmGoneError(
            f"Groq has no model {refusal.model!r} (any more).{refusal.quote}",
            remedy="Choose one of the models listed at console.groq.com/docs/models.",
        )
    return LlmRefusedError(
        "Groq's API is not at the configured address (404).",
        remedy="Check GROQ_BASE_URL; it is the address without /openai/v1.",
        field="GROQ_BASE_URL",
    )


def _build_size_error(refusal: ProviderRefusal) -> LlmError:
    return LlmRequestError(
        f"The listing is too large for Groq's tokens per minute.{refusal.quote}",
        remedy="Shorten the listing, name fewer fields, or use a plan with a higher limit.",
    )


def _build_request_error(refusal: ProviderRefusal) -> LlmError:
    named = " ".join(filter(None, (str(refusal.status), refusal.code)))
    if refusal.code != _TOO_LONG and _SHAPE.search(refusal.message):
        return LlmShapeError(
            f"Groq refuses the form of our requests ({named}).{refusal.quote}",
            remedy="No listing is at fault: report it with this message.",
        )
    return LlmRequestError(
        f"Groq refuses the request ({named}).{refusal.quote}",
        remedy="Please report it with this message.",
    )


def _build_limit_error(refusal: ProviderRefusal) -> LlmError:
    return LlmTransientError(
        f"Groq's rate limit is reached; all calls wait.{refusal.quote}",
        retry_after_s=parse_retry_after(refusal),
        pool_wait=True,
        seen=read_limit_breach(refusal.message),
    )


def _build_capacity_error(refusal: ProviderRefusal) -> LlmError:
    return _choose_transient(refusal)(
        f"Groq has no free capacity right now ({refusal.status}).{refusal.quote}",
        retry_after_s=parse_retry_after(refusal),
    )


def _choose_transient(refusal: ProviderRefusal) -> type[LlmTransientError]:
    """Whether the service fails, or one call did (498: no flex capacity, 499: cancelled)."""
    return LlmOutageError if refusal.status >= _SERVER_FAULT else LlmTransientError


def _build_server_error(refusal: ProviderRefusal) -> LlmError:
    return _choose_transient(refusal)(
        f"Groq failed to answer ({refusal.status}); the call will be tried again.{refusal.quote}",
        retry_after_s=parse_retry_after(refusal),
    )


_BY_STATUS: dict[int, Callable[[ProviderRefusal], LlmError]] = {
    400: _build_request_error,
    401: _build_key_error,
    403: _build_permission_error,
    404: _build_missing_error,
    413: _build_size_error,
    422: _build_request_error,
    424: _build_request_error,
    429: _build_limit_error,
    498: _build_capacity_error,
    503: _build_capacity_error,
}


def parse_retry_after(refusal: ProviderRefusal) -> float | None:
    """Seconds to wait: from the message where it is exact, else from the header, else None."""
    told = _WAIT.search(refusal.message)
    if told:
        parts = _WAIT_PART.findall(told[1])
        return min(_LONGEST_WAIT_S, sum(float(number) * _UNIT_S[unit] for number, unit in parts))
    header_s = _parse_header(refusal.retry_after)
    return None if header_s is None else min(_LONGEST_WAIT_S, header_s)


def _parse_header(text: str) -> float | None:
    """RFC 9110: a number of seconds, or a date."""
    try:
        return max(0.0, float(text))
    except ValueError:
        pass
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return None
    aware = until if until.tzinfo else until.replace(tzinfo=dt.UTC)
    return max(0.0, (aware - utc_now()).total_seconds())
