"""Rules about how long a text is and how many items a list has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from domain.findings import Level
from domain.listing import LIST_FIELDS
from domain.marketplaces.rule import Rule
from domain.marketplaces.subject import (
    Breach,
    Check,
    Passage,
    Subject,
    count_bytes,
    count_chars,
    each_passage,
)

_UNIT_WORDS = {"chars": "characters", "bytes": "bytes", "words": "words", "items": "items"}
_ITEM_SEPARATOR = ","


def build_required(_rule: Rule) -> Check:
    """The field has content."""

    def run(subject: Subject) -> Iterator[Breach]:
        if subject.blank:
            yield Breach()

    return run


def build_max_length(rule: Rule) -> Check:
    """Each text is at most ``limit`` long; ``per_value``/``max_values`` bound parts between "/"."""
    per_value, max_values = rule.number("per_value"), rule.number("max_values")
    limit, unit = _require_limit(rule), rule.unit

    def check(passage: Passage) -> Iterator[Breach]:
        length = _measure(passage, unit)
        if length > limit:
            yield _sized("long", length, rule, passage=passage)
        if per_value is not None and max_values is not None:
            yield from _check_parts(passage, per_value=per_value, max_values=max_values)

    return each_passage(check)


def _check_parts(passage: Passage, *, per_value: int, max_values: int) -> Iterator[Breach]:
    parts = [part.strip() for part in passage.text.split("/")]
    if len(parts) > max_values:
        yield Breach(code="values", values={"n": len(parts), "limit": max_values})
    for part in parts:
        if count_chars(part) > per_value:
            values = {"n": count_chars(part), "limit": per_value}
            yield Breach(code="value", values=values, excerpt=part)


def build_min_length(rule: Rule) -> Check:
    """Each text is at least ``limit`` long."""
    limit = _require_limit(rule)

    def check(passage: Passage) -> Iterator[Breach]:
        length = _measure(passage, rule.unit)
        if length < limit:
            yield _sized("short", length, rule, passage=passage)

    return each_passage(check)


def build_length_range(rule: Rule) -> Check:
    """Each text is between ``min`` and ``limit`` long; an empty field breaks it unless optional."""
    longest = build_max_length(rule)
    minimum, wanted = rule.minimum or 0, _recommended(rule)
    must_exist = minimum > 0 and rule.level is Level.HARD and not rule.per

    def run(subject: Subject) -> Iterator[Breach]:
        if subject.blank and must_exist and not rule.flag("optional"):
            yield Breach(code="empty", values={"unit": _UNIT_WORDS[rule.unit], "min": minimum})
        yield from longest(subject)
        for passage in subject.passages:
            length = _measure(passage, rule.unit)
            if length < minimum:
                yield _sized("short", length, rule, passage=passage)
            elif wanted and length <= (rule.limit or length) and not _within(length, wanted):
                yield _sized("unusual", length, rule, passage=passage, level=Level.ADVICE)

    return run


def build_max_total_length(rule: Rule) -> Check:
    """All items together are at most ``limit`` long."""
    limit = _require_limit(rule)

    def run(subject: Subject) -> Iterator[Breach]:
        total = sum(_measure(passage, rule.unit) for passage in subject.passages)
        if total > limit:
            yield _sized("long", total, rule)

    return run


def build_count_range(rule: Rule) -> Check:
    """A list has between ``min`` and ``limit`` items; serves min_count and max_count too."""
    minimum, limit = rule.minimum, rule.limit
    if rule.kind == "min_count":
        minimum, limit = rule.limit, None
    wanted = _recommended(rule)

    def run(subject: Subject) -> Iterator[Breach]:
        count = _count_items(subject)
        if count == 0 and rule.flag("optional"):
            return
        if limit is not None and count > limit:
            yield Breach(code="many", values={"n": count, "limit": limit})
        elif minimum is not None and count < minimum:
            yield Breach(code="few", values={"n": count, "min": minimum})
        elif wanted and not _within(count, wanted):
            values = {"n": count, "low": wanted[0], "high": wanted[1]}
            yield Breach(code="unusual", values=values, level=Level.ADVICE)

    return run


def build_min_depth(rule: Rule) -> Check:
    """A category path has at least ``limit`` levels; a category given by number is not judged."""
    limit = _require_limit(rule)

    def check(passage: Passage) -> Iterator[Breach]:
        depth = len([level for level in passage.text.split(">") if level.strip()])
        if depth < limit and not passage.text.strip().isdigit():
            yield Breach(values={"n": depth, "limit": limit}, excerpt=passage.text)

    return each_passage(check)


def build_word_count(rule: Rule) -> Check:
    """A text has at least (min_words) or at most (max_words) ``limit`` words, markup aside."""
    limit, at_least = _require_limit(rule), rule.kind == "min_words"

    def check(passage: Passage) -> Iterator[Breach]:
        count = len(passage.plain.split())
        if count < limit if at_least else count > limit:
            yield Breach(values={"n": count, "limit": limit})

    return each_passage(check)


def _measure(passage: Passage, unit: str) -> int:
    return count_bytes(passage.text) if unit == "bytes" else passage.length


def _sized(
    code: str,
    length: int,
    rule: Rule,
    *,
    passage: Passage | None = None,
    level: Level | None = None,
) -> Breach:
    values: dict[str, Any] = {"n": length, "unit": _UNIT_WORDS[rule.unit]}
    values.update(limit=rule.limit, min=rule.minimum if rule.minimum is not None else rule.limit)
    values.update(zip(("low", "high"), _recommended(rule) or (), strict=False))
    item = passage.item if passage else None
    return Breach(code=code, values=values, item=item, level=level)


def _count_items(subject: Subject) -> int:
    if subject.name in LIST_FIELDS:
        return len(subject.items)
    text = subject.value if isinstance(subject.value, str) else _ITEM_SEPARATOR.join(subject.value)
    return len([part for part in text.split(_ITEM_SEPARATOR) if part.strip()])


def _recommended(rule: Rule) -> tuple[int, int] | None:
    bounds = rule.params.get("recommended")
    return (int(bounds[0]), int(bounds[1])) if bounds else None


def _within(number: int, bounds: tuple[int, int]) -> bool:
    return bounds[0] <= number <= bounds[1]


def _require_limit(rule: Rule) -> int:
    if rule.limit is None:
        message = f"rule {rule.id} names no limit"
        raise ValueError(message)
    return rule.limit


KINDS: Mapping[str, Any] = {
    "required": build_required,
    "max_length": build_max_length,
    "min_length": build_min_length,
    "length_range": build_length_range,
    "max_total_length": build_max_total_length,
    "min_count": build_count_range,
    "max_count": build_count_range,
    "count_range": build_count_range,
    "min_depth": build_min_depth,
    "min_words": build_word_count,
    "max_words": build_word_count,
}
