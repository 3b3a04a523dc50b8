"""Rules about style: how a bullet begins and ends, what search terms look like, and the like.

A style rule is a list of switches in its data; each has one function here. Switches that no
program can judge (``objective_traits_first``) are listed in the rule for the reader alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping

import regex

from domain.marketplaces.check_phrases import find_phrases
from domain.marketplaces.rule import Rule
from domain.marketplaces.subject import Breach, Check, Passage, each_passage

_PUNCTUATION = regex.compile(r"[^\p{L}\p{M}\p{N}\s'\u2019-]")
_END = frozenset(".;,!?:")
_PRICE = regex.compile(r"[$€£¥]\s?\d")

StyleCheck = Callable[[Passage, Rule], Iterator[Breach]]


def build_style(rule: Rule) -> Check:
    """All switches of the rule that a program can judge."""
    checks = [check for (name, value), check in _SWITCHES.items() if rule.params.get(name) == value]

    def check_all(passage: Passage) -> Iterator[Breach]:
        for check in checks:
            yield from check(passage, rule)

    return each_passage(check_all)


def _starts_with_capital(passage: Passage, _rule: Rule) -> Iterator[Breach]:
    words = passage.words
    if not words or not words[0].text.islower() or not words[0].text[0].isalpha():
        return
    if not passage.names.covers(passage.text, words[0].start, words[0].end):
        yield _found("starts_with_capital", words[0].text, passage)


def _no_end_punctuation(passage: Passage, _rule: Rule) -> Iterator[Breach]:
    last = passage.text.rstrip()[-1]
    if last in _END:
        yield _found("end_punctuation", last, passage)


def _lower_case(passage: Passage, _rule: Rule) -> Iterator[Breach]:
    upper = next((w.text for w in passage.words if w.text != w.text.lower()), "")
    if upper:
        yield _found("lower_case", upper, passage)


def _no_punctuation(passage: Passage, _rule: Rule) -> Iterator[Breach]:
    match = _PUNCTUATION.search(passage.text)
    if match:
        yield _found("punctuation", match.group(), passage)


def _no_repeats(passage: Passage, _rule: Rule) -> Iterator[Breach]:
    often = [
        word
        for word, count in Counter(folded for folded, _ in passage.content).items()
        if count > 1
    ]
    if often:
        yield _found("no_repeats", ", ".join(often), passage)


def _no_price(passage: Passage, rule: Rule) -> Iterator[Breach]:
    price = _PRICE.search(passage.text)
    found = (
        [price.group()]
        if price
        else find_phrases(passage.plain, rule.texts("phrases"), passage.names)
    )
    if found:
        yield _found("no_price_shipping_sale", found[0], passage)


def _gift_phrases(passage: Passage, rule: Rule) -> Iterator[Breach]:
    found = find_phrases(passage.plain, rule.texts("gift_phrases"), passage.names)
    if found:
        yield _found("gift_phrases", found[0], passage)


def _found(code: str, found: str, passage: Passage) -> Breach:
    return Breach(code=code, values={"found": found}, item=passage.item, excerpt=found)


_SWITCHES: Mapping[tuple[str, bool], StyleCheck] = {
    ("starts_with_capital", True): _starts_with_capital,
    ("end_punctuation", False): _no_end_punctuation,
    ("lower_case", True): _lower_case,
    ("punctuation", False): _no_punctuation,
    ("no_repeats", True): _no_repeats,
    ("no_price_shipping_sale", True): _no_price,
    ("no_gift_phrases", True): _gift_phrases,
}

KINDS: Mapping[str, Callable[[Rule], Check]] = {"style": build_style}
