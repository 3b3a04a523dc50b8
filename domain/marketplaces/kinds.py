"""Every kind of rule the checker can run."""

from __future__ import annotations

from collections.abc import Callable

from domain.marketplaces import check_sizes
from domain.marketplaces.rule import Rule
from domain.marketplaces.subject import Check

_KINDS: dict[str, Callable[[Rule], Check]] = {**check_sizes.KINDS}


def build_check(rule: Rule) -> Check | None:
    """The check of a rule; None when its kind cannot be decided by a program."""
    build = _KINDS.get(rule.kind)
    return None if build is None else build(rule)
