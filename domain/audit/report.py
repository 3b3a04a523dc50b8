"""The audit: what the products of a file break, channel by channel, and what that comes to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from domain.audit.packs import Pack, PackBook, Symptom, find_row_remedy
from domain.audit.scope import Scope
from domain.files.source import FileShape, RowProblem, SourceProduct, excerpt
from domain.findings import Finding, Level
from domain.listing import Listing
from domain.marketplaces.attributes import list_attribute_names
from domain.marketplaces.checker import check_listing, check_muted, list_unchecked
from domain.marketplaces.rulebook import Rulebook, RuleSet, load_rulebook
from domain.money import find_currency, find_value

ROW_RULE: Final = "file."
"""What the rule ids of row problems begin with; the code of the problem follows."""

_EXCERPT_CHARS: Final = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFinding:
    """One breach in a file.

    ``line`` is the physical line, from 1, of the product's first row (of the row itself for a row
    problem); ``field`` our canonical name, ``column`` the file's header, "" where there is none.
    """

    channel: str
    line: int
    product: str
    field: str
    column: str
    rule: str
    level: Level
    message: str
    remedy: str
    source: str

    def to_json(self) -> dict[str, Any]:
        """Plain values; the keys are part of the command's interface."""
        return {
            "channel": self.channel,
            "line": self.line,
            "product": self.product,
            "field": self.field,
            "column": self.column,
            "rule": self.rule,
            "level": self.level.value,
            "message": self.message,
            "remedy": self.remedy,
            "source": self.source,
        }


FINDING_KEYS: Final = tuple(AuditFinding.__dataclass_fields__)


@dataclass(slots=True, kw_only=True)
class Audit:
    """One pass over a file's products; memory does not grow with their number.

    ``named`` says that the seller named the file's format.
    """

    shape: FileShape
    scope: Scope
    named: bool = False
    rows: int = 0
    products: int = 0
    unchecked: int = 0
    valued: bool = False
    levels: Counter[Level] = field(default_factory=Counter)
    by_rule: Counter[str] = field(default_factory=Counter)
    muted: Counter[str] = field(default_factory=Counter)
    _packs: PackBook = field(default_factory=PackBook)
    _book: Rulebook = field(default_factory=load_rulebook)
    _columns: dict[str, str] = field(default_factory=dict)

    def iter_findings(self, products: Iterable[SourceProduct]) -> Iterator[AuditFinding]:
        """The findings of each product in turn; all channels see a product before the next one."""
        for product in products:
            yield from self.check(product)

    def check(self, product: SourceProduct) -> list[AuditFinding]:
        """What one product breaks; one whose row is broken is not held against the rules."""
        self.rows += len(product.row_nos)
        self.products += 1
        found: list[AuditFinding] = []
        symptoms: list[Symptom] = []
        for problem in product.problems:
            found.append(self._report_row(problem, product.key))
            symptoms.append(self._describe_row(problem))
        if product.usable:
            for channel in self.scope.channels:
                self._check_channel(channel, product, found, symptoms)
        else:
            self.unchecked += 1
        if found:
            self._count(found, symptoms, product)
        return found

    def _check_channel(
        self,
        channel: str,
        product: SourceProduct,
        found: list[AuditFinding],
        symptoms: list[Symptom],
    ) -> None:
        rules = self._select(channel, product.listing)
        for finding in check_listing(product.listing, rules):
            found.append(self._report(finding, channel, product))
            symptoms.append(_describe(finding, rules, product.listing))
        for finding in check_muted(product.listing, rules):
            self.muted[finding.rule] += 1

    def _select(self, channel: str, listing: Listing) -> RuleSet:
        return self._book.select(
            channel,
            as_of=self.scope.as_of,
            store=self.scope.store,
            category=self.scope.category or listing.category,
            mutes=self.scope.mutes,
        )

    def _report(self, finding: Finding, channel: str, product: SourceProduct) -> AuditFinding:
        return AuditFinding(
            channel=channel,
            line=product.line,
            product=product.key,
            field=finding.field,
            column=self._find_column(finding.field),
            rule=finding.rule,
            level=finding.level,
            message=finding.message,
            remedy=finding.remedy,
            source=finding.source,
        )

    def _report_row(self, problem: RowProblem, key: str) -> AuditFinding:
        return AuditFinding(
            channel=self.scope.channel,
            line=problem.line,
            product=key,
            field=self._find_field(problem.column),
            column=problem.column,
            rule=f"{ROW_RULE}{problem.code}",
            level=_level_of(problem),
            message=problem.message,
            remedy=find_row_remedy(problem.code),
            source="the file itself",
        )

    def _describe_row(self, problem: RowProblem) -> Symptom:
        return Symptom(
            level=_level_of(problem),
            kind="file",
            field="",
            channel=self.scope.channel,
            consequence="",
            excerpt=excerpt(problem.value or problem.message, length=_EXCERPT_CHARS),
        )

    def _find_column(self, name: str) -> str:
        """The file's header of a text field or of the attribute that a rule looks at."""
        if name not in self._columns:
            columns = (self.shape.column_name(one) for one in list_attribute_names(name))
            headers = (one for one in list_attribute_names(name) if one in self.shape.header)
            self._columns[name] = next(filter(None, columns), "") or next(headers, "")
        return self._columns[name]

    def _find_field(self, column: str) -> str:
        if column not in self.shape.header:
            return ""
        index = self.shape.header.index(column)
        return next((name for name, at in self.shape.mapping.items() if index in at), "")

    def _count(
        self, found: Sequence[AuditFinding], symptoms: Sequence[Symptom], product: SourceProduct
    ) -> None:
        attributes = product.listing.attributes
        value = find_value(attributes.get("price", ""), attributes.get("quantity", ""))
        self.valued = self.valued or value is not None
        for one in found:
            self.levels[one.level] += 1
            self.by_rule[one.rule] += 1
        self._packs.add(
            symptoms,
            line=product.line,
            product=product.key,
            value_minor=value,
            currency=find_currency(attributes),
        )

    def build_packs(self) -> tuple[Pack, ...]:
        """The fix packs, worst first."""
        return self._packs.build_packs()

    def build_counts(self) -> dict[str, Any]:
        """How many findings there are by level and by rule, the commonest rule first."""
        return {
            "hard": self.levels[Level.HARD],
            "advice": self.levels[Level.ADVICE],
            "by_rule": dict(self.by_rule.most_common()),
        }

    def build_muted(self) -> list[dict[str, Any]]:
        """Each rule that the seller overrides, with their reason and what it would have found."""
        return [
            {"rule": rule, "reason": reason, "findings": self.muted[rule]}
            for rule, reason in self.scope.mutes.items()
        ]

    def build_notes(self) -> tuple[str, ...]:
        """What the seller should know beside the findings."""
        return (*self.shape.notes, *self._iter_notes())

    def _iter_notes(self) -> Iterator[str]:
        if self.unchecked:
            yield (
                f"{self.unchecked} of {self.products} products were not checked against the rules:"
                " problems in their rows make the columns doubtful."
            )
        if self.valued and not self.shape.has_field("quantity"):
            yield "The file has no stock column: value at stake counts one piece of each product."
        if len(self._packs.currencies) > 1:
            named = ", ".join(name or "not named" for name in self._packs.currencies)
            yield (
                f"The file's prices are in several currencies ({named}): value at stake is told for"
                " each, and the number of listings decides which pack comes first."
            )
        for channel in self.scope.channels:
            rules = self._book.select(
                channel,
                as_of=self.scope.as_of,
                store=self.scope.store,
                category=self.scope.category,
                mutes=self.scope.mutes,
            )
            for note in list_unchecked(rules, self.shape.mapping):
                yield f"{channel}: {note}" if len(self.scope.channels) > 1 else note
            yield from _note_unreadable(rules)


def _level_of(problem: RowProblem) -> Level:
    return Level.HARD if problem.blocking else Level.ADVICE


def _note_unreadable(rules: RuleSet) -> Iterator[str]:
    """How many rules neither this file nor any program can decide."""
    count = sum(rule.checkable != "yes" for rule in rules.rules)
    if count:
        subject = "1 further rule needs" if count == 1 else f"{count} further rules need"
        yield (
            f"{rules.channel}: {subject} the pictures, the account or your own eye; docs/rules.md"
            " lists all."
        )


def _describe(finding: Finding, rules: RuleSet, listing: Listing) -> Symptom:
    rule = rules.find_rule(finding.rule)
    return Symptom(
        level=finding.level,
        kind=rule.kind if rule else "",
        field=finding.field,
        channel=rules.channel,
        consequence=rule.consequence if rule else "",
        excerpt=_cut_out(_find_text(finding, listing), finding.excerpt),
    )


def _cut_out(text: str, part: str) -> str:
    """The text around the offending part, short enough for a line."""
    at = max(0, text.find(part))
    start = 0 if at + len(part) <= _EXCERPT_CHARS else max(0, at - _EXCERPT_CHARS // 4)
    shown = " ".join(text[start : start + 2 * _EXCERPT_CHARS].split()) or part
    return ("…" if start else "") + excerpt(shown, length=_EXCERPT_CHARS)


def _find_text(finding: Finding, listing: Listing) -> str:
    """The text or item that the finding is about."""
    value = listing.fields.get(finding.field, "")
    if finding.item is not None and not isinstance(value, str):
        return value[finding.item]
    return listing.text(finding.field)
