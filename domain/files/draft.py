"""Builds one product out of the rows that belong to it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from domain.files.cells import looks_like_html, read_field
from domain.files.columns import Layout
from domain.files.profile import normalize_header, option_aliases
from domain.files.reader import Row
from domain.files.source import RowProblem
from domain.files.structured import read_structured_field
from domain.listing import Listing, TextValue

_FIRST_ONLY = frozenset(
    {"price", "quantity", "image_url", "image_alt", "sale_price", "compare_at_price"}
)
"""Attributes of which a product shows the first; all of its rows' stand under the file's header."""
_MAX_VALUES = 500
"""Distinct values kept per column of one product: a bound on memory, above any shop's variants."""
_MAX_ATTRIBUTE_CHARS = 4000
"""Kept of an attribute: more than any specification has, less than lists of pictures in JSON."""
_ATTRIBUTE_END = re.compile(r"[\s,;|]")
_DEFAULT_OPTION = "Default Title"
"""What Shopify writes for a product without variants."""
_GUESSED_HTML = ("description", "short_description")


@dataclass(slots=True, kw_only=True)
class Draft:
    """The rows of one product as far as they are read.

    ``more`` holds, per column index, the distinct values of the rows after the first.
    """

    layout: Layout
    header: Sequence[str]
    first: Row
    row_nos: list[int] = field(default_factory=list)
    more: dict[int, dict[str, int]] = field(default_factory=dict)
    problems: list[RowProblem] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Count the first row."""
        self.row_nos.append(self.first.row_no)
        self.problems.extend(self.first.problems)

    def add(self, row: Row) -> None:
        """Take in a further row; of its texts only what it says about variants."""
        self.row_nos.append(row.row_no)
        self.problems.extend(row.problems)
        for index, value in enumerate(row.values):
            if value and not value.isspace():
                known = self.more.setdefault(index, {})
                if len(known) < _MAX_VALUES:
                    known[value.strip()] = known.get(value.strip(), 0) + 1

    def merge(self, other: Draft) -> None:
        """Take in all rows of another draft, its first one included."""
        self.add(other.first)
        self.row_nos.extend(other.row_nos[1:])
        self.row_nos.sort()
        for index, values in other.more.items():
            known = self.more.setdefault(index, {})
            for value, count in values.items():
                known[value] = known.get(value, 0) + count

    def build_listing(self, key: str) -> Listing:
        """The listing that the rows make up."""
        fields = dict(self._iter_fields())
        return Listing(
            key=key,
            fields=fields,
            attributes=self._build_attributes(),
            html_fields=frozenset(self._iter_html(fields)),
        )

    def _iter_fields(self) -> Iterator[tuple[str, TextValue]]:
        values = self.first.values
        for name, indexes in self.layout.texts:
            if name in self.layout.structured:
                yield name, read_structured_field(values, indexes[0], self.layout.structured[name])
                continue
            cells = [values[index] for index in indexes if index < len(values)]
            if cells:
                yield name, read_field(name, cells, self.layout.profile)

    def _iter_html(self, fields: dict[str, TextValue]) -> Iterator[str]:
        profile = self.layout.profile
        yield from (name for name in profile.html_fields if name in fields)
        if profile.guess_html:
            for name in _GUESSED_HTML:
                text = fields.get(name, "")
                if isinstance(text, str) and looks_like_html(text):
                    yield name

    def _build_attributes(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for name, index in self.layout.attributes:
            values = self._values(index)
            if not values:
                continue
            if name in _FIRST_ONLY and name not in found:
                found[name] = self._first_of(name, index, values)
                if len(values) > 1:
                    found[self.header[index]] = ", ".join(values)
            else:
                found[self.header[index] if name in found else name] = ", ".join(values)
        for name, values in self._read_options().items():
            known = found[name].split(", ") if name in found else []
            found[name] = ", ".join(dict.fromkeys((*known, *values)))
        cut = ((name, _cut_attribute(value)) for name, value in found.items())
        return {name: value for name, value in cut if value}

    def _values(self, index: int) -> list[str]:
        """Distinct values of a column over the product's rows, in file order."""
        values = self.first.values
        own = values[index].strip() if index < len(values) else ""
        if index not in self.more:
            return [own] if own else []
        distinct = dict.fromkeys((own, *self.more.get(index, ())))
        distinct.pop("", None)
        return list(distinct)

    def _first_of(self, name: str, index: int, values: list[str]) -> str:
        """The first value; of a quantity the sum over the variants, where all are whole numbers."""
        more = self.more.get(index, {})
        if name != "quantity" or not more:
            return values[0]
        own = self.first.values[index].strip() if index < len(self.first.values) else ""
        counted = [*([(own, 1)] if own else []), *more.items()]
        if not all(value.lstrip("-").isdecimal() for value, _ in counted):
            return values[0]
        return str(sum(int(value) * count for value, count in counted))

    def _read_options(self) -> dict[str, list[str]]:
        options: dict[str, list[str]] = {}
        for place in self.layout.options:
            values = self._values(place.value)
            if place.name < 0:
                pairs = list(_iter_pairs(values))
            else:
                names = self._values(place.name)
                pairs = [(names[0], value) for value in self._split_options(values) if names]
            for name, value in pairs:
                canonical = option_aliases().get(normalize_header(name[:200]), name)
                if value != _DEFAULT_OPTION and value not in options.setdefault(canonical, []):
                    options[canonical].append(value)
        return {name: values for name, values in options.items() if values}

    def _split_options(self, values: Iterable[str]) -> Iterator[str]:
        separators = self.layout.profile.option_separators
        for value in values:
            parts = value.split(separators[0]) if separators else [value]
            yield from (part.strip() for part in parts if part.strip())


def _cut_attribute(value: str) -> str:
    """A long attribute up to its last whole word: half a number would be false evidence."""
    if len(value) <= _MAX_ATTRIBUTE_CHARS:
        return value
    ends = [found.start() for found in _ATTRIBUTE_END.finditer(value[: _MAX_ATTRIBUTE_CHARS + 1])]
    return value[: ends[-1]].rstrip(" ,;|") if ends else ""


def _iter_pairs(values: Iterable[str]) -> Iterator[tuple[str, str]]:
    """(name, value) of every ``Color=Red;Blue|Size=M``."""
    for pair in "|".join(values).split("|"):
        name, _, choices = pair.partition("=")
        yield from ((name.strip(), item.strip()) for item in choices.split(";") if item.strip())
