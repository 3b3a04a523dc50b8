"""The rules as sellers see them."""

from __future__ import annotations

from dataclasses import dataclass

from domain.marketplaces.document import describe_rule
from domain.marketplaces.rulebook import load_rulebook


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleView:
    """One rule in a few words; ``field`` is "*" for every text."""

    id: str
    field: str
    level: str
    demand: str


def list_mutable_rules(channel: str) -> list[RuleView]:
    """The rules of a channel that its sellers may mute, in the order of its file."""
    return [
        RuleView(id=rule.id, field=rule.field, level=rule.level.value, demand=describe_rule(rule))
        for rule in load_rulebook().rules_by_channel[channel]
        if rule.can_be_muted
    ]
