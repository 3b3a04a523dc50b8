"""Fix packs: an audit's findings put together into the few pieces of work they come to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml

from domain.findings import Level

MAX_PACKS: Final = 10
MAX_EXAMPLES: Final = 5
_NAMED_FIELDS: Final = 3
_OTHER: Final = "other"
_FILE: Final = Path(__file__).with_name("packs.yaml")


class Example(NamedTuple):
    """One place where a pack's findings stand; ``line`` is physical, from 1."""

    line: int
    product: str
    excerpt: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Symptom:
    """What a pack needs to know of a finding; ``consequence`` is the rule's own, "" for none."""

    level: Level
    kind: str
    field: str
    channel: str
    consequence: str
    excerpt: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pack:
    """Findings that are mended together.

    ``listings`` counts products, each once; ``value_minor`` is their price times quantity in
    hundredths of the file's currency, None where no price is known or currencies are mixed.
    ``values_minor`` has the same by currency ("" where the file names none).
    """

    id: str
    title: str
    level: Level
    channels: tuple[str, ...]
    listings: int
    findings: int
    consequence: str
    value_minor: int | None
    values_minor: Mapping[str, int]
    examples: tuple[Example, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain values, in the order in which people read them."""
        return {
            "id": self.id,
            "title": self.title,
            "level": self.level.value,
            "channels": list(self.channels),
            "listings": self.listings,
            "findings": self.findings,
            "consequence": self.consequence,
            "value_minor": self.value_minor,
            "values_minor": dict(self.values_minor),
            "examples": [example._asdict() for example in self.examples],
        }


class _Key(NamedTuple):
    level: Level
    theme: str
    field: str


@dataclass(slots=True)
class _Group:
    """Findings of one level, theme and field as they are counted."""

    bit: int
    findings: int = 0
    channels: dict[str, None] = field(default_factory=dict)
    consequences: Counter[str] = field(default_factory=Counter)
    examples: list[Example] = field(default_factory=list)


@dataclass(slots=True)
class _Tally:
    """Products that have findings in exactly the same groups."""

    listings: int = 0
    values_minor: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True, kw_only=True)
class _Draft:
    """A pack to be: one or more groups of one level, mostly of one theme."""

    keys: list[_Key]
    groups: list[_Group]

    @property
    def mask(self) -> int:
        """The bits of all its groups."""
        return sum(group.bit for group in self.groups)


class PackBook:
    """Collects findings product by product; memory does not grow with their number.

    Products are counted by the combination of groups they have findings in, so that packs can be
    merged at the end and still count each product once.
    """

    def __init__(self) -> None:
        self._groups: dict[_Key, _Group] = {}
        self._tallies: dict[int, _Tally] = {}
        self._currencies: dict[str, None] = {}

    @property
    def currencies(self) -> tuple[str, ...]:
        """Those of the products counted so far, by name; "" for prices without one."""
        return tuple(sorted(self._currencies))

    def add(
        self,
        symptoms: Sequence[Symptom],
        *,
        line: int,
        product: str,
        value_minor: int | None,
        currency: str = "",
    ) -> None:
        """Count all findings of one product."""
        mask = 0
        for symptom in symptoms:
            group = self._find_group(symptom)
            group.findings += 1
            group.channels[symptom.channel] = None
            if symptom.consequence:
                group.consequences[symptom.consequence] += 1
            if not mask & group.bit and len(group.examples) < MAX_EXAMPLES:
                group.examples.append(Example(line, product, symptom.excerpt))
            mask |= group.bit
        if mask:
            tally = self._tallies.setdefault(mask, _Tally())
            tally.listings += 1
            if value_minor is not None:
                self._currencies[currency] = None
                tally.values_minor[currency] += value_minor

    def _find_group(self, symptom: Symptom) -> _Group:
        theme = find_theme(symptom.kind)
        key = _Key(symptom.level, theme, "" if theme == "file" else symptom.field)
        found = self._groups.get(key)
        if found is None:
            found = self._groups[key] = _Group(bit=1 << len(self._groups))
        return found

    def build_packs(self, *, limit: int = MAX_PACKS) -> tuple[Pack, ...]:
        """The packs, worst first: hard before advice, then value at stake, then listings.

        Sums of several currencies say nothing about each other, so with those only listings count.
        Above ``limit`` the least are merged: into the next of the same theme, else with each other.
        """
        drafts = [_Draft(keys=[key], groups=[group]) for key, group in self._groups.items()]
        drafts.sort(key=self._rank)
        rest: list[_Draft] = []
        while len(drafts) + bool(rest) > limit:
            least = drafts.pop()
            partner = _find_partner(least, drafts)
            if partner is None:
                rest.append(least)
            else:
                partner.keys += least.keys
                partner.groups += least.groups
        packs = [self._build(draft) for draft in sorted(drafts, key=self._rank)]
        return (*packs, *([self._build(_join(rest))] if rest else []))

    def _count(self, mask: int) -> _Tally:
        total = _Tally()
        for own, tally in self._tallies.items():
            if own & mask:
                total.listings += tally.listings
                total.values_minor.update(tally.values_minor)
        return total

    def _rank(self, draft: _Draft) -> tuple[bool, int, int, _Key]:
        total = self._count(draft.mask)
        first = draft.keys[0]
        value = total.values_minor.total() if len(self._currencies) == 1 else 0
        return (first.level is not Level.HARD, -value, -total.listings, first)

    def _build(self, draft: _Draft) -> Pack:
        total = self._count(draft.mask)
        theme = _find_common_theme(draft.keys)
        level = min((key.level for key in draft.keys), key=list(Level).index)
        names = list(dict.fromkeys(key.field for key in draft.keys))
        values = dict(sorted(total.values_minor.items()))
        examples = sorted(example for group in draft.groups for example in group.examples)
        return Pack(
            id=_name(level, theme, names[0]),
            title=_write_title(theme, names),
            level=level,
            channels=tuple(dict.fromkeys(name for g in draft.groups for name in g.channels)),
            listings=total.listings,
            findings=sum(group.findings for group in draft.groups),
            consequence=_find_consequence(draft.groups, theme, level),
            value_minor=next(iter(values.values())) if len(values) == 1 else None,
            values_minor=values,
            examples=_list_examples(examples),
        )


def _find_partner(least: _Draft, drafts: Sequence[_Draft]) -> _Draft | None:
    wanted = (least.keys[0].level, least.keys[0].theme)
    return next(
        (one for one in reversed(drafts) if (one.keys[0].level, one.keys[0].theme) == wanted), None
    )


def _join(drafts: Sequence[_Draft]) -> _Draft:
    return _Draft(
        keys=[key for draft in drafts for key in draft.keys],
        groups=[group for draft in drafts for group in draft.groups],
    )


def _find_common_theme(keys: Sequence[_Key]) -> str:
    return keys[0].theme if len({key.theme for key in keys}) == 1 else _OTHER


def _name(level: Level, theme: str, first_field: str) -> str:
    """The same pack has the same id in every audit; merged ones are named by their first field."""
    parts = (level.value, theme, "" if theme == _OTHER else first_field)
    return ".".join(part for part in parts if part)


def _list_examples(examples: Sequence[Example]) -> tuple[Example, ...]:
    """The first ones in the file, one for each product."""
    by_product: dict[tuple[int, str], Example] = {}
    for example in examples:
        by_product.setdefault((example.line, example.product), example)
    return tuple(by_product.values())[:MAX_EXAMPLES]


def _find_consequence(groups: Sequence[_Group], theme: str, level: Level) -> str:
    """What the rules behind most of the findings say, else what the theme says."""
    said: Counter[str] = sum((group.consequences for group in groups), Counter())
    text, count = said.most_common(1)[0] if said else ("", 0)
    if theme != _OTHER and 2 * count > sum(group.findings for group in groups):
        return f"{text[:1].upper()}{text[1:].rstrip('.')}."
    texts = _load()["themes"][theme]
    return str(texts.get(level.value) or _load()["default"][level.value])


def _write_title(theme: str, names: Collection[str]) -> str:
    nouns = list(dict.fromkeys(_load()["fields"].get(name, name) for name in names if name))
    shown = nouns[:_NAMED_FIELDS]
    if len(nouns) > len(shown):
        shown.append(f"{len(nouns) - len(shown)} more")
    text = " and ".join(part for part in (", ".join(shown[:-1]), *shown[-1:]) if part)
    title: str = _load()["themes"][theme]["title"]
    return title.format(fields=text, Fields=f"{text[:1].upper()}{text[1:]}")


@cache
def find_theme(kind: str) -> str:
    """The theme of a kind of rule, "other" for one that no theme names."""
    themes: Mapping[str, Any] = _load()["themes"]
    return next((name for name, theme in themes.items() if kind in theme["kinds"]), _OTHER)


def find_row_remedy(code: str) -> str:
    """What to do about a row problem."""
    remedies: Mapping[str, str] = _load()["row_remedies"]
    return remedies.get(code, remedies["default"])


@cache
def _load() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    return content
