"""The audit of a file: every finding in its place, each channel in one pass."""

from __future__ import annotations

import datetime as dt

import pytest

from core.errors import InvalidFieldError
from domain.audit.report import FINDING_KEYS, Audit, AuditFinding
from domain.audit.scope import build_scope, parse_day
from domain.files.inspection import inspect_file
from domain.files.products import iter_products
from domain.findings import Level
from services.audit import AuditWish, build_tail, open_audit
from tests.unit.files.streams import OWN, shared_sample, stream_of

DAY = dt.date(2026, 11, 22)
LONG = "Steel Garlic Press with Soft Grip and Cleaning Brush for the Kitchen and Everyday Cooking"
HEAD = "Artikelnummer,Produktname,price,quantity,brand\n"


def audit(
    content: str | bytes, channel: str = "amazon", **more: str
) -> tuple[Audit, list[AuditFinding]]:
    """An audit that is through, and what it found."""
    stream = stream_of(content)
    shape = inspect_file(stream)
    scope = build_scope(channel, file_channel=shape.channel, as_of=DAY, **more)
    made = Audit(shape=shape, scope=scope)
    return made, list(made.iter_findings(iter_products(stream, shape)))


def find(findings: list[AuditFinding], rule: str) -> AuditFinding:
    [found] = [one for one in findings if one.rule == rule]
    return found


def test_a_finding_says_where_it_stands_in_the_seller_s_own_words():
    _, findings = audit(f'{HEAD}A-1,"Garlic\nPress",5,1,Bo\nA-2,{LONG},5,2,Bo\n')
    found = find(findings, "amz.title.max")
    assert (found.line, found.product, found.field, found.column) == (
        4, "A-2", "title", "Produktname",
    )  # fmt: skip
    assert (found.channel, found.level) == ("amazon", Level.HARD)
    assert "89 characters, at most 75" in found.message
    assert found.remedy
    assert "checked 2026-11-22" in found.source


def test_the_keys_of_a_finding_are_those_that_programs_rely_on():
    _, findings = audit(f"{HEAD}A-2,{LONG},5,2,Bo\n")
    assert tuple(findings[0].to_json()) == FINDING_KEYS
    assert FINDING_KEYS == (
        "channel", "line", "product", "field", "column", "rule", "level", "message", "remedy",
        "source",
    )  # fmt: skip


def test_the_rules_are_those_of_the_day_the_store_and_the_category():
    content = f"{HEAD}A-2,{LONG},5,2,Bo\n"
    stream = stream_of(content)
    shape = inspect_file(stream)

    def list_rules(**more) -> set[str]:
        scope = build_scope("amazon", file_channel="", **{"as_of": DAY, **more})
        made = Audit(shape=shape, scope=scope)
        return {one.rule for one in made.iter_findings(iter_products(stream, shape))}

    assert "amz.title.max" in list_rules()
    assert "amz.title.max" not in list_rules(as_of=dt.date(2026, 7, 26))
    assert "amz.title.max" not in list_rules(store="ae")
    assert "amz.title.max" not in list_rules(category="Books > Art")


def test_every_channel_sees_each_product_in_one_pass():
    made, findings = audit(f"{HEAD}A-1,Mug,5,1,Bo\nA-2,{LONG},5,2,Bo\n", "all")
    assert {"amazon", "ebay", "walmart"} <= {one.channel for one in findings}
    assert [one.product for one in findings] == sorted(one.product for one in findings)
    assert (made.products, made.rows) == (2, 2)
    alone = [
        one for name in made.scope.channels for one in audit(f"{HEAD}A-2,{LONG},5,2,Bo\n", name)[1]
    ]
    together = audit(f"{HEAD}A-2,{LONG},5,2,Bo\n", "all")[1]
    assert together == alone


def test_a_row_problem_is_a_finding_and_a_broken_row_is_held_against_no_rule():
    made, findings = audit(f"{HEAD}A-1,{LONG},5,1,Bo,and,more\nA-1,Mug,5,1,Bo\nA-1,Cup,5,1,Bo\n")
    broken = find(findings, "file.too_many_cells")
    assert (broken.line, broken.level) == (2, Level.HARD)
    assert broken.remedy
    assert not [one for one in findings if one.rule == "amz.title.max"]
    doubled = [one for one in findings if one.rule == "file.duplicate_key"]
    assert [(one.line, one.field, one.column) for one in doubled] == [
        (3, "sku", "Artikelnummer"),
        (4, "sku", "Artikelnummer"),
    ]
    assert any("1 of 3 products were not checked" in note for note in made.build_notes())


def test_counts_and_packs_are_of_the_same_findings():
    made, findings = audit(f"{HEAD}A-1,{LONG},2.50,4,Bo\nA-2,{LONG},1,,Bo\nA-3,SALE MUG!,9,1,Bo\n")
    counts, packs = made.build_counts(), made.build_packs()
    assert counts["hard"] + counts["advice"] == len(findings) == sum(counts["by_rule"].values())
    assert sum(pack.findings for pack in packs) == len(findings)
    length = next(pack for pack in packs if pack.id == "hard.length.title")
    assert (length.listings, length.value_minor) == (2, 1100)
    assert length.consequence.startswith("Rewritten by the marketplace")


def test_an_example_shows_the_place_in_its_text():
    title = f"{'Grey Wool Felt ' * 7}Hat ! size L"
    made, _ = audit(f"{HEAD}A-1,{title},1,1,Bo\n")
    pack = next(one for one in made.build_packs() if one.id == "hard.characters.title")
    [example] = pack.examples
    assert "Hat ! size L" in example.excerpt
    assert len(example.excerpt) <= 81


def test_notes_name_what_was_not_checked():
    made, _ = audit(f"{HEAD}A-1,Mug,5,1,Bo\n")
    notes = made.build_notes()
    assert any(note.startswith("description: the file has no such column") for note in notes)
    assert any("docs/rules.md" in note for note in notes)
    without_stock, _ = audit("sku,title,price\nA-1,Mug,5\nA-2,Mug SALE!,5\n")
    assert any("no stock column" in note for note in without_stock.build_notes())


@pytest.mark.parametrize(
    ("channel", "file_channel", "chosen", "count"),
    [("", "etsy", "etsy", 1), (" EBAY ", "etsy", "ebay", 1), ("all", "", "all", 8)],
)
def test_the_channel_is_the_one_asked_for_else_the_file_s(channel, file_channel, chosen, count):
    scope = build_scope(channel, file_channel=file_channel, as_of=DAY)
    assert (scope.channel, len(scope.channels)) == (chosen, count)


@pytest.mark.parametrize(
    ("channel", "store", "field"),
    [("tradera", "US", "channel"), ("", "US", "channel"), ("ebay", "USA", "store")],
)
def test_an_impossible_scope_says_what_is_possible(channel, store, field):
    with pytest.raises(InvalidFieldError) as caught:
        build_scope(channel, file_channel="", as_of=DAY, store=store)
    assert caught.value.field == field
    assert caught.value.remedy


@pytest.mark.parametrize("text", ["2026-02-30", "22.11.2026", "tomorrow", "2026-11"])
def test_a_day_that_is_none_is_refused(text):
    with pytest.raises(InvalidFieldError, match="is no date"):
        parse_day(text, today=DAY)


def test_a_day_is_read_and_left_out_is_today():
    assert parse_day("2026-07-26", today=DAY) == dt.date(2026, 7, 26)
    assert parse_day(" ", today=DAY) == DAY


def test_a_bad_wish_is_refused_before_the_file_is_read():
    def never():
        raise AssertionError

    with pytest.raises(InvalidFieldError):
        open_audit(never, AuditWish(channel="tradera"))


@pytest.mark.parametrize("name", sorted(path.name for path in OWN.glob("*.[ct][sx][vt]")))
def test_our_own_samples_can_be_audited_against_everything(name):
    made, findings = audit((OWN / name).read_bytes(), "all")
    assert findings
    assert len(made.build_packs()) <= 10
    assert all(one.column or one.field not in made.shape.mapping for one in findings)


@pytest.mark.parametrize(
    "name",
    [
        "shopify_bicycles_export.csv",
        "woocommerce_sample_products.csv",
        "templates/amazon_flat_file_hat.txt",
        "templates/ebay_draft_listings_template.csv",
        "templates/etsy_listings_download_3var.csv",
        "templates/google_merchant_feed.tsv",
        "templates/meta_catalog.csv",
    ],
)
def test_real_files_are_audited_against_their_own_platform(name):
    made, findings = audit(shared_sample(name), "")
    assert made.scope.channels == (made.shape.channel,)
    assert made.products > 0
    assert made.levels.total() == len(findings)


def test_a_broken_file_tells_each_broken_row():
    made, findings = audit(shared_sample("templates/generic_broken.csv").decode("windows-1252"))
    assert {(one.line, one.rule) for one in findings} >= {
        (3, "file.bad_quoting"),
        (8, "file.nul_byte"),
    }
    assert made.unchecked < made.products


def test_prices_in_several_currencies_are_told_apart():
    head = "sku,title,price,currency\n"
    made, _ = audit(f"{head}A-1,{LONG},2.50,SGD\nA-2,{LONG},10000,IDR\n")
    pack = next(one for one in made.build_packs() if one.id == "hard.length.title")
    assert (pack.value_minor, pack.values_minor) == (None, {"IDR": 1_000_000, "SGD": 250})
    assert any("several currencies (IDR, SGD)" in note for note in made.build_notes())


def test_the_other_rows_of_a_broken_file_are_audited():
    content = shared_sample("templates/generic_broken.csv").replace(b"\0", b"")
    made, findings = audit(content)
    assert [one for one in findings if one.rule.startswith("file.")]
    assert build_tail(made)["packs"]


@pytest.mark.parametrize("store", ["XX", "Germany", "", "U$", "ZZ"])
def test_a_store_in_no_country_is_refused_with_those_there_are(store):
    with pytest.raises(InvalidFieldError) as caught:
        build_scope("amazon", file_channel="", as_of=DAY, store=store)
    assert caught.value.field == "store"
    assert "US, CA, GB, DE" in caught.value.remedy
    assert "AE, EG, SA, TR" in caught.value.remedy


@pytest.mark.parametrize(("store", "country"), [("de", "DE"), ("uk", "GB"), (" sa ", "SA")])
def test_a_store_is_a_country(store, country):
    assert build_scope("amazon", file_channel="", as_of=DAY, store=store).store == country
