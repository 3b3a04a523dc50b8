"""What the simulator pretends to sell, and how it is set up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class SoldModel:
    """One language model on offer; prices in picodollars (1e-12 USD) per token."""

    context_tokens: int
    max_output_tokens: int
    price_in: int
    price_cached: int
    price_out: int
    strict: bool
    efforts: tuple[str, ...]
    caching: bool = True
    batch: bool = True


_GPT_OSS_EFFORTS = ("low", "medium", "high")

MODELS = {
    "openai/gpt-oss-20b": SoldModel(
        context_tokens=131_072,
        max_output_tokens=65_536,
        price_in=75_000,
        price_cached=37_500,
        price_out=300_000,
        strict=True,
        efforts=_GPT_OSS_EFFORTS,
    ),
    "openai/gpt-oss-120b": SoldModel(
        context_tokens=131_072,
        max_output_tokens=65_536,
        price_in=150_000,
        price_cached=75_000,
        price_out=600_000,
        strict=True,
        efforts=_GPT_OSS_EFFORTS,
    ),
    "qwen/qwen3.8-27b": SoldModel(
        context_tokens=131_042,
        max_output_tokens=16_384,
        price_in=800_000,
        price_cached=400_000,
        price_out=4_000_000,
        strict=False,
        efforts=("none", "default"),
        batch=False,
    ),
}
"""The models Groq offered in 2026-09, as far as its public price lists told."""

PLANS: Final[Mapping[str, Mapping[str, int]]] = {
    "developer": {
        "requests_per_minute": 1_000,
        "tokens_per_minute": 250_000,
        "requests_per_day": 500_000,
        "tokens_per_day": 0,
    },
    "free": {
        "requests_per_minute": 30,
        "tokens_per_minute": 8_000,
        "requests_per_day": 1_000,
        "tokens_per_day": 200_000,
    },
}
"""Limits of each model by plan (2026-09); 0: none published."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatorConfig:
    """Limits are those of Groq's developer plan unless said otherwise; 0 for those it has not.

    ``key`` is the one accepted API key ("" = any). ``faults`` are texts for ``faults.parse_fault``;
    ``script`` names the fault of each successive request ("ok" = none), before ``faults`` apply;
    ``file_faults`` are for the requests about files, batches and models. ``blocked_models`` are not
    allowed to this project, ``gone_models`` are retired. ``spend_cap_usd`` 0: none; the provider
    notices ``spend_lag_s`` late. ``caching`` False: no prompt is ever found cached.
    ``count_refused`` and ``give_back_unused`` choose between what is not known of the real service.
    A batch takes ``batch_work_s`` to work off; ``time_scale`` is how many seconds of batches pass
    in a real one.
    """

    seed: int = 0
    latency_ms: float = 0.0
    plan: str = "developer"
    requests_per_minute: int = 1_000
    tokens_per_minute: int = 250_000
    requests_per_day: int = 500_000
    tokens_per_day: int = 0
    input_tokens_per_minute: int = 0
    output_tokens_per_minute: int = 0
    count_refused: bool = False
    give_back_unused: bool = True
    caching: bool = True
    key: str = ""
    blocked_models: tuple[str, ...] = ()
    gone_models: tuple[str, ...] = ()
    spend_cap_usd: float = 0.0
    spend_lag_s: float = 0.0
    faults: tuple[str, ...] = ()
    script: tuple[str, ...] = ()
    file_faults: tuple[str, ...] = ()
    retry_after_s: float = 2.0
    slow_s: float = 3.0
    hang_s: float = 120.0
    batch_work_s: float = 420.0
    time_scale: float = 1.0
