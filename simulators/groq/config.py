"""What the simulator pretends to sell, and how it is set up."""

from __future__ import annotations

from dataclasses import dataclass


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
    ),
}
"""The models Groq offered in 2026-09, as far as its public price lists told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatorConfig:
    """Limits are those of Groq's developer plan unless said otherwise.

    ``key`` is the one accepted API key ("" = any). ``faults`` are texts for ``faults.parse_fault``;
    ``script`` names the fault of each successive request ("ok" = none), before ``faults`` apply.
    """

    seed: int = 0
    latency_ms: float = 0.0
    requests_per_minute: int = 1_000
    tokens_per_minute: int = 250_000
    requests_per_day: int = 500_000
    key: str = ""
    faults: tuple[str, ...] = ()
    script: tuple[str, ...] = ()
    retry_after_s: float = 2.0
    slow_s: float = 3.0
    hang_s: float = 120.0
