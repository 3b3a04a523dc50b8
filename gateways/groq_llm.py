"""Groq, the service that writes text: one client, one call, no retries of its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager

import groq
import httpx

from core.clock import monotonic_s
from core.errors import LlmOutageError
from domain.ports import ListedLlm, LlmReply, LlmRequest
from gateways.groq_errors import ProviderRefusal, build_error
from gateways.groq_models import parse_model_list
from gateways.groq_wire import build_body, read_reply

_API_PATH = "/openai/v1"
MOST_BYTES = 4_000_000
"""Far more than the longest answer: what is longer is none."""
_KEPT_HEADERS = ("x-ratelimit-", "retry-after", "x-request-id", "x-listwright-simulator")


class GroqModel:
    """Implements ``domain.ports.LanguageModel``; thread-safe. Build it after a fork, not before.

    ``base_url`` None means Groq itself; a trailing ``/openai/v1`` is dropped, since the library
    adds it. The timeouts hold for connecting and for each read.
    """

    def __init__(
        self,
        *,
        api_key: str,
        base_url: str | None,
        connect_timeout_s: float = 5.0,
        read_timeout_s: float = 30.0,
        max_connections: int = 32,
    ) -> None:
        self._api_key = api_key
        self._connect_timeout_s = connect_timeout_s
        self._read_timeout_s = read_timeout_s
        limits = httpx.Limits(
            max_connections=max_connections, max_keepalive_connections=max_connections
        )
        self._client = groq.Groq(
            api_key=api_key,
            base_url=base_url.rstrip("/").removesuffix(_API_PATH) if base_url else None,
            max_retries=0,
            http_client=groq.DefaultHttpxClient(limits=limits),
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def complete(self, request: LlmRequest, *, timeout_s: float) -> LlmReply:
        """Ask once; ``timeout_s`` may shorten the read timeout. Errors as the port says."""
        with self._naming(request.model, timeout_s):
            return self._ask(request, timeout_s=timeout_s)

    def list_models(self, *, timeout_s: float) -> list[ListedLlm]:
        """What the provider offers, with the prices it tells. Errors as the port says."""
        with self._naming("", timeout_s):
            raw = self._client.models.with_raw_response.list(timeout=timeout_s)
            return parse_model_list(raw.read())

    def _naming(self, model: str, timeout_s: float) -> AbstractContextManager[None]:
        patience_s = min(timeout_s, self._read_timeout_s)
        return naming_faults(model, api_key=self._api_key, patience_s=patience_s)

    def _ask(self, request: LlmRequest, *, timeout_s: float) -> LlmReply:
        read_s = min(timeout_s, self._read_timeout_s)
        connect_s = min(timeout_s, self._connect_timeout_s)
        deadline_s = monotonic_s() + timeout_s
        # As a stream, because the library's timeouts hold for each read and not for the whole.
        with self._client.chat.completions.with_streaming_response.create(
            **build_body(request), timeout=httpx.Timeout(read_s, connect=connect_s)
        ) as raw:
            body = _read_until(raw.iter_bytes(), deadline_s)
        return read_reply(body, keep_headers(raw.headers))


def _read_until(chunks: Iterable[bytes], deadline_s: float) -> bytes:
    """The whole body; raises LlmOutageError when it is not there in time, or has no end."""
    body = bytearray()
    for chunk in chunks:
        body += chunk
        if monotonic_s() > deadline_s or len(body) > MOST_BYTES:
            message = "Groq's answer came too slowly, or without an end."
            raise LlmOutageError(message, answered=False)
    return bytes(body)


@contextmanager
def naming_faults(model: str, *, api_key: str, patience_s: float) -> Iterator[None]:
    """Turn the library's errors into ours; the key never stands in a message."""
    try:
        yield
    except groq.APIStatusError as error:
        raise build_error(_read_refusal(error, model, api_key)) from error
    except groq.APITimeoutError as error:
        message = f"Groq did not answer within {patience_s:.0f} s."
        unsent = isinstance(error.__cause__, httpx.ConnectTimeout)
        raise LlmOutageError(message, answered=unsent) from error
    except groq.APIConnectionError as error:
        cause = type(error.__cause__ or error).__name__
        message = f"Groq cannot be reached ({cause}). Check the network and GROQ_BASE_URL."
        unsent = isinstance(error.__cause__, httpx.ConnectError)
        raise LlmOutageError(message, answered=unsent) from error
    except httpx.TransportError as error:
        message = f"Groq's answer broke off ({type(error).__name__})."
        raise LlmOutageError(message, answered=False) from error
    except (groq.GroqError, ValueError) as error:
        message = "What answered is not Groq (a proxy?). Check the network and GROQ_BASE_URL."
        raise LlmOutageError(message, answered=False) from error


def _read_refusal(error: groq.APIStatusError, model: str, api_key: str) -> ProviderRefusal:
    body = error.body if isinstance(error.body, dict) else {}
    told = body.get("error")
    fields: Mapping[str, object] = told if isinstance(told, dict) else {}
    return ProviderRefusal(
        status=error.status_code,
        code=str(fields.get("code") or ""),
        message=str(fields.get("message") or "").replace(api_key, "[redacted]"),
        model=model,
        retry_after=error.response.headers.get("retry-after", ""),
    )


def keep_headers(headers: httpx.Headers) -> dict[str, str]:
    """Those that the ledger and the limiter want."""
    return {
        name: value for name, value in headers.items() if name.lower().startswith(_KEPT_HEADERS)
    }
