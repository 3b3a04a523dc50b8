"""The API's JSON shapes: completions, usage, models, errors."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from simulators.groq.config import MODELS
from simulators.groq.faults import Fault
from simulators.groq.ledger import Usage
from simulators.groq.limits import LimitBreach
from simulators.groq.shape import ApiError

_FORBIDDEN = 403
FAULT_ERRORS = {
    Fault.BAD_KEY: (401, "invalid_api_key", "Invalid API Key"),
    Fault.FORBIDDEN: (403, "not_available_for_plan", "This is not available for your plan."),
    Fault.MODEL_GONE: (404, "model_not_found", "The model has been decommissioned."),
    Fault.FLEX_FULL: (498, "capacity_exceeded", "Flex tier capacity exceeded."),
    Fault.SERVER_ERROR: (500, "internal_server_error", "Internal Server Error"),
    Fault.BAD_GATEWAY: (502, "bad_gateway", "Bad Gateway"),
    Fault.OVERLOADED: (503, "service_unavailable", "Service Unavailable"),
    Fault.SPEND_CAP: (400, "blocked_api_access", "The organization's spend limit is reached."),
    Fault.JSON_VALIDATE_FAILED: (400, "json_validate_failed", "Failed to generate JSON."),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What to send back; ``fault`` tells the server about breaks below HTTP."""

    status: int
    body: dict[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)
    fault: Fault = Fault.NONE


def build_error(error: ApiError) -> Answer:
    """The answer that refuses."""
    return Answer(status=error.status, body=error.to_json(), headers=error.headers)


def build_limit_error(model: str, breach: LimitBreach) -> ApiError:
    """413 for what never fits, else 429 with whole seconds to wait."""
    error = ApiError(
        status=413 if breach.wait_s is None else 429,
        code="rate_limit_exceeded",
        message=breach.describe(model),
        kind=breach.type,
    )
    if breach.wait_s is not None:
        error.headers["retry-after"] = str(math.ceil(breach.wait_s))
    return error


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What the model wrote, and what it cost."""

    content: str
    finish: str
    usage: Usage


def build_fault_error(fault: Fault) -> ApiError:
    """The refusal that a fault of ``FAULT_ERRORS`` stands for."""
    status, code, message = FAULT_ERRORS[fault]
    kind = "permissions_error" if status == _FORBIDDEN else "invalid_request_error"
    return ApiError(status=status, code=code, message=message, kind=kind)


def build_json_error(content: str) -> ApiError:
    """What comes instead of text that is not the JSON asked for."""
    error = build_fault_error(Fault.JSON_VALIDATE_FAILED)
    error.details["failed_generation"] = content
    return error


def build_completion(model: str, written: Written, *, number: int, tier: str) -> dict[str, Any]:
    """One chat completion; ``number`` makes its ids."""
    message = {"role": "assistant", "content": written.content}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": written.finish}
    return {
        "id": f"chatcmpl-sim-{number}",
        "object": "chat.completion",
        "created": 0,
        "model": model,
        "choices": [choice],
        "usage": _describe_usage(written.usage),
        "system_fingerprint": "simulator",
        "service_tier": tier,
        "x_groq": {"id": f"req_sim_{number:08d}"},
    }


def _describe_usage(usage: Usage) -> dict[str, Any]:
    return {
        "prompt_tokens": usage.prompt,
        "completion_tokens": usage.completion,
        "total_tokens": usage.prompt + usage.completion,
        "queue_time": 0.0,
        "prompt_time": 0.0,
        "completion_time": 0.0,
        "total_time": 0.0,
        "prompt_tokens_details": {"cached_tokens": usage.cached},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning},
    }


def build_model(name: str) -> dict[str, Any]:
    """One entry of the model list."""
    sold = MODELS[name]
    return {
        "id": name,
        "object": "model",
        "created": 0,
        "owned_by": "simulator",
        "active": True,
        "context_length": sold.context_tokens,
        "max_output_length": sold.max_output_tokens,
        "pricing": {
            "prompt": _format_price(sold.price_in),
            "completion": _format_price(sold.price_out),
            "input_cache_read": _format_price(sold.price_cached),
        },
    }


def _format_price(picousd: int) -> str:
    """Dollars per token, without an exponent."""
    return f"{picousd / 1e12:.12f}".rstrip("0")
