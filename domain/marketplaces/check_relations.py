"""Rules about how texts relate: items to each other, fields to fields, codes to their digits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from domain.listing import Listing
from domain.marketplaces.rule import Rule
from domain.marketplaces.subject import Breach, Check, Passage, Subject, each_passage

_TAG_LIKE = (
    "product_type", "color", "colour", "material", "size", "gender", "style", "pattern", "occasion",
)  # fmt: skip


def build_unique_items(_rule: Rule) -> Check:
    """No item twice, whatever its case and spacing."""

    def run(subject: Subject) -> Iterator[Breach]:
        seen: set[str] = set()
        for passage in subject.passages:
            folded = _fold(passage.text)
            if folded in seen:
                text = passage.text.strip()
                yield Breach(values={"found": text}, item=passage.item, excerpt=text)
            seen.add(folded)

    return run


def build_no_overlap_with(_rule: Rule) -> Check:
    """No item that only says what the category or an attribute says already."""

    def run(subject: Subject) -> Iterator[Breach]:
        said = _list_said(subject.listing)
        for passage in subject.passages:
            if _fold(passage.text) in said:
                text = passage.text.strip()
                yield Breach(values={"found": text}, item=passage.item, excerpt=text)

    return run


def _list_said(listing: Listing) -> frozenset[str]:
    attributes = listing.attributes
    values = [attributes.get(name, "") for name in _TAG_LIKE]
    levels = attributes.get("category", "").split(">")
    return frozenset(folded for value in (*values, *levels) if (folded := _fold(value)))


def build_not_starting_with_field(rule: Rule) -> Check:
    """The text does not begin by repeating the field ``other``."""
    other = rule.text("other")

    def run(subject: Subject) -> Iterator[Breach]:
        repeated = _fold(subject.listing.text(other))
        for passage in subject.passages:
            if repeated and _fold(passage.plain).startswith(repeated):
                yield Breach(values={"other": other}, excerpt=subject.listing.text(other))

    return run


def build_one_of(rule: Rule) -> Check:
    """At least one of the ``options`` (each a list of attributes) is filled in."""
    options = [tuple(option) for option in rule.params["options"]]
    wanted = " or ".join(" with ".join(option) for option in options)

    def run(subject: Subject) -> Iterator[Breach]:
        attributes = subject.listing.attributes
        if not any(all(attributes.get(name, "").strip() for name in names) for names in options):
            yield Breach(values={"wanted": wanted})

    return run


def build_gtin(rule: Rule) -> Check:
    """A GTIN of one of the known lengths whose check digit is right (GS1: weights 3 and 1)."""
    lengths = tuple(rule.params["digits"])
    shown = ", ".join(str(length) for length in lengths)

    def check(passage: Passage) -> Iterator[Breach]:
        code = passage.text.strip().lstrip("'").replace(" ", "").replace("-", "")
        if not (code.isascii() and code.isdigit()):
            yield Breach(code="digits", excerpt=passage.text)
        elif len(code) not in lengths:
            yield Breach(code="length", values={"n": len(code), "lengths": shown}, excerpt=code)
        elif _check_digit(code[:-1]) != int(code[-1]):
            values = {"found": code[-1], "right": _check_digit(code[:-1])}
            yield Breach(code="check_digit", values=values, excerpt=code)

    return each_passage(check)


def _check_digit(body: str) -> int:
    weighted = sum(
        int(digit) * (3 if index % 2 == 0 else 1) for index, digit in enumerate(body[::-1])
    )
    return -weighted % 10


def _fold(text: str) -> str:
    return " ".join(text.casefold().split())


KINDS: Mapping[str, Callable[[Rule], Check]] = {
    "unique_items": build_unique_items,
    "no_overlap_with": build_no_overlap_with,
    "not_starting_with_field": build_not_starting_with_field,
    "one_of": build_one_of,
    "gtin": build_gtin,
}
