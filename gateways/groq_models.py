"""Groq's list of models as it comes: prices are dollars per token, as text, where there are any.

Source: the live answer quoted in anomalyco/models.dev#3761 (2026-07-27); the library types only the
first four fields.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Final

from pydantic import BaseModel, TypeAdapter

from domain.ports import ListedLlm

PICO: Final = 10**12


class _Pricing(BaseModel):
    prompt: str | float | None = None
    completion: str | float | None = None
    input_cache_read: str | float | None = None


class _Model(BaseModel):
    id: str
    active: bool = True
    context_length: int | None = None
    context_window: int | None = None
    max_output_length: int | None = None
    pricing: _Pricing | None = None


class _List(BaseModel):
    data: list[_Model]


_ADAPTER: Final = TypeAdapter(_List)


def parse_model_list(body: bytes | str) -> list[ListedLlm]:
    """The models of an answer; raises ValueError when it is no such list."""
    return [_to_listed(one) for one in _ADAPTER.validate_json(body).data]


def _to_listed(model: _Model) -> ListedLlm:
    prices = model.pricing or _Pricing()
    return ListedLlm(
        id=model.id,
        active=model.active,
        context_tokens=model.context_length or model.context_window,
        max_output_tokens=model.max_output_length,
        price_in=_to_picousd(prices.prompt),
        price_cached=_to_picousd(prices.input_cache_read),
        price_out=_to_picousd(prices.completion),
    )


def _to_picousd(told: str | float | None) -> int | None:
    """Picodollars per token; None for a price that cannot be read or believed."""
    try:
        price_usd = Decimal(str(told))
        return round(price_usd * PICO) if 0 <= price_usd < 1 else None
    except InvalidOperation:
        return None
