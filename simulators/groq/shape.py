"""What Groq refuses before any limit is looked at: unknown models, wrong parameters, schemas."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from simulators.groq.config import MODELS, SoldModel

_SCHEMA_WORDS = frozenset(
    {"type", "properties", "required", "additionalProperties", "items"}
    | {"enum", "anyOf", "title", "description", "const", "$defs", "$ref"}
)
_ROLES = frozenset({"system", "developer", "user", "assistant", "tool"})
_MAX_SCHEMA_NAME = 64


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

    def to_json(self) -> dict[str, Any]:
        """The body of the answer."""
        return {"error": {"message": self.message, "type": self.kind, "code": self.code}}


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatRequest:
    """A request that passed; ``schema`` is None when free text is wanted."""

    model: str
    messages: list[dict[str, str]]
    schema: dict[str, Any] | None
    max_completion_tokens: int
    effort: str
    user: str

    @property
    def system_text(self) -> str:
        """What the caller's rules say."""
        return "\n".join(m["content"] for m in self.messages if m["role"] == "system")

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
    return ChatRequest(
        model=str(name),
        messages=_parse_messages(body.get("messages")),
        schema=_parse_schema(body.get("response_format"), model),
        max_completion_tokens=_parse_cap(body, model),
        effort=_parse_effort(body.get("reasoning_effort"), model),
        user=str(body.get("user") or ""),
    )


def _refuse(message: str, code: str = "invalid_request") -> ApiError:
    return ApiError(status=400, code=code, message=message)


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
