"""Briefs for tests: a listing, a channel and the rules of one fixed day."""

from __future__ import annotations

import datetime as dt

from domain.brief import Brief, Mode
from domain.listing import Listing
from domain.marketplaces.rule import RuleSet
from domain.marketplaces.rulebook import load_rulebook

DAY = dt.date(2026, 11, 22)


def make_brief(
    listing: Listing, channel: str, *, mode: Mode = Mode.FIX, touch: tuple[str, ...] = ()
) -> tuple[Brief, RuleSet]:
    """A brief and the rules it is judged by."""
    rules = load_rulebook().select(channel, as_of=DAY, category=listing.category)
    brief = Brief(
        listing=listing,
        channel=channel,
        as_of=DAY,
        rules_digest=rules.digest,
        prompt_version="1",
        mode=mode,
        touch=touch,
    )
    return brief, rules
