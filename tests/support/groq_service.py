"""Groq for the contract's tests: the simulator always, the real service where there is a key."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import groq
import pytest

from core.clock import utc_now
from domain.catalogue import cost_picousd, get_llm
from tests.support.groq_sim import running_groq
from tests.support.servers import ROOT

KEY_STASH = pytest.StashKey[str]()
"""The key of the developer's environment, kept apart from every other test."""

MODEL = "openai/gpt-oss-20b"
MOST_USD = 0.10
SIMULATED_KEY = "gsk_simulated"
ANSWERS = ROOT / ".state" / "groq-answers.md"


def take_key() -> str:
    """The developer's key, as long as the environment still holds it."""
    return os.environ.get("GROQ_API_KEY", "").strip()


@dataclass(slots=True)
class GroqService:
    """One service to ask; ``base_url`` is "" for the real one."""

    base_url: str
    key: str
    client: groq.Groq
    spent_picousd: int = 0
    answers: list[str] = field(default_factory=list)

    @property
    def is_real(self) -> bool:
        """Whether money is spent."""
        return not self.base_url

    def call(self, **more: Any) -> tuple[dict[str, Any], Mapping[str, str]]:
        """One completion with its headers, at the least cost; raises what the library raises."""
        assert self.spent_picousd < MOST_USD * 1e12, "the contract's tests have spent enough"
        body: dict[str, Any] = {
            "model": MODEL,
            "messages": [{"role": "user", "content": "Say yes."}],
            "max_completion_tokens": 100,
            "reasoning_effort": "low",
        }
        raw = self.client.chat.completions.with_raw_response.create(**{**body, **more})
        told: dict[str, Any] = raw.json()  # type: ignore[assignment]
        usage = told["usage"]
        self.spent_picousd += cost_picousd(
            get_llm(MODEL),
            prompt_tokens=usage["prompt_tokens"],
            cached_tokens=0,
            completion_tokens=usage["completion_tokens"],
        )
        return told, raw.headers

    def write_down(self, question: str, answer: object) -> None:
        """Keep what was found out about the real service."""
        self.answers.append(f"| {question} | {answer} |")


@contextmanager
def open_service(base_url: str, key: str) -> Iterator[GroqService]:
    """A service; what was found out about the real one is written down at the end."""
    client = groq.Groq(api_key=key, base_url=base_url or None, max_retries=0, timeout=60.0)
    with closing(client):
        service = GroqService(base_url=base_url, key=key, client=client)
        yield service
    if service.is_real and service.answers:
        write_page(ANSWERS, service)


def write_page(path: Path, service: GroqService) -> None:
    """The answers as a table."""
    head = f"Groq on {utc_now():%Y-%m-%d}; spent ${service.spent_picousd / 1e12:.6f}.\n\n"
    lines = ["| question | answer |", "|---|---|", *service.answers, ""]
    path.parent.mkdir(exist_ok=True)
    path.write_text(head + "\n".join(lines), encoding="utf-8")


@contextmanager
def open_named(name: str, key: str) -> Iterator[GroqService]:
    """``simulator`` or ``real``; skips the real one where there is no key."""
    if name == "real":
        if not key:
            pytest.skip("GROQ_API_KEY is not set: the real service is not asked")
        with open_service("", key) as service:
            yield service
    else:
        with (
            running_groq(time_scale=100.0, key=SIMULATED_KEY) as simulator,
            open_service(simulator.url, SIMULATED_KEY) as service,
        ):
            yield service
