"""The catalogue of language models: abilities, prices and limits, kept as dated data."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from core.errors import InvalidFieldError

DEFAULT_LLM = "openai/gpt-oss-20b"
FREE_PLAN, DEVELOPER_PLAN = "free", "developer"
_FILE = Path(__file__).with_name("llm_models.yaml")
_BYTES_PER_TOKEN = 2.6
"""Measured on listing texts in nine languages with the vocabulary of gpt-oss: never low."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanLimits:
    """What a plan allows an organisation for one model; None where nothing is published."""

    requests_per_minute: int
    tokens_per_minute: int
    requests_per_day: int | None
    tokens_per_day: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LlmSpec:
    """One language model at one price. Prices are picodollars (1e-12 USD) per token.

    ``price_id`` names the price row for the ledger. ``strict`` says whether the model keeps to a
    JSON schema by construction, which the product needs.
    """

    id: str
    status: str
    context_tokens: int
    max_output_tokens: int
    price_id: str
    price_in: int
    price_cached: int
    price_out: int
    strict: bool
    caching: bool
    batch: bool
    efforts: tuple[str, ...]
    limits: Mapping[str, PlanLimits]

    @property
    def requests_per_minute(self) -> int:
        """What the smallest published plan allows; 0 when none is published."""
        return min((plan.requests_per_minute for plan in self.limits.values()), default=0)

    @property
    def tokens_per_minute(self) -> int:
        """What the smallest published plan allows; 0 when none is published."""
        return min((plan.tokens_per_minute for plan in self.limits.values()), default=0)


def get_llm(model_id: str, *, as_of: dt.date | None = None) -> LlmSpec:
    """A model at the price of a day (None = the newest price).

    Raises InvalidFieldError for an unknown or retired model, naming those to use instead.
    """
    catalogue = _load()
    entry = catalogue["models"].get(model_id)
    if entry is None:
        raise _build_unknown_error(model_id, catalogue)
    price = _find_price(entry["prices"], as_of)
    return LlmSpec(
        id=model_id,
        status=entry["status"],
        context_tokens=entry["context_tokens"],
        max_output_tokens=entry["max_output_tokens"],
        price_id=f"{model_id}@{price['effective_from'].isoformat()}",
        price_in=price["in"],
        price_cached=price["cached"],
        price_out=price["out"],
        strict=entry["strict"],
        caching=entry["caching"],
        batch=entry["batch"],
        efforts=tuple(entry["efforts"]),
        limits={name: _build_limits(plan) for name, plan in entry["limits"].items()},
    )


def list_llms() -> tuple[str, ...]:
    """The models in use, the default first."""
    return tuple(_load()["models"])


def cost_picousd(
    spec: LlmSpec, *, prompt_tokens: int, cached_tokens: int, completion_tokens: int
) -> int:
    """The exact price of a call; cached tokens are a part of the prompt's."""
    fresh = (prompt_tokens - cached_tokens) * spec.price_in
    return fresh + cached_tokens * spec.price_cached + completion_tokens * spec.price_out


def estimate_tokens(text: str) -> int:
    """At least as many tokens as ``text`` has, in any language."""
    return math.ceil(len(text.encode("utf-8", "surrogatepass")) / _BYTES_PER_TOKEN)


@cache
def _load() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    return content


def _find_price(prices: list[dict[str, Any]], as_of: dt.date | None) -> dict[str, Any]:
    """The newest price in force; before the first known one, that one."""
    in_force = [price for price in prices if as_of is None or price["effective_from"] <= as_of]
    return in_force[-1] if in_force else prices[0]


def _build_limits(plan: Mapping[str, Any]) -> PlanLimits:
    return PlanLimits(
        requests_per_minute=plan["requests_per_minute"],
        tokens_per_minute=plan["tokens_per_minute"],
        requests_per_day=plan["requests_per_day"],
        tokens_per_day=plan["tokens_per_day"],
    )


def _build_unknown_error(model_id: str, catalogue: Mapping[str, Any]) -> InvalidFieldError:
    retired = catalogue["retired"].get(model_id)
    if retired is not None:
        return InvalidFieldError(
            f"{model_id!r} was shut off by its provider on {retired['shut_off_on'].isoformat()}.",
            field="llm",
            remedy=f"Use {retired['instead']}.",
        )
    strict = [name for name, entry in catalogue["models"].items() if entry["strict"]]
    return InvalidFieldError(
        f"{model_id!r} is not in the catalogue of language models.",
        field="llm",
        remedy=f"Use one of: {', '.join(strict)}.",
    )
