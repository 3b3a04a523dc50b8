"""Rates a title: does it name brand and product, plainly and once?

The signs follow the published findings on titles that people judged: repeated words and longer
titles are less concise, a missing product name is unclear (CIKM AnalytiCup 2017).
"""

from __future__ import annotations

from collections import Counter

import regex

from domain.listing import Listing
from domain.marketplaces.check_capitals import list_shouted
from domain.marketplaces.check_phrases import find_phrases
from domain.marketplaces.names import OwnNames
from domain.marketplaces.rule_files import read_vocabulary
from domain.marketplaces.words import Word, fold_word, iter_content_words, list_words
from domain.scoring_tally import Tally

NO_BRAND = frozenset({"", "generic", "unbranded", "no brand", "none", "n/a", "na", "no"})
"""What sellers write where a product has no brand, lower case."""

_BACKING = (
    "brand", "product_type", "category", "color", "colour", "size", "material", "gender", "model",
    "mpn", "style", "pattern", "series",
)  # fmt: skip
_FREE_WORDS = 4
_MANY_WORDS = 12
_BRAND_LATE = 40
_SHOUT_SHARE = 0.6
_MARKS = regex.compile(r"[!?*~|]{2,}|[★☆✓✔❤🔥⭐]|[!]")
_LISTING_COMMAS = 4


def rate_title(listing: Listing) -> Tally:
    """Points of the title alone; a file without titles is not blamed for them."""
    tally = Tally()
    if "title" not in listing.fields:
        return tally
    title = listing.text("title")
    if not title.strip():
        tally.lower(0.0, "the title is empty")
        return tally
    words = list_words(title)
    content = list(iter_content_words(words))
    _rate_brand(tally, title, listing.brand)
    _rate_product_type(tally, content, listing.attributes.get("product_type", ""))
    _rate_repeats(tally, content)
    _rate_conciseness(tally, content, listing)
    _rate_capitals(tally, title, words, OwnNames.of(listing))
    _rate_promotion(tally, title, OwnNames.of(listing))
    return tally


def _rate_brand(tally: Tally, title: str, brand: str) -> None:
    if brand.strip().casefold() in NO_BRAND:
        return
    bounded = rf"(?<!\w){regex.escape(brand.strip())}(?!\w)"
    match = regex.search(bounded, title, regex.IGNORECASE)
    if match is None:
        tally.lower(0.6, f'the brand "{brand}" is not in the title')
    elif match.start() > _BRAND_LATE:
        tally.lower(0.95, f'the brand "{brand}" comes late in the title')


def _rate_product_type(tally: Tally, content: list[tuple[str, Word]], product_type: str) -> None:
    """Any word of the type's last level will do: sellers' types are broader than their titles."""
    level = product_type.rsplit(">", maxsplit=1)[-1]
    wanted = {folded for folded, _ in iter_content_words(list_words(level))}
    if wanted and wanted.isdisjoint(folded for folded, _ in content):
        tally.lower(0.85, f'the product type "{level.strip()}" is not in the title')


def _rate_repeats(tally: Tally, content: list[tuple[str, Word]]) -> None:
    counts = Counter(folded for folded, _ in content)
    extra = sum(count - 1 for count in counts.values())
    if extra:
        often = ", ".join(word for word, count in counts.items() if count > 1)
        tally.lower(0.9**extra, f"the title repeats words: {often}")


def _rate_conciseness(tally: Tally, content: list[tuple[str, Word]], listing: Listing) -> None:
    """Words that no attribute backs are free up to a few; each further one costs a little.

    The brand's own words cost nothing, so that leaving it out never pays.
    """
    branded = {fold_word(word.text) for word in list_words(listing.brand)}
    content = [(folded, word) for folded, word in content if folded not in branded]
    backed = {
        fold_word(word.text)
        for name in _BACKING
        for word in list_words(listing.attributes.get(name, ""))
    }
    loose = {folded for folded, word in content if folded not in backed and word.text.isalpha()}
    beyond = max(0, len(loose) - _FREE_WORDS)
    if beyond:
        tally.lower(0.985**beyond, f"{len(loose)} words of the title stand in no attribute")
    if len(content) > _MANY_WORDS:
        tally.lower(0.97 ** (len(content) - _MANY_WORDS), f"the title has {len(content)} words")
    commas = listing.text("title").count(",")
    if commas >= _LISTING_COMMAS:
        tally.lower(0.95, "the title reads like a list")


def _rate_capitals(tally: Tally, title: str, words: list[Word], names: OwnNames) -> None:
    shouted = list_shouted(title, names)
    if shouted:
        tally.lower(0.9 ** min(len(shouted), 5), f"the title shouts: {', '.join(shouted[:4])}")
    letters = [word.text for word in words if word.text.isalpha() and len(word.text) > 1]
    upper = sum(word.isupper() for word in letters)
    if letters and upper / len(letters) > _SHOUT_SHARE:
        tally.lower(0.95, "most of the title is in capitals")


def _rate_promotion(tally: Tally, title: str, names: OwnNames) -> None:
    lists = read_vocabulary().phrase_lists
    promo = find_phrases(title, lists["promo_en"], names)
    for phrase in dict.fromkeys(promo):
        tally.lower(0.85, f'the title advertises: "{phrase}"')
    for phrase in dict.fromkeys(find_phrases(title, lists["subjective_en"], names)):
        tally.lower(0.95, f'the title praises: "{phrase}"')
    if _MARKS.search(title):
        tally.lower(0.93, "the title has marks that only draw attention")
