"""What another proposal for a listing may be worth, against what asking for it costs: pure.

The shares below are judgement, not measurement: they order reasons, and what they order is only a
proposal that the seller decides on.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from domain.brief import Mode


class Reason(StrEnum):
    """Why a listing is worth another look."""

    RULE_CHANGED = "rule_changed"
    """It breaks a rule that took effect, or was changed, since the last look."""
    HARD = "hard"
    """It breaks a hard rule."""
    SOURCE_CHANGED = "source_changed"
    """The seller's text is not the one that was worked on."""
    OLDER_PROMPT = "older_prompt"
    """What was proposed did not pass, and we ask in other words today."""
    LOW_SCORE = "low_score"
    AGE = "age"


class Skip(StrEnum):
    """Why a listing is left alone."""

    OPEN_SUGGESTION = "open_suggestion"
    UNDER_WAY = "under_way"
    UNCHANGED = "unchanged"
    """This very work was done before: text, rules, wishes, prompt and model are the same."""
    DECIDED = "decided"
    """The seller has rejected what was proposed for this text, and no rule has changed since."""
    RESTING = "resting"
    """Something was proposed for it a short while ago."""
    REVISIONS = "revisions"
    """It was changed as often today as its channel allows."""
    NOTHING = "nothing"
    """There is no reason, or nothing that may be changed."""
    BEYOND = "beyond"
    """Others were worth more within the run's limit or budget."""
    OUT_OF_BUDGET = "out_of_budget"
    """Its seller's own budget does not suffice."""
    GONE = "gone"
    """It was changed, or somebody asked for it, while the run chose."""


SHARES: Final[Mapping[Reason, float]] = MappingProxyType(
    {
        Reason.RULE_CHANGED: 0.9,
        Reason.HARD: 0.6,
        Reason.SOURCE_CHANGED: 0.3,
        Reason.OLDER_PROMPT: 0.3,
        Reason.LOW_SCORE: 0.2,
        Reason.AGE: 0.05,
    }
)
"""The part of a listing's worth that a proposal may win back or keep."""

LOW_SCORE: Final = 65.0
REST_DAYS: Final = 2
"""Marketplaces take a day or two to index a change; before that it cannot have had an effect."""

UNKNOWN_VALUE_MINOR: Final = 2_500
LEAST_COST_PICO: Final = 1_000_000
"""One microdollar: work without a call is cheap, not free."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signs:
    """What is known of a listing.

    ``broken`` are the hard rules that its text breaks today; ``changed_rules`` those of its channel
    that changed since the last look. ``refused_prompt`` is the version of the prompt whose answer
    did not pass, "" when none. ``age_days`` counts from the last text or proposal.
    """

    broken: frozenset[str]
    changed_rules: frozenset[str] = frozenset()
    score: float | None = None
    source_changed: bool = False
    refused_prompt: str = ""
    age_days: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which reasons count: all but age, rules alone, or age too from so many days."""

    rules_only: bool = False
    age_days: int | None = None


def list_reasons(signs: Signs, wanted: Wanted, *, prompt_version: str) -> tuple[Reason, ...]:
    """Why the listing is worth another proposal, the best reason first."""
    if signs.broken & signs.changed_rules:
        found = [Reason.RULE_CHANGED]
    elif wanted.rules_only:
        return ()
    else:
        found = []
    old = wanted.age_days is not None and signs.age_days >= wanted.age_days
    present = {
        Reason.HARD: bool(signs.broken),
        Reason.SOURCE_CHANGED: signs.source_changed,
        Reason.OLDER_PROMPT: signs.refused_prompt not in ("", prompt_version),
        Reason.LOW_SCORE: signs.score is not None and signs.score < LOW_SCORE,
        Reason.AGE: old,
    }
    return (*found, *(reason for reason, holds in present.items() if holds))


def choose_mode(signs: Signs, reasons: tuple[Reason, ...]) -> Mode:
    """The smallest edit where a rule is broken; more only where nothing else would help."""
    weak = {Reason.LOW_SCORE, Reason.AGE, Reason.SOURCE_CHANGED} & set(reasons)
    return Mode.IMPROVE if weak and not signs.broken else Mode.FIX


def estimate_gain(
    reasons: tuple[Reason, ...], *, score: float | None, value_minor: int | None
) -> float:
    """A listing's worth, times the part of it that the proposal may win: a number to compare.

    Worth grows with the logarithm of price times quantity: quantities are often placeholders (999),
    and what is at stake is sales, not stock.
    """
    lost = 1.0
    for reason in reasons:
        share = SHARES[reason]
        if reason is Reason.LOW_SCORE and score is not None:
            share *= (LOW_SCORE - score) / LOW_SCORE
        lost *= 1.0 - share
    value = UNKNOWN_VALUE_MINOR if value_minor is None else max(0, value_minor)
    return (1.0 - lost) * math.log2(2.0 + value / 100)


def rate(gain: float, cost_pico: int) -> float:
    """Gain per dollar."""
    return gain / max(cost_pico, LEAST_COST_PICO) * 1e12
