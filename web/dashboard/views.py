"""What the page of one listing shows, worked out before any template sees it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from domain.listing import TEXT_FIELDS, Listing
from domain.marketplaces.rulebook import RuleSet
from domain.marketplaces.subject import count_bytes, count_chars
from services.measures import get_rules
from web.dashboard.diff import Diff, diff_items, diff_texts, join_value

CHIP_FIELDS: Final = frozenset({"tags", "materials"})
"""Lists whose items are shown as chips and compared whole."""


@dataclass(frozen=True, slots=True)
class Counter:
    """How much of a limit a text uses; ``unit`` is characters, bytes or items."""

    used: int
    limit: int
    unit: str

    @property
    def is_over(self) -> bool:
        """Whether the limit is broken."""
        return self.used > self.limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """A decision that was not taken, with what was typed, so that nothing is lost."""

    field: str
    message: str
    remedy: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldView:
    """One field of a suggestion as the page shows it."""

    name: str
    stored: Mapping[str, Any]
    diff: Diff
    before: tuple[Counter, ...]
    after: tuple[Counter, ...]
    limit: int | None
    edit_text: str
    can_decide: bool
    trouble: Trouble | None
    outdated_by: tuple[str, ...] = ()
    """Rules that the seller muted after this was proposed, which it may still follow."""

    @property
    def is_chips(self) -> bool:
        """Whether items are shown as chips."""
        return self.name in CHIP_FIELDS


def build_field_views(
    shown: Mapping[str, Any], suggestion: Mapping[str, Any], trouble: Trouble | None
) -> list[FieldView]:
    """The fields of a suggestion in the order in which people read a listing."""
    rules = select_rules(shown)
    is_open = suggestion["status"] == "open"
    muted = frozenset(one["rule"] for one in shown["muted"])
    stored = sorted(suggestion["fields"], key=lambda one: TEXT_FIELDS.index(one["field"]))
    return [
        _build_view(
            one,
            rules,
            muted=muted,
            can_decide=is_open and one["action"] is None,
            trouble=trouble if trouble and trouble.field == one["field"] else None,
        )
        for one in stored
    ]


def list_other_findings(
    findings: Sequence[Mapping[str, Any]], fields: Sequence[FieldView]
) -> list[Mapping[str, Any]]:
    """The findings that do not stand beside a field that is still to be decided."""
    beside = {
        (one.name, found["rule"], found["item"])
        for one in fields
        if one.can_decide
        for found in one.stored["findings"]
    }
    return [one for one in findings if (one["field"], one["rule"], one["item"]) not in beside]


def select_rules(shown: Mapping[str, Any]) -> RuleSet:
    """The rules in force today for a listing as ``get_listing`` shows it."""
    return get_rules(shown["channel"], Listing.from_json(shown))


def _build_view(
    stored: Mapping[str, Any],
    rules: RuleSet,
    *,
    muted: frozenset[str],
    can_decide: bool,
    trouble: Trouble | None,
) -> FieldView:
    name = stored["field"]
    offered = stored["final"] if stored["action"] == "edit" else stored["after"]
    after = stored["before"] if offered is None else offered
    return FieldView(
        name=name,
        stored=stored,
        diff=_compare(name, stored["before"], after),
        before=tuple(count_field(name, stored["before"], rules)),
        after=tuple(count_field(name, after, rules)),
        limit=None if isinstance(after, list) else rules.max_length(name),
        edit_text=trouble.text if trouble else join_value(after),
        can_decide=can_decide,
        trouble=trouble,
        outdated_by=_list_outdated(stored, muted) if can_decide else (),
    )


def _list_outdated(stored: Mapping[str, Any], muted: frozenset[str]) -> tuple[str, ...]:
    """What was muted since: what was muted already had no finding when the field was written."""
    if stored["after"] is None:
        return ()
    return tuple(sorted(muted.intersection(one["rule"] for one in stored["findings"])))


def _compare(name: str, before: str | list[str] | None, after: str | list[str] | None) -> Diff:
    if name in CHIP_FIELDS:
        return diff_items(_list(before), _list(after))
    return diff_texts(join_value(before), join_value(after))


def _list(value: str | list[str] | None) -> Sequence[str]:
    return value if isinstance(value, list) else [value] if value else []


def count_field(name: str, value: str | list[str] | None, rules: RuleSet) -> Iterator[Counter]:
    """How much of each of its channel's limits a field uses."""
    if isinstance(value, list):
        if limit := rules.max_items(name):
            yield Counter(len(value), limit, "items")
        if limit := rules.max_item_length(name):
            yield Counter(max(map(count_chars, value), default=0), limit, "in the longest")
        return
    if limit := rules.max_length(name):
        yield Counter(count_chars(value or ""), limit, "characters")
    if limit := rules.max_bytes(name):
        yield Counter(count_bytes(value or ""), limit, "bytes")
