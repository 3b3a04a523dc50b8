"""One small call to the gateway, for tests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from domain.ports import LlmReply, LlmRequest
from gateways.groq_llm import GroqModel
from tests.support.groq_sim import GroqSimulator

KEY = "gsk_secret_key_of_the_tests"
SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {"title": {"type": "string"}},
    "required": ["title"],
    "additionalProperties": False,
}
MESSAGES = (
    {"role": "system", "content": "Write listings.\n## title\n- at most 40 characters"},
    {"role": "user", "content": '<listing-ab12>\n{"fields":{"title":"Mug"}}\n</listing-ab12>'},
)


def build_request(
    *,
    model: str = "openai/gpt-oss-20b",
    schema: Mapping[str, Any] = SCHEMA,
    cap: int = 300,
) -> LlmRequest:
    """A request for a title of at most 40 characters."""
    return LlmRequest(
        model=model,
        messages=MESSAGES,
        schema_name="listing",
        schema=schema,
        max_completion_tokens=cap,
    )


def ask(
    simulator: GroqSimulator,
    request: LlmRequest | None = None,
    *,
    key: str = KEY,
    path: str = "",
    timeout_s: float = 5.0,
) -> LlmReply:
    """One call with a client of its own."""
    model = GroqModel(api_key=key, base_url=simulator.url + path, connect_timeout_s=1.0)
    try:
        return model.complete(request or build_request(), timeout_s=timeout_s)
    finally:
        model.close()
