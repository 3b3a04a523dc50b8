"""What changed between two texts, word by word, the same every time."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum
from typing import Final

from domain.listing import TextValue

MAX_PAIRS: Final = 4_000_000
"""Beyond so many pairs of words the middle is shown as replaced: comparing would take seconds."""

_TOKEN: Final = re.compile(r"<[^<>]{1,300}>|\s+|\w+|[^\w\s]")


class Kind(StrEnum):
    """What became of a piece of text."""

    SAME = "same"
    REMOVED = "removed"
    ADDED = "added"


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of text and what became of it."""

    kind: Kind
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Diff:
    """The two sides; each side's texts joined give its text again."""

    before: tuple[Segment, ...]
    after: tuple[Segment, ...]

    @property
    def is_same(self) -> bool:
        """Whether nothing changed."""
        return all(one.kind is Kind.SAME for one in (*self.before, *self.after))


def diff_texts(before: str, after: str) -> Diff:
    """Compare two texts by words, marks and HTML tags."""
    return _diff(_TOKEN.findall(before), _TOKEN.findall(after))


def diff_items(before: Sequence[str], after: Sequence[str]) -> Diff:
    """Compare two lists; each item is a segment of its own."""
    kept_before, kept_after = frozenset(before), frozenset(after)
    return Diff(
        before=tuple(
            Segment(Kind.SAME if item in kept_after else Kind.REMOVED, item) for item in before
        ),
        after=tuple(
            Segment(Kind.SAME if item in kept_before else Kind.ADDED, item) for item in after
        ),
    )


def join_value(value: TextValue | Sequence[str] | None) -> str:
    """A field's content as one text, an item a line."""
    if value is None:
        return ""
    return value if isinstance(value, str) else "\n".join(value)


def _diff(old: list[str], new: list[str]) -> Diff:
    head = _count_common(old, new)
    tail = _count_common(old[head:][::-1], new[head:][::-1])
    old_middle = old[head : len(old) - tail]
    new_middle = new[head : len(new) - tail]
    start, end = "".join(old[:head]), "".join(old[len(old) - tail :])
    before, after = [Segment(Kind.SAME, start)], [Segment(Kind.SAME, start)]
    for tag, old_part, new_part in _iter_changes(old_middle, new_middle):
        if tag == "equal":
            before.append(Segment(Kind.SAME, old_part))
            after.append(Segment(Kind.SAME, old_part))
        else:
            before.append(Segment(Kind.REMOVED, old_part))
            after.append(Segment(Kind.ADDED, new_part))
    before.append(Segment(Kind.SAME, end))
    after.append(Segment(Kind.SAME, end))
    return Diff(before=_merge(before), after=_merge(after))


def _count_common(old: Sequence[str], new: Sequence[str]) -> int:
    for index, (left, right) in enumerate(zip(old, new, strict=False)):
        if left != right:
            return index
    return min(len(old), len(new))


def _iter_changes(old: list[str], new: list[str]) -> Iterable[tuple[str, str, str]]:
    if len(old) * len(new) > MAX_PAIRS:
        yield "replace", "".join(old), "".join(new)
        return
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    for tag, old_from, old_to, new_from, new_to in matcher.get_opcodes():
        yield tag, "".join(old[old_from:old_to]), "".join(new[new_from:new_to])


def _merge(segments: Iterable[Segment]) -> tuple[Segment, ...]:
    """Drop empty pieces and join neighbours of one kind, a lone space between changes included."""
    merged: list[Segment] = []
    for one in segments:
        if not one.text:
            continue
        if merged and merged[-1].kind is one.kind:
            merged[-1] = Segment(one.kind, merged[-1].text + one.text)
        elif _is_bridge(merged, one):
            changed, gap = merged[-2], merged[-1]
            merged[-2:] = [Segment(one.kind, changed.text + gap.text + one.text)]
        else:
            merged.append(one)
    return tuple(merged)


def _is_bridge(merged: Sequence[Segment], one: Segment) -> bool:
    """Whether only a space stands between this change and the one before it."""
    return (
        len(merged) > 1
        and one.kind is not Kind.SAME
        and merged[-1].kind is Kind.SAME
        and merged[-1].text == " "
        and merged[-2].kind is one.kind
    )
