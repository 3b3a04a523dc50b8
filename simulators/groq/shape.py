"""What Groq refuses before any limit is looked at: unknown models, wrong parameters, schemas."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from simulators.groq.config import MODELS, SoldModel
from simulators.groq.tokens import count_tokens

_SCHEMA_WORDS = frozenset(
    {"type", "properties", "required", "additionalProperties", "items"}
    | {"enum", "anyOf", "title", "description", "const", "$defs", "$ref"}
)
_ROLES = frozenset({"system", "developer", "user", "assistant", "tool"})
_MAX_SCHEMA_NAME = 64
_MESSAGE_OVERHEAD_TOKENS = 4
_JSON_FORMATS = frozenset({"json_schema", "json_object"})
_TIERS = ("on_demand", "flex", "performance")
_UNSUPPORTED = frozenset({"logprobs", "top_logprobs", "logit_bias"})


class ApiError(Exception):
    """An error answer in the API's own form."""

    def __init__(
        self, *, status: int, code: str, message: str, kind: str = "invalid_request_error"
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.kind = kind
        self.headers: dict[str, str] = {}
        self.details: dict[str, Any] = {}

    def to_json(self) -> dict[str, Any]:
        """The body of the answer."""
        error = {"message": self.message, "type": self.kind, "code": self.code}
        return {"error": {**error, **self.details}}


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatRequest:
    """A request that passed.

    ``schema`` is None when no schema was sent; ``wants_json`` also holds for any other JSON, and
    ``strict`` where the provider promises the schema.
    """

    model: str
    messages: list[dict[str, str]]
    schema: dict[str, Any] | None
    wants_json: bool
    strict: bool
    tier: str
    max_completion_tokens: int
    effort: str
    user: str

    @property
    def system_text(self) -> str:
        """What the caller's rules say."""
        return "\n".join(m["content"] for m in self.messages if m["role"] == "system")

    @property
    def conversation(self) -> str:
        """Everything in order, as the prompt cache sees it."""
        return "\n".join(f"{m['role']}\n{m['content']}" for m in self.messages)

    @property
    def prompt_tokens(self) -> int:
        """What the messages are charged with."""
        return sum(count_tokens(m["content"]) + _MESSAGE_OVERHEAD_TOKENS for m in self.messages)

    @property
    def user_text(self) -> str:
        """What the user's messages say."""
        return "\n".join(m["content"] for m in self.messages if m["role"] == "user")


def parse_chat_request(body: object) -> ChatRequest:
    """Check a body; raises ApiError with what Groq would answer."""
    if not isinstance(body, dict):
        raise _refuse("the body must be a JSON object")
    name = body.get("model")
    model = MODELS.get(name) if isinstance(name, str) else None
    if model is None:
        raise ApiError(
            status=404,
            code="model_not_found",
            message=f"The model `{name}` does not exist or you do not have access to it.",
        )
    _require_supported(body)
    wanted = body.get("response_format")
    return ChatRequest(
        model=str(name),
        messages=_parse_messages(body.get("messages")),
        schema=_parse_schema(wanted, model),
        wants_json=isinstance(wanted, dict) and wanted.get("type") in _JSON_FORMATS,
        strict=_is_strict(wanted),
        tier=_parse_tier(body.get("service_tier")),
        max_completion_tokens=_parse_cap(body, model),
        effort=_parse_effort(body.get("reasoning_effort"), model),
        user=str(body.get("user") or ""),
    )


def require_context(request: ChatRequest) -> None:
    """Raises ApiError for a request that does not fit into the model's context."""
    most = MODELS[request.model].context_tokens
    if request.prompt_tokens > most:
        raise _refuse(
            "Please reduce the length of the messages or completion.", "context_length_exceeded"
        )


def _refuse(message: str, code: str = "invalid_request") -> ApiError:
    return ApiError(status=400, code=code, message=message)


def _require_supported(body: dict[str, Any]) -> None:
    for name in sorted(_UNSUPPORTED & body.keys()):
        if body[name] is not None:
            raise _refuse(f"property '{name}' is unsupported")
    if body.get("n") not in {None, 1}:
        raise _refuse("'n' : number must be at most 1")


def _parse_tier(tier: object) -> str:
    if tier in {None, "auto"}:
        return "on_demand"
    if tier not in _TIERS:
        raise _refuse(f"`service_tier` must be one of auto, {', '.join(_TIERS)}")
    return str(tier)


def _is_strict(wanted: object) -> bool:
    named = wanted.get("json_schema") if isinstance(wanted, dict) else None
    return isinstance(named, dict) and bool(named.get("strict"))


def _parse_messages(messages: object) -> list[dict[str, str]]:
    if not isinstance(messages, list) or not messages:
        raise _refuse("'messages' : minimum number of items is 1")
    for index, message in enumerate(messages):
        if not isinstance(message, dict) or message.get("role") not in _ROLES:
            raise _refuse(f"'messages.{index}.role' : is not one of the known roles")
        if not isinstance(message.get("content"), str):
            raise _refuse(f"'messages.{index}.content' : value must be a string")
    return messages


def _parse_cap(body: dict[str, Any], model: SoldModel) -> int:
    cap = body.get("max_completion_tokens", body.get("max_tokens"))
    if cap is None:
        return model.max_output_tokens
    if not isinstance(cap, int) or not 0 < cap <= model.max_output_tokens:
        raise _refuse(f"`max_completion_tokens` must be from 1 to {model.max_output_tokens}")
    return cap


def _parse_effort(effort: object, model: SoldModel) -> str:
    if effort is None:
        return "medium" if "medium" in model.efforts else "default"
    if effort not in model.efforts:
        raise _refuse(f"`reasoning_effort` must be one of {', '.join(model.efforts)}")
    return str(effort)


def _parse_schema(wanted: object, model: SoldModel) -> dict[str, Any] | None:
    if not isinstance(wanted, dict) or wanted.get("type") != "json_schema":
        return None
    named = wanted.get("json_schema")
    if not isinstance(named, dict) or not isinstance(named.get("schema"), dict):
        raise _refuse("'response_format.json_schema.schema' : is required")
    if not 0 < len(str(named.get("name") or "")) <= _MAX_SCHEMA_NAME:
        raise _refuse("'response_format.json_schema.name' : must have 1 to 64 characters")
    if named.get("strict") and not model.strict:
        raise _refuse("This model does not support response format `json_schema` with `strict`")
    schema: dict[str, Any] = named["schema"]
    if named.get("strict"):
        for fault in _find_schema_faults(schema, ""):
            raise _refuse(f"invalid JSON schema for response_format: '{named['name']}': {fault}")
    return schema


def _find_schema_faults(schema: object, path: str) -> Iterator[str]:
    if not isinstance(schema, dict):
        yield f"{path or '/'}: must be an object"
        return
    for word in schema.keys() - _SCHEMA_WORDS:
        yield f"{path or '/'}: `{word}` is not supported"
    if schema.get("type") == "object":
        yield from _find_object_faults(schema, path)
    if schema.get("type") == "array":
        yield from _find_schema_faults(schema.get("items"), f"{path}/items")
    for index, branch in enumerate(schema.get("anyOf", ())):
        yield from _find_schema_faults(branch, f"{path}/anyOf/{index}")


def _find_object_faults(schema: dict[str, Any], path: str) -> Iterator[str]:
    properties = schema.get("properties", {})
    if schema.get("additionalProperties") is not False:
        yield f"{path or '/'}: `additionalProperties:false` must be set on every object"
    if set(schema.get("required", ())) != set(properties):
        yield f"{path or '/'}: `required` must list every property"
    for name, child in properties.items():
        yield from _find_schema_faults(child, f"{path}/properties/{name}")
