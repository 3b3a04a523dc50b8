"""The rulebook: what is in it, and which of it is in force when and where."""

import datetime as dt
from collections import Counter

import pytest

from core.errors import InvalidFieldError
from domain.findings import Level
from domain.listing import Channel
from domain.marketplaces.rulebook import RuleSet, load_rulebook

BOOK = load_rulebook()
TODAY = dt.date(2026, 11, 22)
RULES = [rule for rules in BOOK.rules_by_channel.values() for rule in rules]
TRANSLATED = [rule for rule in RULES if rule.id.endswith(".translated")]
LAST_OLD_DAY = dt.date(2026, 7, 26)
FIRST_NEW_DAY = dt.date(2026, 7, 27)


def amazon(as_of: dt.date = TODAY, *, store: str = "US", category: str = "") -> RuleSet:
    return BOOK.select("amazon", as_of=as_of, store=store, category=category)


def test_every_channel_has_rules_and_ids_are_unique() -> None:
    assert BOOK.channels == tuple(channel.value for channel in Channel)
    assert len({rule.id for rule in RULES}) == len(RULES)
    # 132 rules that were read, one "title required" for each channel that lacked it, and our own
    # translations of what some name in English.
    assert len(RULES) == 132 + 6 + len(TRANSLATED)


def test_a_translation_is_advice_and_says_that_it_is_one() -> None:
    assert len(TRANSLATED) == 7
    for rule in TRANSLATED:
        assert (rule.how, rule.level) == ("remembered", Level.ADVICE)
        assert rule.cite(TODAY).endswith("not verified")
        original = next(one for one in RULES if one.id == rule.text("translates"))
        assert original.field == rule.field


def test_the_evidence_is_what_the_research_counted() -> None:
    ours = (".title.required", ".translated")
    read = [rule for rule in RULES if not rule.id.endswith(ours)]
    counts = Counter(rule.how for rule in read)
    assert counts == {"official": 72, "secondary": 46, "remembered": 14}


def test_what_nobody_has_read_is_never_hard() -> None:
    remembered = [rule for rule in RULES if rule.how == "remembered"]
    assert {rule.level for rule in remembered} == {Level.ADVICE}
    assert Level.HARD in {rule.stated_level for rule in remembered}
    assert {rule.checked_on for rule in remembered} == {None}


def test_read_rules_were_checked_on_a_known_day() -> None:
    assert {rule.checked_on for rule in RULES if rule.how != "remembered"} == {TODAY}


@pytest.mark.parametrize(
    ("as_of", "limit", "highlights"),
    [(LAST_OLD_DAY, 200, None), (FIRST_NEW_DAY, 75, 125), (TODAY, 75, 125)],
)
def test_amazon_titles_shrink_on_the_27th(
    as_of: dt.date, limit: int, highlights: int | None
) -> None:
    assert amazon(as_of).max_length("title") == limit
    assert amazon(as_of).max_length("highlights") == highlights


@pytest.mark.parametrize("store", ["SA", "eg", "TR", "AE"])
def test_exempt_stores_keep_200(store: str) -> None:
    assert amazon(store=store).max_length("title") == 200


@pytest.mark.parametrize("category", ["Books", "Books > Art", "Media/Music", "DVD"])
def test_media_keeps_200(category: str) -> None:
    rules = amazon(category=category)
    assert rules.category == "media"
    assert rules.max_length("title") == 200


@pytest.mark.parametrize("category", ["", "Book Ends", "Furniture > Bookcases", "Music Boxes"])
def test_what_only_sounds_like_media_does_not(category: str) -> None:
    assert amazon(category=category).max_length("title") == 75


def test_limits_of_every_kind() -> None:
    rules = amazon()
    assert rules.max_bytes("search_terms") == 249
    assert rules.max_length("search_terms") is None
    assert rules.max_items("bullets") == 5
    assert rules.max_item_length("bullets") == 255
    assert rules.max_length("seo_title") is None


def test_advice_is_no_limit() -> None:
    walmart = BOOK.select("walmart", as_of=TODAY)
    assert walmart.max_length("title") == 150
    assert BOOK.select("etsy", as_of=TODAY).max_items("materials") is None


def test_the_digest_names_the_demands() -> None:
    assert amazon().digest == amazon(dt.date(2027, 3, 1)).digest
    assert amazon(LAST_OLD_DAY).digest != amazon(FIRST_NEW_DAY).digest
    assert amazon().digest != amazon(store="SA").digest
    assert len({BOOK.select(channel, as_of=TODAY).digest for channel in BOOK.channels}) == 8


def test_sets_of_the_same_day_are_equal() -> None:
    assert amazon() == amazon(store="us")
    assert amazon() != amazon(dt.date(2026, 11, 23))


def test_an_old_check_is_said() -> None:
    rule = amazon().for_field("title")[1]
    assert rule.cite(TODAY).endswith("checked 2026-11-22")
    assert "may have changed" not in rule.cite(TODAY + dt.timedelta(days=90))
    assert "91 days ago: may have changed" in rule.cite(TODAY + dt.timedelta(days=91))


def test_a_remembered_source_says_so() -> None:
    (rule,) = [rule for rule in RULES if rule.id == "gmc.gtin"]
    assert "remembered" in rule.cite(TODAY)
    assert "not verified" in rule.cite(TODAY)


def test_an_unknown_channel_names_the_known_ones() -> None:
    with pytest.raises(InvalidFieldError, match="amazon, ebay, etsy"):
        BOOK.select("aliexpress", as_of=TODAY)


def test_find_rule() -> None:
    assert amazon().find_rule("amz.title.max") is not None
    assert amazon(LAST_OLD_DAY).find_rule("amz.title.max") is None
