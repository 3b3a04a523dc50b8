"""Makes a title fit: drops what tells least, and keeps brand, type, count, size, model, colour."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from typing import Final

import regex

from domain.facts import LostFact, find_lost_among
from domain.facts.extract import list_facts
from domain.facts.numbers import list_quantities
from domain.listing import Listing
from domain.marketplaces.words import fold_word, load_lexicon
from domain.rewrite.tidy import EMOJI, PAIRS, strip_dangling, tidy_line
from domain.rewrite.words import DANGLING, FILLERS, OPENERS, PROMOTION
from domain.text import Word, cut_graphemes, fold, list_words

_ASIDE = regex.compile(
    "|".join(
        rf"{regex.escape(a)}[^{regex.escape(a + b)}]*{regex.escape(b)}" for a, b in PAIRS.items()
    )
)
SEGMENT = regex.compile(r"\s*[|;•·]\s*|,\s+|\s+[-–—/]\s+|\s+//\s+")
"""What parts a title into pieces."""
_PROMOTION = regex.compile(rf"(?<![\w-])(?:{PROMOTION})(?![\w-])[!.]*", regex.IGNORECASE)
_RANGE = regex.compile(
    r"(?:(?:up\s?to|from|ab|von)\s+)?\d+\s*(?:to|bis|hingga|à|a|-|~)\s*\d+(?:\s\p{L}+)?",
    regex.IGNORECASE,
)
_COD = regex.compile(r"\W*COD\W*", regex.IGNORECASE)
_WISHED_KINDS: Final = frozenset({"color", "count", "measure", "size"})
_MOST_WISHES: Final = 2
_DENIALS: Final = frozenset({"not", "non", "nicht", "kein", "keine", "pas", "tidak", "bukan"})
_LEAST_SHARE: Final = 0.5
_SENTENCE_SMALL_WORDS: Final = 4
_GOOD_SHARE: Final = 0.7
_LITTLE_TOO_LONG: Final = 1.3
_SHORTEST_REPEAT: Final = 3

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
        tail = "".join(_join(fact) for fact in missing if fact.kind != "brand")
        room = limit - len(tail) - (len(lead) + 1 if lead else 0)
        head = cut_clean(text, max(room, 0))
        line = tidy_line(f"{lead} {head}{tail}")
        lost = [fact for fact in find_missing(line, facts) if fact not in missing]
        if not lost or room <= 0:
            return line if len(line) <= limit else cut_clean(line, limit)
        missing = [fact for fact in facts if fact in missing or fact in lost]


def _join(fact: LostFact) -> str:
    return f" {fact.text}" if fact.kind == "product_type" else f", {fact.text}"


def cut_clean(text: str, limit: int) -> str:
    """At most ``limit`` code points, ending after a word that may end, never inside a fact."""
    if len(text) <= limit:
        return strip_dangling(text)
    inside = {
        at for fact in list_facts(text) if not fact.weak for at in range(fact.start + 1, fact.end)
    }
    words = list_words(text)
    ends = [word.end for word in words if word.end <= limit and word.end not in inside]
    whole = [end for end in ends if end == len(text) or not _is_parted(text, end)]
    if not whole:
        return cut_graphemes(text, limit).rstrip() if words and words[0].end > limit else ""
    cut = _close(text[: _after(text, whole[-1], limit)])
    parted = list(SEGMENT.finditer(cut))
    if parted and parted[-1].start() >= limit * _GOOD_SHARE:
        cut = cut[: parted[-1].start()]
    return _strip_open(strip_dangling(cut))


def _strip_open(text: str) -> str:
    """Without a last word that only opens what was cut off ("… Low" of "Low Sheen")."""
    words = list_words(text)
    while len(words) > 1 and words[-1].end == len(text) and fold(words[-1].text) in OPENERS:
        text = strip_dangling(text[: words[-1].start])
        words = list_words(text)
    return text


def _is_parted(text: str, end: int) -> bool:
    """Whether a cut at ``end`` parts a word, or a range of numbers ("6 to 14 years")."""
    ranges = (found.span() for found in _RANGE.finditer(text))
    return _runs_on(text, end) or any(start < end < last for start, last in ranges)


def _runs_on(text: str, end: int) -> bool:
    """Whether a word goes on after ``end`` with a hyphen or an apostrophe."""
    return bool(regex.match(r"[-'\u2019./&+][\p{L}\p{N}]", text[end : end + 2]))


def _after(text: str, end: int, limit: int) -> int:
    """The end of a word with the sign that belongs to it: an inch mark, a bracket, a percent."""
    sign = regex.match(r"[\"'″)%\]+]+", text[end:limit])
    return end + (sign.end() if sign else 0)


def _close(text: str) -> str:
    """Without an aside that was cut open, where enough stands before it."""
    opened = max(text.rfind(opening) for opening in PAIRS)
    closed = max(text.rfind(closing) for closing in PAIRS.values())
    return text[:opened] if opened > closed and opened > len(text) * _LEAST_SHARE else text


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
        if len(rest) < limit * _LEAST_SHARE:
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
        if fold(word.text) in FILLERS and not _is_joined(text, word):
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


def list_repeats(text: str) -> list[Word]:
    """Words that name something and stand earlier in the text too."""
    small = load_lexicon().small
    measured = {at for quantity in list_quantities(text) for at in range(*quantity.span)}
    seen: set[str] = set()
    found = []
    for word in list_words(text):
        name = fold_word(word.text)
        telling = len(name) >= _SHORTEST_REPEAT and name.isalpha() and name not in small
        telling = telling and word.start not in measured and name not in _DENIALS
        if telling and name in seen and not _is_joined(text, word):
            found.append(word)
        seen.add(name)
    return found


def list_spare_repeats(text: str) -> list[Word]:
    """Repeats that may go by themselves: no part of a sentence, the less telling last.

    In a sentence a word does work that its first telling does not do for it ("does not irritate
    and does not damage"); beside a number it is part of a name ("Pixel 9").
    """
    spare = [word for word in list_repeats(text) if not _is_in_sentence(text, word)]
    return sorted(spare, key=lambda word: (not _is_by_number(text, word), word.start))


def _is_in_sentence(text: str, word: Word) -> bool:
    gaps = [gap.span() for gap in SEGMENT.finditer(text)]
    start = max((end for _, end in gaps if end <= word.start), default=0)
    end = min((begin for begin, _ in gaps if begin >= word.end), default=len(text))
    part = [fold(w.text) for w in list_words(text[start:end])]
    return bool(_DENIALS & set(part)) or sum(w in DANGLING for w in part) >= _SENTENCE_SMALL_WORDS


def _is_by_number(text: str, word: Word) -> bool:
    before, after = text[: word.start].split()[-1:], text[word.end :].split()[:1]
    return any(any(c.isdigit() for c in neighbour) for neighbour in (*before, *after))


def _is_joined(text: str, word: Word) -> bool:
    around = text[max(0, word.start - 1) : word.start] + text[word.end : word.end + 1]
    return any(sign in "-/'\u2019&+." for sign in around)


def _without(text: str, start: int, end: int, facts: Facts) -> str:
    """``text`` without a span, or unchanged where the span alone tells one of ``facts``."""
    rest = f"{text[:start]} {text[end:]}"
    return text if set(find_missing(rest, facts)) - set(find_missing(text, facts)) else rest


_STEPS: Final[tuple[_Step, ...]] = (
    _drop_promotion,
    _drop_asides,
    _drop_segments,
    _drop_fillers,
    _cut_tail,
    _drop_repeats,
)
