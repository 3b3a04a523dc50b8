"""Rates a title: does it name brand and product, plainly and once?

The signs follow the published findings on titles that people judged: repeated words and longer
titles are less concise, a missing product name is unclear (CIKM AnalytiCup 2017).
"""

from __future__ import annotations

from collections import Counter

import regex

from domain.facts.lexicon import is_common
from domain.marketplaces.check_capitals import list_shouted
from domain.marketplaces.check_phrases import find_phrases
from domain.marketplaces.names import OwnNames
from domain.marketplaces.rule_files import list_phrases
from domain.marketplaces.words import Word, fold_word, iter_content_words, list_words
from domain.scoring.row import ScoredRow
from domain.scoring.tally import Tally

NO_BRAND = frozenset({"", "generic", "unbranded", "no brand", "none", "n/a", "na", "no"})
"""What sellers write where a product has no brand, lower case."""

_BACKING = (
    "brand", "product_type", "category", "color", "colour", "size", "material", "gender", "model",
    "mpn", "style", "pattern", "series",
)  # fmt: skip
_UNNAMED = 0.8
_UNTYPED = 0.75
_FREE_WORDS = 4
_FREE_BESIDE_TEXTS = 2
_LOOSE_WORD = 0.975
_FEW_SHOUTED = 3
_LONGEST_ACRONYM = 3
_MANY_WORDS = 12
_BRAND_LATE = 40
_MARKS = regex.compile(r"[!?*~|]{2,}|[★☆✓✔❤🔥⭐]|[!]")
_LISTING_COMMAS = 4


def rate_title(row: ScoredRow) -> Tally:
    """Points of the title alone; a file without titles is not blamed for them."""
    tally = Tally()
    if "title" not in row.listing.fields:
        return tally
    title = row.title
    if not title.strip():
        tally.lower(0.0, "the title is empty")
        return tally
    words = list_words(title)
    content = list(iter_content_words(words))
    _rate_brand(tally, title, row.listing.brand)
    _rate_product_type(tally, content, row)
    _rate_repeats(tally, content)
    _rate_conciseness(tally, content, row)
    _rate_capitals(tally, title, row.names)
    _rate_promotion(tally, title, row.names)
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


def _rate_product_type(tally: Tally, content: list[tuple[str, Word]], row: ScoredRow) -> None:
    """The name that the rest of the row has for the product, and any word of its type.

    A type alone says less: sellers' types are broader than their titles ("Tools" for a wrench).
    """
    told = {folded for folded, _ in content}
    if row.head and not _tells(row.head, told):
        tally.lower(_UNNAMED, f'the title does not say "{row.head}", as the rest of the row does')
    if row.type_words and not any(_tells(word, told) for word in row.type_words):
        tally.lower(_UNTYPED, f'the product type "{row.product_type}" is not in the title')


def _tells(head: str, told: set[str]) -> bool:
    """Whether the head stands among the words, alone or in a compound ("Trinkflasche")."""
    return head in told or any(word.endswith(head) for word in told)


def _rate_repeats(tally: Tally, content: list[tuple[str, Word]]) -> None:
    counts = Counter(folded for folded, _ in content)
    extra = sum(count - 1 for count in counts.values())
    if extra:
        often = ", ".join(word for word, count in counts.items() if count > 1)
        tally.lower(0.9**extra, f"the title repeats words: {often}")


def _rate_conciseness(tally: Tally, content: list[tuple[str, Word]], row: ScoredRow) -> None:
    """Words that nothing else backs are free up to a few; each further one costs a little.

    The brand's own words cost nothing, so that leaving it out never pays.
    """
    branded = {fold_word(word.text) for word in list_words(row.listing.brand)}
    content = [(folded, word) for folded, word in content if folded not in branded]
    backed = row.beside_title | {
        fold_word(word.text)
        for name in _BACKING
        for word in list_words(row.listing.attributes.get(name, ""))
    }
    loose = {folded for folded, word in content if folded not in backed and word.text.isalpha()}
    free = _FREE_BESIDE_TEXTS if row.beside_title else _FREE_WORDS
    beyond = max(0, len(loose) - free)
    if beyond:
        tally.lower(_LOOSE_WORD**beyond, f"{len(loose)} words of the title stand nowhere else")
    if len(content) > _MANY_WORDS:
        tally.lower(0.97 ** (len(content) - _MANY_WORDS), f"the title has {len(content)} words")
    commas = row.title.count(",")
    if commas >= _LISTING_COMMAS:
        tally.lower(0.95, "the title reads like a list")


def _rate_capitals(tally: Tally, title: str, names: OwnNames) -> None:
    shouted = list_shouted(title, names)
    if shouted:
        tally.lower(0.9 ** min(len(shouted), 5), f"the title shouts: {', '.join(shouted[:4])}")
    words = list_words(title)
    loud = [word.text for word in words if _is_loud(word.text)]
    if (shouted and len(loud) >= _FEW_SHOUTED) or (loud and title.isupper()):
        tally.lower(0.95, f"{len(loud)} of {len(words)} words of the title are in capitals")


def _is_loud(word: str) -> bool:
    is_word = len(word) > _LONGEST_ACRONYM or is_common(word)
    return word.isupper() and word.isalpha() and len(word) > 1 and is_word


def _rate_promotion(tally: Tally, title: str, names: OwnNames) -> None:
    for phrase in dict.fromkeys(find_phrases(title, list_phrases("promo"), names)):
        tally.lower(0.85, f'the title advertises: "{phrase}"')
    for phrase in dict.fromkeys(find_phrases(title, list_phrases("subjective"), names)):
        tally.lower(0.95, f'the title praises: "{phrase}"')
    if _MARKS.search(title):
        tally.lower(0.93, "the title has marks that only draw attention")
