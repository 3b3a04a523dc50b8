"""The rulebook: every channel's rules as dated data, chosen by channel, store, category and day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache

from core.errors import InvalidFieldError
from domain.listing import Channel
from domain.marketplaces.rule import Rule, RuleSet, Source
from domain.marketplaces.rule_files import Vocabulary, read_rules, read_sources, read_vocabulary

__all__ = ["Rule", "RuleSet", "Rulebook", "Source", "load_rulebook"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rulebook:
    """All rules of all channels, whatever their dates, in the order of their files."""

    rules_by_channel: Mapping[str, tuple[Rule, ...]]
    category_classes: Mapping[str, frozenset[str]]

    @property
    def channels(self) -> tuple[str, ...]:
        """The channels we know rules for."""
        return tuple(self.rules_by_channel)

    def select(
        self,
        channel: str,
        *,
        as_of: dt.date,
        store: str = "US",
        category: str = "",
        mutes: Collection[str] = (),
    ) -> RuleSet:
        """The rules in force; ``category`` is the seller's own words (``Listing.category``).

        ``mutes`` are ids of rules that the seller overrides (see ``Rule.can_be_muted``). Raises
        InvalidFieldError, naming the known channels, for a channel we have no rules for.
        """
        rules = self.rules_by_channel.get(channel)
        if rules is None:
            raise InvalidFieldError(
                f"there are no rules for the channel {channel!r}.",
                field="channel",
                remedy=f"Use one of: {', '.join(self.channels)}.",
            )
        found = _select(self, channel, as_of, store.upper(), self.classify(category))
        return _mute(found, frozenset(mutes)) if mutes else found

    def find_rule(self, rule_id: str) -> Rule | None:
        """The rule with this id, in force or not, on whatever channel; None for an unknown one."""
        rules = (rule for found in self.rules_by_channel.values() for rule in found)
        return next((rule for rule in rules if rule.id == rule_id), None)

    def classify(self, category: str) -> str:
        """The class of categories that some rules make an exception for, "" for all others.

        A class is recognised when a whole level of the path is one of its names: "Books > Art" is
        media, "Book Ends" is not.
        """
        levels = {level.strip().casefold() for level in category.replace("/", ">").split(">")}
        for name, members in self.category_classes.items():
            if levels & members:
                return name
        return ""


@lru_cache(maxsize=512)
def _select(book: Rulebook, channel: str, as_of: dt.date, store: str, category: str) -> RuleSet:
    in_force = tuple(
        rule
        for rule in book.rules_by_channel[channel]
        if rule.applies(as_of=as_of, store=store, category=category)
    )
    return RuleSet(channel=channel, store=store, category=category, as_of=as_of, rules=in_force)


@lru_cache(maxsize=512)
def _mute(rules: RuleSet, rule_ids: frozenset[str]) -> RuleSet:
    return rules.without(rule_ids)


@cache
def load_rulebook() -> Rulebook:
    """Read the packaged rule files once."""
    vocabulary: Vocabulary = read_vocabulary()
    sources = read_sources()
    return Rulebook(
        rules_by_channel={
            channel.value: read_rules(channel.value, sources=sources, vocabulary=vocabulary)
            for channel in Channel
        },
        category_classes=vocabulary.category_classes,
    )
