"""Every kind of rule the checker can run."""

from __future__ import annotations

from collections.abc import Callable

from domain.marketplaces import (
    check_capitals,
    check_characters,
    check_markup,
    check_phrases,
    check_relations,
    check_sizes,
    check_style,
    check_words,
)
from domain.marketplaces.rule import Rule
from domain.marketplaces.subject import Check

KINDS: dict[str, Callable[[Rule], Check]] = {
    **check_sizes.KINDS,
    **check_characters.KINDS,
    **check_phrases.KINDS,
    **check_words.KINDS,
    **check_capitals.KINDS,
    **check_style.KINDS,
    **check_markup.KINDS,
    **check_relations.KINDS,
}


def build_check(rule: Rule) -> Check:
    """The check of a rule that the text decides; raises ValueError for an unknown kind."""
    build = KINDS.get(rule.kind)
    if build is None:
        message = f"{rule.channel}.yaml, rule {rule.id}: no check for the kind {rule.kind!r}"
        raise ValueError(message)
    return build(rule)
