"""Compares the catalogue of language models with the list their provider gives."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from domain.catalogue import LlmSpec, get_llm, list_llms
from domain.ports import ListedLlm


class CheckState(StrEnum):
    """What the comparison of one model came to, the worst first."""

    MISSING = "missing"
    PRICE_DRIFT = "price_drift"
    SMALLER = "smaller"
    ENDING = "ending"
    DISABLED = "disabled"
    UNPRICED = "unpriced"
    OK = "ok"


DRIFTED = frozenset(
    {CheckState.MISSING, CheckState.PRICE_DRIFT, CheckState.SMALLER, CheckState.DISABLED}
)
"""What is not as the catalogue says, or keeps a model out of use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCheck:
    """One model of the catalogue: how it compares, in a word and in a sentence."""

    model: str
    state: CheckState
    message: str


def compare_models(
    listed: Sequence[ListedLlm], *, today: dt.date, disabled: Mapping[str, str]
) -> list[ModelCheck]:
    """One result for each model of the catalogue; ``disabled`` gives the reasons by model."""
    by_id = {one.id: one for one in listed}
    checks = []
    for name in list_llms():
        state, message = _compare(get_llm(name), by_id.get(name), today=today)
        if state is CheckState.OK and name in disabled:
            state = CheckState.DISABLED
            message = (
                f"listed, but out of use here: {disabled[name].rstrip('.')}."
                f" `flask groq enable {name}` lets it be used again."
            )
        checks.append(ModelCheck(model=name, state=state, message=message))
    return checks


def _compare(spec: LlmSpec, listed: ListedLlm | None, *, today: dt.date) -> tuple[CheckState, str]:
    if listed is None or not listed.active:
        return CheckState.MISSING, "the provider does not list it any more"
    drift = _describe_drift(spec, listed)
    if drift:
        return CheckState.PRICE_DRIFT, drift
    if (listed.context_tokens or spec.context_tokens) < spec.context_tokens:
        return CheckState.SMALLER, (
            f"its context is {listed.context_tokens} tokens, not {spec.context_tokens}"
        )
    if spec.shut_off_on is not None:
        days = (spec.shut_off_on - today).days
        return CheckState.ENDING, f"it is shut off on {spec.shut_off_on}, in {days} days"
    if listed.price_in is None:
        return CheckState.UNPRICED, "listed without prices, which were therefore not compared"
    return CheckState.OK, "as in the catalogue"


def _describe_drift(spec: LlmSpec, listed: ListedLlm) -> str:
    """Which prices are others than the catalogue's, in dollars a million tokens; "" when none."""
    pairs = (
        ("input", spec.price_in, listed.price_in),
        ("cached", spec.price_cached, listed.price_cached),
        ("output", spec.price_out, listed.price_out),
    )
    found = [
        f"{name} ${theirs / 1e6:g}, not ${ours / 1e6:g}"
        for name, ours, theirs in pairs
        if theirs is not None and theirs != ours
    ]
    return f"a million tokens cost {'; '.join(found)}" if found else ""
