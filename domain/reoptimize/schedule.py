"""How often a store is looked at again: pure, on days in UTC."""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from core.errors import InvalidFieldError
from core.ids import hash_text
from domain.brief import canonical_json
from domain.marketplaces.rule import Rule

AGE_DAYS_MIN: Final = 30
AGE_DAYS_MAX: Final = 3650
_DIGEST_CHARS: Final = 16


class Cadence(StrEnum):
    """When a store is looked at again."""

    OFF = "off"
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    RULES = "rules"
    """On the day on which a rule of its channel begins, ends or changes; for such rules only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """What a seller wants for one store.

    ``cadence`` None: they never said anything, which is off. ``age_days``: texts that nobody has
    looked at for so long count as a reason too (None: age is no reason).
    """

    cadence: Cadence | None = None
    age_days: int | None = None

    @property
    def is_on(self) -> bool:
        """Whether the store is ever looked at by itself."""
        return self.cadence not in (None, Cadence.OFF)


def parse_schedule(cadence: str, age_days: int | None) -> Schedule:
    """A schedule as it was sent; raises InvalidFieldError."""
    try:
        chosen = Cadence(cadence)
    except ValueError:
        raise InvalidFieldError(
            f"there is no schedule {cadence!r}.",
            field="every",
            remedy=f"Use one of: {', '.join(Cadence)}.",
        ) from None
    if age_days is None:
        return Schedule(cadence=chosen)
    if not AGE_DAYS_MIN <= age_days <= AGE_DAYS_MAX:
        raise InvalidFieldError(
            f"{age_days} days is no age to look again after.",
            field="age_days",
            remedy=f"Use {AGE_DAYS_MIN} to {AGE_DAYS_MAX} days, or leave it out.",
        )
    if chosen not in (Cadence.WEEKLY, Cadence.MONTHLY):
        raise InvalidFieldError(
            f"with the schedule {chosen.value!r} the age of a text is never looked at.",
            field="age_days",
            remedy="Leave it out, or choose weekly or monthly.",
        )
    return Schedule(cadence=chosen, age_days=age_days)


def describe_rules(rules: Iterable[Rule], *, on: dt.date) -> dict[str, str]:
    """By id, a digest of what each rule in force that day demands, whatever store or category."""
    return {rule.id: _digest(rule) for rule in rules if _is_in_force(rule, on)}


def _digest(rule: Rule) -> str:
    return hash_text(canonical_json(rule.content))[:_DIGEST_CHARS]


def _is_in_force(rule: Rule, on: dt.date) -> bool:
    begun = rule.effective_from is None or rule.effective_from <= on
    return begun and (rule.effective_to is None or on <= rule.effective_to)


def list_changed(known: Mapping[str, str] | None, now: Mapping[str, str]) -> frozenset[str]:
    """Rules that are new or demand something else; none where nothing was known before."""
    if known is None:
        return frozenset()
    return frozenset(name for name, digest in now.items() if known.get(name) != digest)


def find_rule_day(rules: Iterable[Rule], *, after: dt.date) -> dt.date | None:
    """The next day on which a rule begins, as far as is known today."""
    days = (rule.effective_from for rule in rules if rule.effective_from is not None)
    return min((day for day in days if day > after), default=None)


def find_next_day(
    schedule: Schedule, *, looked_on: dt.date | None, today: dt.date
) -> dt.date | None:
    """The day of the next look, today at the earliest; None: the calendar does not say."""
    if schedule.cadence not in (Cadence.WEEKLY, Cadence.MONTHLY):
        return None
    if looked_on is None:
        return today
    if schedule.cadence is Cadence.WEEKLY:
        return max(today, looked_on + dt.timedelta(days=7))
    return max(today, _add_month(looked_on))


def _add_month(day: dt.date) -> dt.date:
    year, month = day.year + day.month // 12, day.month % 12 + 1
    return dt.date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def is_due(
    schedule: Schedule, *, looked_on: dt.date | None, today: dt.date, rules_changed: bool
) -> bool:
    """Whether the store is to be looked at today."""
    if schedule.cadence is Cadence.RULES:
        return rules_changed
    return find_next_day(schedule, looked_on=looked_on, today=today) == today
