"""Fix packs: few, worst first, each product counted once."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.audit.packs import MAX_PACKS, Pack, PackBook, Symptom, find_row_remedy, find_theme
from domain.findings import Level
from domain.marketplaces.kinds import KINDS
from domain.marketplaces.rulebook import load_rulebook

HARD, ADVICE = Level.HARD, Level.ADVICE


def symptom(
    kind: str = "max_length",
    *,
    level: Level = HARD,
    field: str = "title",
    channel: str = "ebay",
    consequence: str = "",
    excerpt: str = "x",
) -> Symptom:
    return Symptom(
        level=level,
        kind=kind,
        field=field,
        channel=channel,
        consequence=consequence,
        excerpt=excerpt,
    )


def packs_of(
    products: Iterable[tuple[int | None, list[Symptom]]], *, limit: int = MAX_PACKS
) -> tuple[Pack, ...]:
    """The packs of products given as (value, symptoms), one a line from line 2 on."""
    book = PackBook()
    for line, (value, symptoms) in enumerate(products, start=2):
        book.add(symptoms, line=line, product=f"p{line}", value_minor=value)
    return book.build_packs(limit=limit)


def test_every_kind_of_rule_has_a_theme():
    assert not [kind for kind in KINDS if find_theme(kind) == "other"]


def test_every_field_of_a_rule_has_a_plural_or_reads_well_as_it_is():
    rules = load_rulebook().rules_by_channel
    fields = {one.field for found in rules.values() for one in found if one.checkable == "yes"}
    titles = [packs_of([(1, [symptom(field=name)])])[0].title for name in fields - {"*"}]
    assert not [title for title in titles if "_" in title]


def test_a_pack_says_what_how_many_and_what_it_costs():
    [pack] = packs_of([(1000, [symptom(), symptom()]), (500, [symptom()]), (None, [symptom()])])
    assert (pack.id, pack.level, pack.channels) == ("hard.length.title", HARD, ("ebay",))
    assert pack.title == "Titles too long or too short"
    assert (pack.listings, pack.findings, pack.value_minor) == (3, 4, 1500)
    assert [one.line for one in pack.examples] == [2, 3, 4]


def test_hard_goes_before_advice_then_value_then_count():
    packs = packs_of(
        [
            (9_000, [symptom(level=ADVICE)]),
            (10, [symptom("html_policy"), symptom("gtin", field="gtin")]),
            (20, [symptom("html_policy")]),
            (0, [symptom("style", level=ADVICE), symptom("required", level=ADVICE)]),
            (0, [symptom("style", level=ADVICE)]),
        ]
    )
    assert [pack.id for pack in packs] == [
        "hard.markup.title",
        "hard.codes.gtin",
        "advice.length.title",
        "advice.style.title",
        "advice.missing.title",
    ]


def test_without_prices_there_is_no_value():
    [pack] = packs_of([(None, [symptom()])])
    assert pack.value_minor is None
    assert pack.to_json()["value_minor"] is None


def test_five_examples_at_most_and_one_for_each_product():
    [pack] = packs_of([(1, [symptom(excerpt="first"), symptom(excerpt="second")])] * 9)
    assert len(pack.examples) == 5
    assert {one.excerpt for one in pack.examples} == {"first"}


def test_a_rule_s_own_consequence_is_told_where_it_stands_behind_most_findings():
    own = symptom(consequence="cut on mobile")
    [most] = packs_of([(1, [own]), (1, [own]), (1, [symptom()])])
    [few] = packs_of([(1, [own]), (1, [symptom()]), (1, [symptom()])])
    assert most.consequence == "Cut on mobile."
    assert few.consequence.startswith("The marketplace refuses")


def test_the_same_theme_is_merged_before_strangers_are():
    fields = ("title", "tags", "bullets", "description")
    packs = packs_of([(10 - n, [symptom(field=name)]) for n, name in enumerate(fields)], limit=2)
    assert [pack.id for pack in packs] == ["hard.length.tags", "hard.length.title"]
    assert packs[0].title == "Tags, bullet points and descriptions too long or too short"
    assert (packs[0].listings, packs[0].findings, packs[0].value_minor) == (3, 3, 24)


def test_what_does_not_fit_is_told_together_at_the_end():
    kinds = ["max_length", "html_policy", "gtin", "style"]
    packs = packs_of([(10 - n, [symptom(kind)]) for n, kind in enumerate(kinds)], limit=3)
    assert [pack.id for pack in packs] == ["hard.length.title", "hard.markup.title", "hard.other"]
    assert packs[-1].listings == 2


def test_row_problems_are_one_pack_whatever_the_column():
    [pack] = packs_of([(1, [symptom("file")]), (2, [symptom("file", field="sku")])])
    assert (pack.id, pack.listings) == ("hard.file", 2)


def test_every_row_problem_has_a_remedy():
    assert find_row_remedy("too_many_cells") != find_row_remedy("whatever")


SYMPTOMS = st.builds(
    symptom,
    st.sampled_from(sorted([*KINDS, "file"])),
    level=st.sampled_from(Level),
    field=st.sampled_from(["title", "tags", "description", "brand"]),
)


@settings(deadline=None, max_examples=60)
@given(
    products=st.lists(
        st.tuples(st.none() | st.integers(0, 10**9), st.lists(SYMPTOMS, max_size=6)), max_size=30
    ),
    limit=st.integers(1, 12),
)
def test_nothing_is_lost_or_counted_twice(products, limit):
    packs = packs_of(products, limit=limit)
    assert len(packs) <= limit
    assert sum(pack.findings for pack in packs) == sum(len(found) for _, found in products)
    with_findings = sum(bool(found) for _, found in products)
    assert all(0 < pack.listings <= with_findings for pack in packs)
    assert len({pack.id for pack in packs}) == len(packs)


@pytest.mark.parametrize("kind", ["max_length", "html_policy"])
def test_a_merged_pack_counts_a_product_once(kind):
    both = [symptom("max_length"), symptom(kind, field="tags")]
    [pack] = packs_of([(100, both)] * 4, limit=1)
    assert (pack.listings, pack.findings, pack.value_minor) == (4, 8, 400)


def test_currencies_are_never_added_nor_compared():
    book = PackBook()
    short, long = symptom(field="title"), symptom(field="description")
    sold = [(short, 1_000_000, "IDR"), (long, 900, "SGD"), (long, 100, "MYR"), (long, 50, "SGD")]
    for line, (one, value, currency) in enumerate(sold):
        book.add([one], line=line, product="p", value_minor=value, currency=currency)
    first, second = book.build_packs()
    assert (first.listings, first.value_minor) == (3, None)
    assert first.to_json()["values_minor"] == {"MYR": 100, "SGD": 950}
    assert (second.value_minor, second.values_minor) == (1_000_000, {"IDR": 1_000_000})
    assert book.currencies == ("IDR", "MYR", "SGD")
