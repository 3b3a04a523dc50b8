"""Reads rules, word lists and patterns before the first job needs them."""

from __future__ import annotations

from typing import Final

from core.clock import monotonic_s, today
from core.log import get_logger
from domain.brief import Brief, Mode
from domain.gate import judge
from domain.listing import Listing
from domain.marketplaces.rulebook import load_rulebook
from domain.prompts.request import PROMPT_VERSION
from domain.rewrite import propose
from services.measures import measure_listing

log = get_logger(__name__)

_SAMPLE: Final = Listing(
    key="warm",
    fields={"title": "FREE SHIPPING! Cotton Tote Bag 2 pcs", "description": "A bag, 40 cm wide."},
    attributes={"color": "Green", "material": "Cotton"},
)


def warm_up() -> None:
    """Judge, score and mend one listing for every channel, and throw it away.

    What is read on first use is then there. The caches that keep it do not lock: each of 32 threads
    that begin together would read all of it for itself, a fifth of a second of the processor each.
    """
    from_s, book = monotonic_s(), load_rulebook()
    for channel in book.channels:
        rules = book.select(channel, as_of=today())
        brief = Brief(
            listing=_SAMPLE,
            channel=channel,
            as_of=rules.as_of,
            rules_digest=rules.digest,
            prompt_version=PROMPT_VERSION,
            mode=Mode.IMPROVE,
        )
        measure_listing(_SAMPLE, rules)
        judge(propose(brief, rules) or {"title": "Cotton Tote Bag"}, brief, rules)
    log.debug("warmed_up", took_s=round(monotonic_s() - from_s, 2))
