"""The body of a call to Groq and of its answer, whether it goes alone or as a line of a batch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel, NonNegativeInt

from domain.ports import LlmReply, LlmRequest
from gateways.groq_limits import read_limit_headers

_TEMPERATURE: Final = 0.2
_REASONING_MODELS: Final = "openai/gpt-oss-"
"""The models that take ``reasoning_effort``; the others answer 400 to it."""


def build_body(request: LlmRequest) -> dict[str, Any]:
    """What is sent, as plain JSON values."""
    body: dict[str, Any] = {
        "model": request.model,
        "messages": [dict(message) for message in request.messages],
        "max_completion_tokens": request.max_completion_tokens,
        "temperature": _TEMPERATURE,
        "response_format": {
            "type": "json_schema",
            "json_schema": {
                "name": request.schema_name,
                "schema": dict(request.schema),
                "strict": True,
            },
        },
    }
    if request.model.startswith(_REASONING_MODELS):
        body["reasoning_effort"] = "low"
    return body


class _Message(BaseModel):
    content: str | None = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: str | None = None


class _PromptDetails(BaseModel):
    cached_tokens: NonNegativeInt | None = None


class _CompletionDetails(BaseModel):
    reasoning_tokens: NonNegativeInt | None = None


class _Usage(BaseModel):
    prompt_tokens: NonNegativeInt
    completion_tokens: NonNegativeInt
    prompt_tokens_details: _PromptDetails | None = None
    completion_tokens_details: _CompletionDetails | None = None


class _Trace(BaseModel):
    id: str | None = None


class _Completion(BaseModel):
    """The part of a completion we use, checked: the library builds its own objects unchecked."""

    id: str
    model: str
    choices: list[_Choice]
    usage: _Usage
    x_groq: _Trace | None = None


def read_reply(body: bytes, headers: Mapping[str, str]) -> LlmReply:
    """A completion as it came; raises ValueError when it is none."""
    completion = _Completion.model_validate_json(body)
    choice = completion.choices[0] if completion.choices else None
    usage = completion.usage
    details, spent = usage.prompt_tokens_details, usage.completion_tokens_details
    traced = completion.x_groq.id if completion.x_groq else None
    return LlmReply(
        text=(choice.message.content or "") if choice else "",
        model=completion.model,
        finish_reason=(choice.finish_reason or "") if choice else "",
        prompt_tokens=usage.prompt_tokens,
        cached_tokens=(details.cached_tokens or 0) if details else 0,
        completion_tokens=usage.completion_tokens,
        reasoning_tokens=(spent.reasoning_tokens or 0) if spent else 0,
        provider_request_id=traced or headers.get("x-request-id", "") or completion.id,
        headers=headers,
        seen=read_limit_headers(headers),
    )
