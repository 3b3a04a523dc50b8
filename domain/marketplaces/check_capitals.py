"""Rules about shouting: words in capitals that are no acronym, model or name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import regex

from domain.marketplaces.names import OwnNames
from domain.marketplaces.rule import Rule
from domain.marketplaces.subject import Breach, Check, Passage, each_passage
from domain.marketplaces.words import load_lexicon

_CAPITALS = regex.compile(r"(?<![\p{L}\p{N}])\p{Lu}{2,}(?:['\u2019]\p{Lu}+)?(?![\p{L}\p{N}])")
_LONGEST_ACRONYM = 4
_WIGGLE = regex.compile(r"\b(?:\p{Ll}\p{Lu}){2,}\p{L}*|\b(?:\p{Lu}\p{Ll}){3,}\p{Lu}\p{L}*")


def list_shouted(text: str, names: OwnNames) -> list[str]:
    """The words of a text that shout.

    A word in capitals shouts when it has five letters or more and is no known acronym, or is an
    ordinary short word ("SALE"); other short ones pass as acronyms (USB, HDMI). What stands beside
    a digit is a model number, what stands inside the listing's own names is a name.
    """
    lexicon = load_lexicon()
    return [
        match.group()
        for match in _CAPITALS.finditer(text)
        if _looks_shouted(match.group(), lexicon.plain_short, lexicon.acronyms)
        and not _in_model_number(text, match)
        and not names.covers(text, match.start(), match.end(), any_case=True)
    ]


def build_no_all_caps(rule: Rule) -> Check:
    """Fewer than ``at_least`` shouted words, and not everything in capitals."""
    at_least = rule.number("at_least") or 1

    def check(passage: Passage) -> Iterator[Breach]:
        shouted = list_shouted(passage.plain, passage.names)
        if len(shouted) >= at_least or (shouted and passage.plain.isupper()):
            yield _breach(shouted, passage)

    return each_passage(check)


def build_no_gimmicky_caps(rule: Rule) -> Check:
    """No shouting and no aLtErNaTiNg letters."""
    no_shouting = build_no_all_caps(rule)

    def check(passage: Passage) -> Iterator[Breach]:
        found = [
            match.group()
            for match in _WIGGLE.finditer(passage.plain)
            if not passage.names.covers(passage.plain, match.start(), match.end())
        ]
        if found:
            yield _breach(found, passage)

    wiggling = each_passage(check)
    return lambda subject: [*no_shouting(subject), *wiggling(subject)]


def _looks_shouted(word: str, plain_short: frozenset[str], acronyms: frozenset[str]) -> bool:
    if word in acronyms:
        return False
    return len(word) > _LONGEST_ACRONYM or word.casefold() in plain_short


def _in_model_number(text: str, match: regex.Match[str]) -> bool:
    """Joined to digits by a hyphen or the like: "WH-1000XM4", "GALAXY-S21"."""
    before = text[max(0, match.start() - 2) : match.start()]
    after = text[match.end() : match.end() + 2]
    return _joins_digit(before[::-1]) or _joins_digit(after)


def _joins_digit(two: str) -> bool:
    return two[:1] in {"-", "/", "_", "."} and two[1:2].isdigit()


def _breach(found: list[str], passage: Passage) -> Breach:
    words = list(dict.fromkeys(found))
    return Breach(values={"found": ", ".join(words[:5])}, item=passage.item, excerpt=words[0])


KINDS: Mapping[str, Callable[[Rule], Check]] = {
    "no_all_caps": build_no_all_caps,
    "no_gimmicky_caps": build_no_gimmicky_caps,
}
