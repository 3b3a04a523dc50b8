"""Groq, the service that writes text: one client, one call, no retries of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

import groq
import httpx
from pydantic import BaseModel

from core.errors import LlmTransientError
from domain.ports import LlmReply, LlmRequest
from gateways.groq_errors import ProviderRefusal, build_error

if TYPE_CHECKING:
    from groq.types.chat import ChatCompletionMessageParam

_API_PATH = "/openai/v1"
_TEMPERATURE = 0.2
_KEPT_HEADERS = ("x-ratelimit-", "retry-after", "x-request-id", "x-listwright-simulator")
_REASONING_MODELS = "openai/gpt-oss-"
"""The models that take ``reasoning_effort``; the others answer 400 to it."""


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
        try:
            return self._ask(request, timeout_s=timeout_s)
        except groq.APIStatusError as error:
            raise build_error(self._read_refusal(error, request.model)) from error
        except groq.APITimeoutError as error:
            message = f"Groq did not answer within {min(timeout_s, self._read_timeout_s):.0f} s."
            raise LlmTransientError(message) from error
        except groq.APIConnectionError as error:
            cause = type(error.__cause__ or error).__name__
            message = f"Groq cannot be reached ({cause}). Check the network and GROQ_BASE_URL."
            raise LlmTransientError(message) from error
        except (groq.GroqError, ValueError) as error:
            message = "What answered is not Groq (a proxy?). Check the network and GROQ_BASE_URL."
            raise LlmTransientError(message) from error

    def _ask(self, request: LlmRequest, *, timeout_s: float) -> LlmReply:
        read_s = min(timeout_s, self._read_timeout_s)
        connect_s = min(timeout_s, self._connect_timeout_s)
        raw = self._client.chat.completions.with_raw_response.create(
            model=request.model,
            messages=cast("list[ChatCompletionMessageParam]", [dict(m) for m in request.messages]),
            max_completion_tokens=request.max_completion_tokens,
            temperature=_TEMPERATURE,
            reasoning_effort="low" if request.model.startswith(_REASONING_MODELS) else groq.omit,
            response_format={
                "type": "json_schema",
                "json_schema": {
                    "name": request.schema_name,
                    "schema": dict(request.schema),
                    "strict": True,
                },
            },
            timeout=httpx.Timeout(read_s, connect=connect_s),
        )
        completion = _Completion.model_validate_json(raw.read())
        return _build_reply(completion, _keep_headers(raw.headers))

    def _read_refusal(self, error: groq.APIStatusError, model: str) -> ProviderRefusal:
        body = error.body if isinstance(error.body, dict) else {}
        told = body.get("error")
        fields: Mapping[str, object] = told if isinstance(told, dict) else {}
        message = str(fields.get("message") or "").replace(self._api_key, "[redacted]")
        return ProviderRefusal(
            status=error.status_code,
            code=str(fields.get("code") or ""),
            message=message,
            model=model,
            retry_after=error.response.headers.get("retry-after", ""),
        )


class _Message(BaseModel):
    content: str | None = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: str | None = None


class _PromptDetails(BaseModel):
    cached_tokens: int | None = None


class _Usage(BaseModel):
    prompt_tokens: int
    completion_tokens: int
    prompt_tokens_details: _PromptDetails | None = None


class _Trace(BaseModel):
    id: str | None = None


class _Completion(BaseModel):
    """The part of a completion we use, checked: the library builds its own objects unchecked."""

    id: str
    model: str
    choices: list[_Choice]
    usage: _Usage
    x_groq: _Trace | None = None


def _build_reply(completion: _Completion, headers: Mapping[str, str]) -> LlmReply:
    choice = completion.choices[0] if completion.choices else None
    usage = completion.usage
    details = usage.prompt_tokens_details
    traced = completion.x_groq.id if completion.x_groq else None
    return LlmReply(
        text=(choice.message.content or "") if choice else "",
        model=completion.model,
        finish_reason=(choice.finish_reason or "") if choice else "",
        prompt_tokens=usage.prompt_tokens,
        cached_tokens=(details.cached_tokens or 0) if details else 0,
        completion_tokens=usage.completion_tokens,
        provider_request_id=traced or headers.get("x-request-id", "") or completion.id,
        headers=headers,
    )


def _keep_headers(headers: httpx.Headers) -> dict[str, str]:
    return {
        name: value for name, value in headers.items() if name.lower().startswith(_KEPT_HEADERS)
    }
