"""What a listing measures under the rules in force today."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from core.clock import today
from domain.findings import Finding, Level
from domain.listing import Listing
from domain.marketplaces.checker import check_listing
from domain.marketplaces.rulebook import RuleSet, load_rulebook
from domain.scoring import score_listing

SITE = "US"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """Findings counted by level, and the score from 0 to 100."""

    hard: int
    advice: int
    score: float


def get_rules(channel: str, listing: Listing, mutes: Collection[str] = ()) -> RuleSet:
    """The rules in force today for a listing on a channel, less those the seller muted."""
    return load_rulebook().select(
        channel, as_of=today(), store=SITE, category=listing.category, mutes=mutes
    )


def measure_listing(listing: Listing, rules: RuleSet, *, keywords: Sequence[str] = ()) -> Measures:
    """Count findings and score, against the seller's search terms where there are any."""
    findings = check_listing(listing, rules)
    hard = count_hard(findings)
    total = score_listing(listing, rules, keywords=keywords, findings=findings).total
    return Measures(hard=hard, advice=len(findings) - hard, score=total)


def count_hard(findings: Sequence[Finding]) -> int:
    """How many findings are hard."""
    return sum(finding.level is Level.HARD for finding in findings)
