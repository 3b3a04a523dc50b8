"""Rules about HTML: which tags a channel lets through."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping

import regex

from domain.marketplaces.rule import Rule
from domain.marketplaces.subject import Breach, Check, Passage, each_passage

_TAG = regex.compile(r"<\s{0,3}/?\s{0,3}([a-zA-Z][a-zA-Z0-9]{0,20})\b([^<>]*)>|<(!--)")
_ENTITY = regex.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,30});")
_ATTRIBUTE = regex.compile(r"[a-zA-Z-]+\s{0,3}=")
_SHOWN = 6


def build_html_policy(rule: Rule) -> Check:
    """Only tags in ``allow``; ``attributes: false`` and ``entities: false`` forbid those too."""
    allowed = frozenset(rule.texts("allow"))
    attributes, entities = (
        rule.flag("attributes", default=True),
        rule.flag("entities", default=True),
    )

    def check(passage: Passage) -> Iterator[Breach]:
        if "<" in passage.text:
            yield from _check_tags(passage, allowed=allowed, attributes=attributes)
        entity = None if entities else _ENTITY.search(passage.text)
        if entity:
            values = {"found": entity.group()}
            yield Breach(code="entity", values=values, item=passage.item, excerpt=entity.group())

    return each_passage(check)


def _check_tags(passage: Passage, *, allowed: frozenset[str], attributes: bool) -> Iterator[Breach]:
    banned: Counter[str] = Counter()
    first = with_attribute = ""
    for match in _TAG.finditer(passage.text):
        name = (match[1] or match[3]).lower()
        if name not in allowed:
            banned[name] += 1
            first = first or match.group()
        elif not attributes and not with_attribute and _ATTRIBUTE.search(match[2]):
            with_attribute = match.group()
    if banned:
        tags = _show_tags(banned, allowed)
        yield Breach(code="tag", values=tags, item=passage.item, excerpt=first)
    if with_attribute:
        values = {"found": with_attribute}
        yield Breach(code="attribute", values=values, item=passage.item, excerpt=with_attribute)


def _show_tags(banned: Counter[str], allowed: frozenset[str]) -> dict[str, str]:
    shown = [f"<{name}> ({count})" for name, count in banned.most_common(_SHOWN)]
    more = [f"and {len(banned) - _SHOWN} more"] if len(banned) > _SHOWN else []
    kept = ", ".join(f"<{name}>" for name in sorted(allowed))
    return {"found": ", ".join([*shown, *more]), "allowed": kept or "none"}


KINDS: Mapping[str, Callable[[Rule], Check]] = {"html_policy": build_html_policy}
