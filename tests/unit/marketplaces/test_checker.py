"""The checker: what it judges, in which order, and what it says."""

import datetime as dt

import pytest

from domain.findings import Finding, Level
from domain.listing import Listing
from domain.marketplaces.checker import check_field, check_listing, list_unchecked
from domain.marketplaces.rulebook import RuleSet, load_rulebook
from tests.unit.marketplaces.rule_cases import build, listing

TODAY = dt.date(2026, 11, 22)


def select(channel: str) -> RuleSet:
    return load_rulebook().select(channel, as_of=TODAY)


def check(channel: str, **values: str | list[str]) -> list[Finding]:
    return list(check_listing(build(values, extra={}), select(channel)))


def ids(findings: list[Finding], prefix: str = "") -> list[str]:
    return [finding.rule for finding in findings if finding.rule.startswith(prefix)]


def title_ids(channel: str, title: str, **attributes: str) -> list[str]:
    return ids(check(channel, title=title, **attributes))


def test_a_finding_says_what_to_do_and_who_says_so() -> None:
    (finding,) = check("ebay", title="a" * 84)
    assert finding.message == "84 characters, at most 80"
    assert finding.remedy.startswith("Shorten it to 80 characters")
    assert finding.level is Level.HARD
    assert finding.source == (
        "developer.ebay.com Trading user guide: listing title (official) and 1 more; "
        "checked 2026-11-22"
    )


def test_a_finding_says_when_its_rule_was_checked_long_ago() -> None:
    rules = load_rulebook().select("ebay", as_of=dt.date(2027, 3, 1))
    (finding,) = check_listing(listing(title="a" * 81), rules)
    assert finding.source.endswith("last checked 2026-11-22, 99 days ago: may have changed")


def test_what_was_only_remembered_says_so_and_is_advice() -> None:
    (finding,) = check("shopify", tags=["a" * 256])
    assert finding.level is Level.ADVICE
    assert finding.source == "Known from practice (remembered); not verified"


def test_findings_come_by_field_then_rule_then_attributes() -> None:
    found = check(
        "shopify", handle="A_b", seo_title="a" * 71, title="", tags=["a" * 256], brand="x"
    )
    assert ids(found) == [
        "shop.title.required",
        "shop.tags.len",
        "shop.seo_title.max",
        "shop.seo_title.rec",
        "shop.handle.charset",
        "shop.vendor.min",
    ]


def test_a_missing_column_is_no_finding() -> None:
    assert check("amazon") == []
    assert list_unchecked(select("amazon"), ["title", "bullets", "description"]) == (
        "highlights: the file has no such column; 1 rule was not checked",
        "search_terms: the file has no such column; 5 rules were not checked",
    )


def test_list_unchecked_is_silent_when_every_column_is_there() -> None:
    assert list_unchecked(select("ebay"), ["title", "subtitle", "description"]) == ()


@pytest.mark.parametrize("channel", load_rulebook().channels)
def test_an_empty_title_is_hard_everywhere(channel: str) -> None:
    found = check(channel, title="   ")
    assert [finding.level for finding in found] == [Level.HARD]


def test_an_empty_optional_field_is_fine() -> None:
    assert check("google", bullets=[], short_title="", color="") == []


def test_check_field_judges_the_value_as_if_it_stood_there() -> None:
    row = listing(title="Oak Bowl", description="A bowl.")
    found = check_field("description", "Oak bowl for fruit", row, select("etsy"))
    assert [finding.rule for finding in found] == ["etsy.desc.not_title"]
    assert check_field("description", "Of oak", row, select("etsy")) == ()
    assert check_field("color", "red", row, select("etsy")) == ()


def test_items_carry_their_index_and_excerpt() -> None:
    (finding,) = check("etsy", tags=[f"tag {n}" for n in range(12)] + ["a&b"])
    assert (finding.item, finding.excerpt) == (12, "&")


def test_length_is_counted_after_nfc() -> None:
    assert title_ids("ebay", "e\u0301" * 80) == []
    assert title_ids("ebay", "😀" * 80) == []


def test_markup_counts_as_it_stands() -> None:
    (finding,) = check("google", description="<br>" * 1251)
    assert finding.message == "5004 characters, at most 5000"


@pytest.mark.parametrize(
    ("title", "brand"),
    [
        ("Best Made Company Axe", "Best Made Company"),
        ("New Balance 574 Shoe", "New Balance"),
        ("New Balance 574 Shoe", ""),
        ("100% Cotton Towel", ""),
        ("Best Buy Wholesale Goods Cup", "Best Buy Wholesale Goods"),
        ("High Clearance Lift Kit", ""),
        ("BPA-Free Shipping Box", ""),
        ("#1 Phillips Screwdriver", ""),
        ("Savings Bank in Pig Form", ""),
    ],
)
def test_names_and_contexts_are_no_promotion(title: str, brand: str) -> None:
    assert ids(check("amazon", title=title, brand=brand), "amz.title.promo") == []
    assert ids(check("amazon", title=title, brand=brand), "amz.title.subjective") == []


@pytest.mark.parametrize(
    ("title", "brand"),
    [
        ("Handtuch 100 % Baumwolle", ""),
        ("Serviette 100 % coton", ""),
        ("Toalla 100 % algodón", ""),
        ("Affiche Art nouveau 40 x 60 cm", ""),
        ("Camiseta Nueva York", ""),
        ("Salzreduzierte Brühe 500 g", ""),
        ("Best Wasserkocher 1,7 l", "Best"),
        ("Promo Tasse 300 ml", "Promo"),
        ("Actionfigur Neuer Held", "Neuer Held"),
        ("Wanduhr neutral, Neuseeland Merino", ""),
    ],
)
def test_other_languages_have_names_and_contexts_too(title: str, brand: str) -> None:
    found = check("amazon", title=title, brand=brand)
    assert [one for one in found if one.rule.endswith(".translated")] == []


@pytest.mark.parametrize(
    "title",
    [
        "Wasserkocher VERSANDKOSTENFREI",
        "Wasserkocher, Gratis-Versand",
        "Wasserkocher zum guenstigster Preis",
        "Bouilloire livraison gratuite",
        "Bouilloire satisfait ou rembourse",
        "Hervidor envio gratis",
        "Hervidor, últimas unidades",
        "Bollitore spedizione gratuita",
        "Cerek elektrik harga murah",
    ],
)
def test_promotion_in_other_languages_is_advice(title: str) -> None:
    found = [
        one for one in check("google", title=title) if one.rule == "gmc.title.promo.translated"
    ]
    assert [one.level for one in found] == [Level.ADVICE]


@pytest.mark.parametrize(
    "title",
    [
        "FREE SHIPPING Kettle",
        "Kettle - Best-Sellers",
        "Best Kettle at the Lowest Prices",
        "#1 Kettle",
        "Kettle, buy now!",
        "Discounted Discounts Kettle",
        "Kettle, 100% satisfaction guaranteed",
        "Kettle 100% Guaranteed",
    ],
)
def test_promotion_is_found_in_any_dress(title: str) -> None:
    assert "amz.title.promo" in title_ids("amazon", title, brand="Best")


def test_ordinary_words_are_advice_even_under_a_hard_rule() -> None:
    found = check("amazon", search_terms="new kettle last chance")
    assert {(finding.excerpt, finding.level) for finding in found} == {
        ("new", Level.ADVICE),
        ("last chance", Level.HARD),
    }


@pytest.mark.parametrize(
    "title",
    [
        "USB LED HDMI Cable",
        "SAMSUNG 980 PRO NVMe SSD",
        "Sony WH-1000XM5",
        "ACMEWORKS Oak Bowl",
        "Bosch GSR-120 LI",
    ],
)
def test_acronyms_models_and_brands_may_be_in_capitals(title: str) -> None:
    assert "wmt.title.caps" not in title_ids("walmart", title, brand="Acmeworks")


@pytest.mark.parametrize("title", ["SOFT BATH TOWEL", "Towel SUPER ABSORBENT", "KETTLE"])
def test_shouting_is_shouting(title: str) -> None:
    assert "wmt.title.caps" in title_ids("walmart", title)


def test_alternating_letters_are_a_gimmick() -> None:
    assert "gmc.title.caps" in title_ids("google", "sOfTeSt tOwEl ever")


@pytest.mark.parametrize(
    "text",
    [
        "EAN 4006381333931 and GTIN-14 10012345678902",
        "Size 120 x 200 x 30 cm, 2 x 1.5 V",
        "Made 2024-11-22, tested 22.11.2024",
        "ISBN 978-3-16-148410-0",
        "for iPhone 15 14 13 12 11, phone 128 GB",
        "Part 123-456-7890",
    ],
)
def test_numbers_are_no_telephone(text: str) -> None:
    assert check("amazon", description=text, sku="123-456-7890") == []


@pytest.mark.parametrize(
    "text",
    [
        "Call +49 30 901820 today",
        "(555) 123-4567",
        "1-800-555-1234",
        "tel: 555 123 4567",
        "mail me@example.com",
        "see <a href='https://example.com'>us</a>",
    ],
)
def test_contact_is_contact(text: str) -> None:
    assert "amz.all.contact" in ids(check("amazon", description=text))


def test_a_picture_address_is_no_contact() -> None:
    found = check("amazon", description="<img src='https://cdn.example.com/a.png'>")
    assert ids(found) == ["amz.desc.html"]


def test_an_optional_recommendation_is_advice() -> None:
    (finding,) = check("google", short_title="Cup")
    assert (finding.level, finding.message) == (Level.ADVICE, "3 characters; 5 to 65 work best")


@pytest.mark.parametrize(
    ("color", "message"),
    [("a/b/c/d", "4 values, at most 3"), ("a" * 41, "one value has 41 characters, at most 40")],
)
def test_colours_have_parts(color: str, message: str) -> None:
    assert [finding.message for finding in check("google", color=color)] == [message]


@pytest.mark.parametrize(
    ("gtin", "message"),
    [
        ("1.23E+12", "is not a number of digits alone"),
        ("12345", "has 5 digits; a GTIN has 8, 12, 13, 14"),
        ("4006381333932", "ends with 2, but its check digit is 1"),
    ],
)
def test_a_broken_gtin_says_why(gtin: str, message: str) -> None:
    assert [finding.message for finding in check("google", gtin=gtin)] == [message]


def test_words_repeat_whatever_case_and_plural_but_not_small_words_or_units() -> None:
    assert title_ids("amazon", "Box 10 cm x 5 cm x 3 cm for You for Me for All") == []
    (finding,) = check("amazon", title="Boxes, BOX and Box for a Box")
    assert finding.message == "repeats a word more than 2 times: Boxes"


def test_one_of_judges_only_what_the_file_has() -> None:
    assert check("meta", brand="Acme") == []
    assert ids(check("meta", mpn="1")) == ["meta.ident"]


def test_braces_in_a_text_are_only_text() -> None:
    (finding,) = check("meta", description="Salt &amp; {limit} {0}")
    assert finding.excerpt == "&amp;"
    assert "amz.title.banned_chars" in title_ids("amazon", "Cup {limit} {n!r}")


def test_a_long_excerpt_is_cut() -> None:
    (finding,) = check("google", description="<img src='" + "a" * 3000 + "'>")
    assert len(finding.excerpt) == 200


def test_the_same_listing_gives_the_same_findings() -> None:
    row = Listing(key="1", fields={"title": "SALE " * 30, "bullets": ("n/a", "n/a")})
    assert check_listing(row, select("amazon")) == check_listing(row, select("amazon"))


@pytest.mark.parametrize("text", ["20 USD", "€ 5", "15.00 eur", "10 Dollars"])
def test_a_price_is_found_in_any_currency(text: str) -> None:
    assert "amz.all.price_time" in ids(check("amazon", description=text))
