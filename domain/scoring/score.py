"""The score of a listing: parts with reasons, never one opaque number.

Each part starts at 1 and is lowered by what is wrong, by a factor each: nothing is ever gained by
writing more, so length and stuffing cannot pay. The total is the weighted mean of the parts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from domain.findings import Finding, Level
from domain.listing import Listing
from domain.marketplaces.checker import check_listing
from domain.marketplaces.rulebook import RuleSet
from domain.scoring.grounding import rate_grounding
from domain.scoring.row import ScoredRow
from domain.scoring.tally import Tally
from domain.scoring.texts import (
    rate_completeness,
    rate_duplication,
    rate_keywords,
    rate_readability,
)
from domain.scoring.title import rate_title

_HARD_FACTOR = 0.75
_ADVICE_FACTOR = 0.97

WEIGHTS = {
    "compliance": 0.28,
    "grounding": 0.12,
    "completeness": 0.12,
    "title": 0.22,
    "keywords": 0.10,
    "readability": 0.09,
    "duplication": 0.07,
}
"""How much each part counts; keywords only when the seller gave some."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartScore:
    """One part of a score: ``points`` from 0 to 1, and why they are not 1."""

    name: str
    points: float
    weight: float
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """``total`` from 0 to 100, to two decimals, and the parts it is made of."""

    total: float
    parts: tuple[PartScore, ...]

    def part(self, name: str) -> PartScore | None:
        """The part of that name, None when it was not rated."""
        return next((part for part in self.parts if part.name == name), None)


def score_listing(
    listing: Listing,
    rules: RuleSet,
    *,
    keywords: Sequence[str] = (),
    findings: Sequence[Finding] | None = None,
) -> Score:
    """Rate a listing by itself: the same texts give the same score, whatever else is sold.

    ``keywords`` are the seller's own search terms; without them that part is left out.
    ``findings`` are those of ``check_listing`` under the same rules, where they are at hand.
    """
    row = ScoredRow(listing)
    found = check_listing(listing, rules) if findings is None else findings
    tallies = {
        "compliance": _rate_compliance(found),
        "grounding": rate_grounding(row),
        "completeness": rate_completeness(row, rules),
        "title": rate_title(row),
        "readability": rate_readability(row),
        "duplication": rate_duplication(row),
    }
    if any(keyword.strip() for keyword in keywords):
        tallies["keywords"] = rate_keywords(row, keywords)
    parts = tuple(
        PartScore(
            name=name,
            points=round(tallies[name].points, 4),
            weight=weight,
            reasons=tuple(tallies[name].reasons),
        )
        for name, weight in WEIGHTS.items()
        if name in tallies
    )
    return Score(total=_weigh(parts), parts=parts)


def _weigh(parts: Sequence[PartScore]) -> float:
    weights = sum(part.weight for part in parts)
    return round(100 * sum(part.points * part.weight for part in parts) / weights, 2)


def _rate_compliance(findings: Sequence[Finding]) -> Tally:
    tally = Tally()
    for finding in findings:
        hard = finding.level is Level.HARD
        factor = _HARD_FACTOR if hard else _ADVICE_FACTOR
        tally.lower(factor, f"{finding.field}: {finding.message} ({finding.level.value})")
    return tally
