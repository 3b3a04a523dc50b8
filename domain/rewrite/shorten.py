"""Makes a title fit: drops what tells least, and keeps brand, type, count, size, model, colour."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from typing import Final

import regex

from domain.facts import LostFact, find_lost_among
from domain.listing import Listing
from domain.marketplaces.rule_files import list_phrases, read_vocabulary
from domain.rewrite.cut import LEAST_SHARE, SEGMENT, cut_clean
from domain.rewrite.repeats import is_joined, list_repeats
from domain.rewrite.tidy import EMOJI, PAIRS, join_rest, strip_dangling, tidy_line
from domain.rewrite.words import FILLERS, PROMOTION
from domain.text import fold, list_words

_ASIDE = regex.compile(
    "|".join(
        rf"{regex.escape(a)}[^{regex.escape(a + b)}]*{regex.escape(b)}" for a, b in PAIRS.items()
    )
)


def _compile_promotion() -> regex.Pattern[str]:
    """What only sells, in every language we know; English phrases are found by the rules."""
    english = read_vocabulary().phrase_lists["promo_en"]
    listed = [p for p in list_phrases("promo") if p not in english and " " in p]
    spelt = (r"[\s-]+".join(map(regex.escape, regex.split(r"[\s-]+", p))) for p in listed)
    phrases = "|".join([PROMOTION, *sorted(spelt, key=len, reverse=True)])
    return regex.compile(rf"(?<![\w-])(?:{phrases})(?![\w-])[!.]*", regex.IGNORECASE)


_PROMOTION = _compile_promotion()
_COD = regex.compile(r"\W*COD\W*", regex.IGNORECASE)
_LEAD = regex.compile(
    r"(?i: \p{L}+ed| compatible| suitable| made)?"
    r" (?:(?i:for|fits|with)|für|mit|pour|avec|para|con|untuk|dengan) "
)
_PLACED: Final = frozenset({"brand", "product_type"})
_FEWEST_BEFORE_NAME: Final = 2
_WISHED_KINDS: Final = frozenset({"color", "count", "measure", "size"})
_MOST_WISHES: Final = 2
_LITTLE_TOO_LONG: Final = 1.3

Facts = tuple[LostFact, ...]
_Step = Callable[[str, int, Facts], Iterator[str]]


def shorten_title(text: str, *, limit: int, facts: Facts, wishes: Facts = ()) -> str:
    """``text`` in at most ``limit`` code points with every one of ``facts`` that it tells.

    Those of ``wishes`` that got lost follow at the end where room is left.

    Parts go in this order until it fits: promotion, asides in brackets, trailing parts after
    separators, praise, words said twice, then whole words from the end.
    """
    line = tidy_line(text)
    for step in _STEPS:
        for shorter in step(line, limit, facts):
            line = shorter
            if len(line) <= limit:
                return _add_wishes(strip_dangling(line), limit, wishes)
    return _add_wishes(cut_with_facts(line, limit=limit, facts=facts), limit, wishes)


def _add_wishes(line: str, limit: int, wishes: Facts) -> str:
    for fact in find_missing(line, wishes)[:_MOST_WISHES]:
        longer = f"{line}, {fact.text}"
        if fact.kind in _WISHED_KINDS and len(longer) <= limit:
            line = longer
    return line


def drop_promotion(text: str, facts: Facts) -> str:
    """A title without the words around it that only sell."""
    return next(_drop_promotion(text, 0, facts))


def cut_with_facts(text: str, *, limit: int, facts: Facts) -> str:
    """Cut from the end; facts that stood there follow after commas, a lost brand leads."""
    missing: list[LostFact] = []
    while True:
        lead = " ".join(fact.text for fact in missing if fact.kind == "brand")
        named = "".join(f" {fact.text}" for fact in missing if fact.kind == "product_type")
        tail = "".join(_join(fact) for fact in missing if fact.kind not in _PLACED)
        room = limit - len(named) - len(tail) - (len(lead) + 1 if lead else 0)
        head = _name_before_lead(cut_clean(text, max(room, 0)), named)
        line = tidy_line(f"{lead} {head}{tail}")
        lost = [fact for fact in find_missing(line, facts) if fact not in missing]
        if not lost or room <= 0:
            return line if len(line) <= limit else cut_clean(line, limit)
        missing = [fact for fact in facts if fact in missing or fact in lost]


def _name_before_lead(head: str, named: str) -> str:
    """The name of the product before what it is for or has ("Mani Necklace with Pendants")."""
    lead = _LEAD.search(head)
    if not named or lead is None or len(list_words(head[: lead.start()])) < _FEWEST_BEFORE_NAME:
        return head + named
    return head[: lead.start()] + named + head[lead.start() :]


def _join(fact: LostFact) -> str:
    return f" {fact.text}" if _LEAD.match(f" {fact.text}") else f", {fact.text}"


def find_missing(text: str, facts: Iterable[LostFact]) -> Facts:
    """Those of ``facts`` that ``text`` does not tell."""
    return find_lost_among(facts, Listing(key="", fields={"title": text}))


def _drop_promotion(text: str, _limit: int, facts: Facts) -> Iterator[str]:
    """Asides that promote go whole, promotion elsewhere goes by itself."""
    for aside in reversed(list(_ASIDE.finditer(text))):
        if _PROMOTION.search(aside.group()) or _COD.fullmatch(aside.group()):
            text = _without(text, aside.start(), aside.end(), facts)
    for phrase in reversed(list(_PROMOTION.finditer(text))):
        text = _without(text, phrase.start(), phrase.end(), facts)
    yield tidy_line(EMOJI.sub(" ", text))


def _drop_asides(text: str, _limit: int, facts: Facts) -> Iterator[str]:
    for aside in reversed(list(_ASIDE.finditer(text))):
        text = _without(text, aside.start(), aside.end(), facts)
        yield tidy_line(text)


def _drop_segments(text: str, limit: int, facts: Facts) -> Iterator[str]:
    """Trailing parts after separators, as long as half of the limit stays filled."""
    for gap in reversed(list(SEGMENT.finditer(text))):
        rest = text[: gap.start()]
        if len(rest) < limit * LEAST_SHARE:
            return
        if not find_missing(rest, facts):
            text = rest
            yield tidy_line(text)


def _cut_tail(text: str, limit: int, facts: Facts) -> Iterator[str]:
    """A little too long: losing the last words reads better than losing some in between."""
    if len(text) <= limit * _LITTLE_TOO_LONG:
        shorter = cut_clean(text, limit)
        if not set(find_missing(shorter, facts)) - set(find_missing(text, facts)):
            yield shorter


def _drop_fillers(text: str, _limit: int, facts: Facts) -> Iterator[str]:
    for word in reversed(list_words(text)[1:]):
        if fold(word.text) in FILLERS and not is_joined(text, word):
            text = _without(text, word.start, word.end, facts)
            yield tidy_line(text)


def _drop_repeats(text: str, _limit: int, facts: Facts) -> Iterator[str]:
    """Pairs of words that were said before, from the end ("Hair Dryer … Hair Dryer")."""
    words = list_repeats(text)
    for first, second in reversed(list(pairwise(words))):
        if text[first.end : second.start] == " " and second.end <= len(text):
            text = _without(text, first.start, second.end, facts)
            yield tidy_line(text)
            return


def _without(text: str, start: int, end: int, facts: Facts) -> str:
    """``text`` without a span, or unchanged where the span alone tells one of ``facts``."""
    rest = join_rest(text[:start], text[end:])
    return text if set(find_missing(rest, facts)) - set(find_missing(text, facts)) else rest


_STEPS: Final[tuple[_Step, ...]] = (
    _drop_promotion,
    _drop_asides,
    _drop_segments,
    _drop_fillers,
    _cut_tail,
    _drop_repeats,
)
