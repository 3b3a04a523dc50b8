"""Rules about the words of a text: repeats, order, capitals of a title, numerals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise

import regex

from domain.marketplaces.rule import Rule
from domain.marketplaces.subject import Breach, Check, Passage, Subject, each_passage
from domain.marketplaces.words import (
    Word,
    fold_word,
    list_words,
    load_lexicon,
)

_DELIMITER = regex.compile(r"[,;:|/()\[\]•·—]|\s[-–]\s")
_JOINERS = "-'\u2019"
_MOST_OFTEN = 2


def build_max_word_repeat(rule: Rule) -> Check:
    """No word more than ``limit`` times, whatever its case and plural; small words are free."""
    limit = rule.limit or _MOST_OFTEN

    def check(passage: Passage) -> Iterator[Breach]:
        often = _list_repeated(passage, limit)
        if often:
            yield _repeated(often, passage)

    return each_passage(check)


def build_no_keyword_repeat(_rule: Rule) -> Check:
    """No word three times, and no pair of words twice."""

    def check(passage: Passage) -> Iterator[Breach]:
        often = _list_repeated(passage, _MOST_OFTEN) or _list_repeated_pairs(passage)
        if often:
            yield _repeated(often, passage)

    return each_passage(check)


def build_title_case(_rule: Rule) -> Check:
    """Each word begins with a capital but for small words, units and names written otherwise."""
    lexicon = load_lexicon()
    free = lexicon.small | lexicon.units | lexicon.lower_case_names

    def lower(word: Word, passage: Passage) -> bool:
        text = word.text
        plain = text.islower() and all(c.isalpha() or c in _JOINERS for c in text)
        if not plain or text in free or fold_word(text) in free:
            return False
        return not passage.names.covers(passage.text, word.start, word.end)

    def check(passage: Passage) -> Iterator[Breach]:
        found = [word.text for word in passage.words if lower(word, passage)]
        if found:
            yield Breach(values={"found": _join(found)}, item=passage.item, excerpt=found[0])

    return each_passage(check)


def build_use_numerals(_rule: Rule) -> Check:
    """Counts are written as numerals: "2 Pack", "Set of 3"."""
    lexicon = load_lexicon()
    words, counted = "|".join(lexicon.number_words), "|".join(lexicon.counted)
    spelled = regex.compile(
        rf"(?i)\b(?:{words})[\s-](?:{counted})\b|\b(?:pack|set|box|case|lot)\sof\s(?:{words})\b"
    )

    def check(passage: Passage) -> Iterator[Breach]:
        match = spelled.search(passage.text)
        if match and not passage.names.covers(passage.text, match.start(), match.end()):
            found = match.group()
            yield Breach(values={"found": found}, item=passage.item, excerpt=found)

    return each_passage(check)


def build_max_words_before_delimiter(rule: Rule) -> Check:
    """At most ``limit`` words before the first comma, dash or the like."""
    limit = rule.limit or 0

    def check(passage: Passage) -> Iterator[Breach]:
        head = _DELIMITER.split(passage.text, maxsplit=1)[0]
        count = len(head.split())
        if count > limit:
            yield Breach(values={"n": count}, item=passage.item, excerpt=head.strip())

    return each_passage(check)


def build_front_load(rule: Rule) -> Check:
    """Brand and product type, where the text names them, begin within the first ``limit``."""
    limit = rule.limit or 0

    def run(subject: Subject) -> Iterator[Breach]:
        wanted = (subject.listing.brand, _product_type(subject))
        for passage in subject.passages:
            if passage.length <= limit:
                continue
            for name in wanted:
                if _comes_late(passage.text, name, limit):
                    yield Breach(values={"found": name}, item=passage.item, excerpt=name)

    return run


def _product_type(subject: Subject) -> str:
    """The last word of the last level of the product type: "Apparel > Running Shoes" is "Shoes"."""
    levels = subject.listing.attributes.get("product_type", "").split(">")
    words = list_words(levels[-1])
    return words[-1].text if words else ""


def _comes_late(text: str, name: str, limit: int) -> bool:
    wanted = [fold_word(word.text) for word in list_words(name)]
    words = list_words(text)
    folded = [fold_word(word.text) for word in words]
    for index in range(len(words) - len(wanted) + 1 if wanted else 0):
        if folded[index : index + len(wanted)] == wanted:
            return words[index].start >= limit
    return False


def _list_repeated(passage: Passage, limit: int) -> list[str]:
    """The words as they first stand in the text."""
    found = [folded for folded, _ in passage.content]
    if len(found) - len(set(found)) < limit:
        return []
    counts = Counter(found)
    often = {folded for folded, count in counts.items() if count > limit}
    first = {folded: word.text for folded, word in reversed(passage.content)}
    return [first[folded] for folded in counts if folded in often]


def _list_repeated_pairs(passage: Passage) -> list[str]:
    found = list(pairwise(folded for folded, _ in passage.content))
    if len(found) == len(set(found)):
        return []
    counts: dict[tuple[str, str], int] = Counter()
    shown: dict[tuple[str, str], str] = {}
    for (first, word), (second, follower) in pairwise(passage.content):
        counts[first, second] += 1
        shown.setdefault((first, second), f"{word.text} {follower.text}")
    return [shown[pair] for pair, count in counts.items() if count > 1]


def _repeated(often: list[str], passage: Passage) -> Breach:
    excerpt = often[0].split(" ", maxsplit=1)[0]
    return Breach(values={"found": _join(often)}, item=passage.item, excerpt=excerpt)


def _join(words: list[str]) -> str:
    return ", ".join(dict.fromkeys(words))


KINDS: Mapping[str, Callable[[Rule], Check]] = {
    "max_word_repeat": build_max_word_repeat,
    "no_keyword_repeat": build_no_keyword_repeat,
    "title_case": build_title_case,
    "use_numerals": build_use_numerals,
    "max_words_before_delimiter": build_max_words_before_delimiter,
    "front_load": build_front_load,
}
