"""One rule of a marketplace, and the set of them that is in force for a listing on a day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from dataclasses import field as spec
from typing import Any, Literal

from core.ids import hash_text
from domain.brief import canonical_json
from domain.findings import Level

Checkable = Literal["yes", "file", "no"]
"""Whether the listing's text decides a rule, the file or account does, or no program can."""

Evidence = Literal["official", "secondary", "remembered"]
"""Where a rule was read: the marketplace's own page, another's page, or nowhere."""

STALE_AFTER = dt.timedelta(days=90)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A page on which a rule was read; ``date`` is the newest one printed on it."""

    title: str
    how: Evidence
    date: dt.date | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rule:
    """One demand on one field.

    ``field`` is a canonical name, or "*" for every text of the listing. ``unit`` is chars (Unicode
    code points after NFC), bytes (UTF-8), words or items; ``per`` is "item" where each item of a
    list counts by itself. ``effective_from`` and ``effective_to`` are inclusive, None is open.
    ``stated_level`` is what the rule would be if its evidence were good; ``level`` is what it is:
    what nobody has read is never hard. ``structural`` marks a rule about words whose breach is
    nevertheless no matter of opinion. ``params`` holds what only some kinds know.
    """

    id: str
    channel: str
    field: str
    kind: str
    level: Level
    stated_level: Level
    checkable: Checkable
    sources: tuple[Source, ...]
    how: Evidence
    limit: int | None = None
    minimum: int | None = None
    unit: str = ""
    per: str = ""
    effective_from: dt.date | None = None
    effective_to: dt.date | None = None
    only_category: frozenset[str] = frozenset()
    except_category: frozenset[str] = frozenset()
    only_store: frozenset[str] = frozenset()
    except_store: frozenset[str] = frozenset()
    as_of: dt.date | None = None
    checked_on: dt.date | None = None
    consequence: str = ""
    note: str = ""
    message: str = ""
    remedy: str = ""
    structural: bool = False
    params: Mapping[str, Any] = spec(default_factory=dict)

    def applies(self, *, as_of: dt.date, store: str, category: str) -> bool:
        """Whether the rule is in force on a day, in a store, for a category class."""
        return (
            (self.effective_from is None or self.effective_from <= as_of)
            and (self.effective_to is None or as_of <= self.effective_to)
            and (not self.only_store or store in self.only_store)
            and store not in self.except_store
            and (not self.only_category or category in self.only_category)
            and category not in self.except_category
        )

    @property
    def can_be_muted(self) -> bool:
        """Whether a seller may say that breaches of this rule are none.

        Advice may be declined. Of the hard rules those may that judge words: there a program takes
        a name for a promotion, and only the seller can tell. What the marketplace's own machine
        counts or refuses (lengths, counts, characters, markup, empty fields) stays broken whatever
        anybody says of it.
        """
        if self.checkable != "yes" or self.structural:
            return False
        return self.level is Level.ADVICE or self.kind in _KINDS_OF_WORDS

    def text(self, name: str) -> str:
        """A parameter that is text, "" when the rule has none."""
        return str(self.params.get(name, ""))

    def texts(self, name: str) -> tuple[str, ...]:
        """A parameter that is a list of texts, () when the rule has none."""
        return tuple(str(item) for item in self.params.get(name, ()))

    def number(self, name: str) -> int | None:
        """A parameter that is a number, None when the rule has none."""
        value = self.params.get(name)
        return None if value is None else int(value)

    def flag(self, name: str, *, default: bool = False) -> bool:
        """A parameter that is yes or no."""
        return bool(self.params.get(name, default))

    def is_stale(self, as_of: dt.date) -> bool:
        """Whether nobody has looked at the sources for more than 90 days."""
        return self.checked_on is not None and as_of - self.checked_on > STALE_AFTER

    def cite(self, as_of: dt.date) -> str:
        """The best source in one line: title, date, how it was read, when that was too long ago."""
        cited = self._cite_best()
        if self.checked_on is None:
            return f"{cited}; not verified"
        if not self.is_stale(as_of):
            return f"{cited}; checked {self.checked_on}"
        days = (as_of - self.checked_on).days
        return f"{cited}; last checked {self.checked_on}, {days} days ago: may have changed"

    def _cite_best(self) -> str:
        best = max(
            (source for source in self.sources if source.how == self.how),
            key=lambda source: source.date or dt.date.min,
        )
        date = f"{best.date}, " if best.date else ""
        more = f" and {len(self.sources) - 1} more" if len(self.sources) > 1 else ""
        return f"{best.title} ({date}{best.how}){more}"

    @property
    def content(self) -> dict[str, Any]:
        """What the rule demands, without where it was read: equal content asks for equal text."""
        return {
            "id": self.id,
            "field": self.field,
            "kind": self.kind,
            "level": self.level.value,
            "checkable": self.checkable,
            "limit": self.limit,
            "minimum": self.minimum,
            "unit": self.unit,
            "per": self.per,
            "params": self.params,
        }


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RuleSet:
    """The rules in force for one channel, store and category class on one day.

    ``muted`` are rules that would be in force, had the seller not overridden them. ``digest`` names
    what is demanded and what is muted: it stays the same when only a source or a date of checking
    changes. Two sets are equal when they demand the same on the same day.
    """

    channel: str
    store: str
    category: str
    as_of: dt.date
    rules: tuple[Rule, ...]
    muted: tuple[Rule, ...] = ()
    digest: str = spec(init=False)

    def __post_init__(self) -> None:
        """Compute the digest once; a set is asked for it for every job."""
        content: list[object] = [self.channel, [rule.content for rule in self.rules]]
        if self.muted:
            content.append([rule.id for rule in self.muted])
        object.__setattr__(self, "digest", hash_text(canonical_json(content)))

    def __eq__(self, other: object) -> bool:
        """Same demands, same day."""
        return isinstance(other, RuleSet) and self._identity == other._identity

    def __hash__(self) -> int:
        """Consistent with equality."""
        return hash(self._identity)

    @property
    def _identity(self) -> tuple[str, str, str, dt.date]:
        return (self.digest, self.store, self.category, self.as_of)

    def without(self, rule_ids: Collection[str]) -> RuleSet:
        """The same with these rules muted; unknown ids, and those that may not be, do nothing."""
        gone = tuple(rule for rule in self.rules if rule.id in rule_ids and rule.can_be_muted)
        if not gone:
            return self
        kept = tuple(rule for rule in self.rules if rule not in gone)
        return replace(self, rules=kept, muted=(*self.muted, *gone))

    def for_field(self, name: str) -> tuple[Rule, ...]:
        """The rules of one field in order, those for every text ("*") not among them."""
        return tuple(rule for rule in self.rules if rule.field == name)

    def find_rule(self, rule_id: str) -> Rule | None:
        """The rule with this id, None when it is not in force here."""
        return next((rule for rule in self.rules if rule.id == rule_id), None)

    def max_length(self, name: str) -> int | None:
        """The tightest hard limit of a text field in code points."""
        return _tightest(self._limits(name, units=("chars",), per=""))

    def max_bytes(self, name: str) -> int | None:
        """The tightest hard limit of a text field in UTF-8 bytes."""
        return _tightest(self._limits(name, units=("bytes",), per=""))

    def max_items(self, name: str) -> int | None:
        """The tightest hard limit on the number of items of a list field."""
        return _tightest(self._limits(name, units=("items",), per=""))

    def max_item_length(self, name: str) -> int | None:
        """The tightest hard limit of each item of a list field in code points."""
        return _tightest(self._limits(name, units=("chars",), per="item"))

    def _limits(self, name: str, *, units: tuple[str, ...], per: str) -> Iterator[int]:
        for rule in self.for_field(name):
            binding = rule.kind in _LIMIT_KINDS and rule.level is Level.HARD
            if binding and rule.limit is not None and rule.unit in units and rule.per == per:
                yield rule.limit


_KINDS_OF_WORDS = frozenset(
    {
        "forbidden",
        "forbidden_pattern",
        "forbidden_phrases",
        "forbidden_regex",
        "forbidden_topic",
        "forbidden_words",
        "context_chars",
        "language",
        "max_word_repeat",
        "no_all_caps",
        "no_gimmicky_caps",
        "no_keyword_repeat",
    }
)

_LIMIT_KINDS = frozenset({"max_length", "length_range", "max_count", "count_range"})


def _tightest(limits: Iterator[int]) -> int | None:
    return min(limits, default=None)
