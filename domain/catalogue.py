"""The catalogue of language models: abilities, prices and limits, kept as dated data."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from core.errors import InvalidFieldError

DEFAULT_LLM: Final = "openai/gpt-oss-20b"
FREE_PLAN, DEVELOPER_PLAN = "free", "developer"
ON_DEMAND, BATCH = "on_demand", "batch"
_PICO_OF_FOUR_PLACES: Final = 10**8
_FILE = Path(__file__).with_name("llm_models.yaml")


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
    shut_off_on: dt.date | None
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

    Raises InvalidFieldError for a model that is unknown, or shut off (by ``as_of``, where that is
    given), naming those to use instead.
    """
    catalogue = _load()
    entry = catalogue["models"].get(model_id)
    if entry is None:
        raise _build_unknown_error(model_id, catalogue)
    if as_of is not None and _is_shut_off(entry, as_of):
        raise _build_retired_error(model_id, entry["shut_off_on"], _find_next(model_id, as_of))
    return _build_spec(model_id, entry, _find_price(entry["prices"], as_of))


def find_priced(model_id: str, *, day: dt.date) -> LlmSpec | None:
    """A model at the price of a day, shut off or not: for what was bought already."""
    entry = _load()["models"].get(model_id)
    return (
        None if entry is None else _build_spec(model_id, entry, _find_price(entry["prices"], day))
    )


def get_llm_at_price(price_id: str) -> LlmSpec:
    """The model at the price row that the ledger names; raises InvalidFieldError for no such row.

    Holds for models that are shut off by now too: what they cost then does not change.
    """
    model_id, _, day = price_id.rpartition("@")
    entry = _load()["models"].get(model_id)
    for price in entry["prices"] if entry else ():
        if price["effective_from"].isoformat() == day:
            return _build_spec(model_id, entry, price)
    raise InvalidFieldError(
        f"there is no price {price_id!r} in the catalogue.",
        field="price",
        remedy="A line of prices is never taken away: look in the history of llm_models.yaml.",
    )


def list_llms() -> tuple[str, ...]:
    """The models in use, the default first."""
    return tuple(_load()["models"])


def list_chain(primary: str, *, as_of: dt.date, without: Collection[str] = ()) -> tuple[str, ...]:
    """The models to ask, one after the other: the primary one, then those of the catalogue's chain.

    Only models that keep to a schema, are in production on that day, and are not in ``without``;
    the primary one is in it whatever its status, unless ``without`` names it.
    """
    models = _load()["models"]
    others = [
        name
        for name in _load()["chain"]
        if name != primary
        and models[name]["strict"]
        and models[name]["status"] == "production"
        and not _is_shut_off(models[name], as_of)
    ]
    return tuple(name for name in (primary, *others) if name not in without)


def is_on(kind: str, name: str) -> bool:
    """Whether a way of being served may be used; ``kind`` is "tiers" or "providers"."""
    return bool(_load()[kind].get(name, {}).get("is_on"))


def cost_picousd(
    spec: LlmSpec,
    *,
    prompt_tokens: int,
    cached_tokens: int,
    completion_tokens: int,
    tier: str = ON_DEMAND,
) -> int:
    """The exact price of a call; cached tokens are a part of the prompt's.

    In the batch tier a cached token is paid like any other: that the two discounts add up is not
    promised.
    """
    cached = 0 if tier == BATCH else cached_tokens
    fresh = (prompt_tokens - cached) * spec.price_in
    full = fresh + cached * spec.price_cached + completion_tokens * spec.price_out
    return full * int(_load()["tiers"][tier]["price_percent"]) // 100


def format_usd(pico: int) -> str:
    """Picodollars in dollars: four places, six where four would not tell all."""
    places = 6 if pico % _PICO_OF_FOUR_PLACES else 4
    return f"{pico / 10**12:,.{places}f}"


@cache
def _load() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    return content


def _build_spec(model_id: str, entry: Mapping[str, Any], price: Mapping[str, Any]) -> LlmSpec:
    return LlmSpec(
        id=model_id,
        status=entry["status"],
        shut_off_on=entry["shut_off_on"],
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


def _is_shut_off(entry: Mapping[str, Any], day: dt.date) -> bool:
    return entry["shut_off_on"] is not None and bool(entry["shut_off_on"] <= day)


def _find_next(model_id: str, day: dt.date) -> str:
    """Which model to use instead of one that is gone."""
    others = list_chain(model_id, as_of=day, without=[model_id])
    return others[0] if others else "one that `flask groq check` lists"


def _build_retired_error(model_id: str, day: dt.date, instead: str) -> InvalidFieldError:
    return InvalidFieldError(
        f"{model_id!r} was shut off by its provider on {day.isoformat()}.",
        field="llm",
        remedy=f"Use {instead}: set GROQ_MODEL.",
    )


def _build_unknown_error(model_id: str, catalogue: Mapping[str, Any]) -> InvalidFieldError:
    retired = catalogue["retired"].get(model_id)
    if retired is not None:
        return _build_retired_error(model_id, retired["shut_off_on"], retired["instead"])
    strict = [name for name, entry in catalogue["models"].items() if entry["strict"]]
    return InvalidFieldError(
        f"{model_id!r} is not in the catalogue of language models.",
        field="llm",
        remedy=f"Use one of: {', '.join(strict)}.",
    )
