"""What a title tells whole or not at all: an honest cut drops such a piece, never half of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import pairwise
from typing import Final

import regex

from domain.facts.extract import list_facts
from domain.facts.lexicon import is_common
from domain.facts.naming import find_name
from domain.facts.nouns import is_noun, list_compounds
from domain.facts.numbers import NUMBER_WORDS, list_quantities
from domain.rewrite.cut import SEGMENT
from domain.rewrite.words import DANGLING, LEADS, OPENERS, PAIRED, PLAIN
from domain.text import Word, fold, list_words

Span = tuple[int, int]

_PERCENT: Final = regex.compile(
    r"(?<!\d)\d{1,2}\s?%\s?[\p{L} ]+?"
    r"(?:(?:\s*[,/&+]\s*|\s+(?:and|und|et|y|dan)\s+)\d{1,2}\s?%\s?\p{L}+"
    r"(?:\s(?!(?:and|und|et|y|dan)\s)\p{Ll}+)?)+"
)
_MIX_BEFORE: Final = regex.compile(r"(?:\p{L}+\s*,\s*)+$")
_QUANTITY_ROLE: Final = regex.compile(
    r"[\s-]?(?:RAM|ROM|SSD|HDD|eMMC|storage|battery|batteries|camera|akku|baterai|"
    r"(?:\p{L}+ )?(?:warranty|garansi|garantie)|years?|months?|tahun|bulan)"
    r"(?:[\s-](?:warranty|garansi|garantie|old))?(?!\p{L})",
    regex.IGNORECASE,
)
_BEFORE_QUANTITY: Final = regex.compile(
    r"(?<!\p{L})(?:up\s?to|max\.?|min\.?|approx\.?|bis zu|jusqu['\u2019]à|hasta|hingga|garansi|ram|"
    r"rom|ssd)\s*:?\s*$",
    regex.IGNORECASE,
)
_OR: Final = regex.compile(r"\s*/\s*")
_COUNTED: Final = regex.compile(r" \p{Lu}\p{L}+(?: \p{L}+)?")
_LIST_GAP: Final = regex.compile(r"\s*[,|/&]\s*|\s+and\s+")
_SLASHED: Final = regex.compile(
    r"(?:[\p{L}\p{N}-]+ )?[\p{L}\p{N}-]+(?:/[\p{L}\p{N}-]+(?: [\p{L}\p{N}-]+)?(?=/|\b))+"
)
_CODE: Final = regex.compile(
    r"(?<![\p{L}\p{N}])(?:(?=\S*\d)[\p{L}\p{N}]+(?:[-./][\p{L}\p{N}]+)+"
    r"|\p{L}{1,3}/\p{L}{1,4}(?!\p{L}))"
)
_CHOICE: Final = regex.compile(r"[\p{L}\p{N}]+(?: / [\p{L}\p{N}]+)+")
_TOKEN: Final = regex.compile(r"[\p{L}\p{M}\p{N}]+")
_ENDS_OPEN: Final = regex.compile(r"(?<!\p{L})(?:and|or|und|oder|et|y|dan)$", regex.IGNORECASE)
_TRAILING: Final = regex.compile(r"\s+-\s+[\d.]+\s?\p{L}*$")
_SHORT_PHRASE: Final = 6
"""Words; a longer phrase of what a product is for lists several things."""

_SHORT_ITEM: Final = 6
_SHORTEST_SHARED: Final = 3
_FEWEST_WORDS: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Atom:
    """A piece of a title; ``listed`` where it lists models, which may share their name."""

    start: int
    end: int
    listed: bool = False


def list_atoms(text: str, language: str = "", *, severe: bool = False) -> list[Atom]:
    """The pieces of ``text`` that go whole or stay whole; they may overlap.

    With ``severe`` only those of which a half says something untrue.
    """
    lists = [Atom(start=s, end=e, listed=True) for s, e in list_model_lists(text)]
    spans = [
        *_list_quantities(text),
        *(quantity.span for quantity in list_quantities(text)),
        *_list_mixes(text),
        *_list_names(text),
        *list_compounds(text),
        *_list_slashed(text),
        *_list_pairs(text, severe=severe),
        *(found.span() for found in _CODE.finditer(text)),
    ]
    if not severe:
        led = list_led(text, language)
        spans += [(s, e) for s, e in led if len(text[s:e].split()) <= _SHORT_PHRASE]
        spans += [found.span() for found in _CHOICE.finditer(text)]
    inside = {at for one in lists for at in range(one.start, one.end)}
    return [*lists, *(Atom(start=s, end=e) for s, e in spans if s not in inside)]


def find_parted(before: str, after: str, language: str = "", *, severe: bool = False) -> str:
    """The first piece of ``before`` that ``after`` tells by halves, or a noun it lost; ""."""
    told = tokens(after)
    joined = f" {' '.join(told)} "
    count, source = Counter(told), Counter(tokens(before))
    for atom in list_atoms(before, language, severe=severe):
        own = tokens(before[atom.start : atom.end])
        if f" {' '.join(own)} " in joined:
            continue
        if atom.listed and f" {' '.join(dict.fromkeys(own))} " in joined:
            continue
        if any(count[word] > source[word] - n for word, n in Counter(own).items()):
            return before[atom.start : atom.end]
    return _find_lost_noun(before, after) or ("" if severe else _find_open_end(before, after))


def tokens(text: str) -> list[str]:
    """The words and numbers of a text, folded, without signs."""
    return [fold(found) for found in _TOKEN.findall(text)]


def list_model_lists(text: str) -> Iterator[Span]:
    """Where models of one name are listed: "iPad 2, iPad 3", "Iconia W3|Iconia W4"."""
    gaps = [gap.span() for gap in _LIST_GAP.finditer(text)]
    parts = list(zip([0, *(e for _, e in gaps)], [*(s for s, _ in gaps), len(text)], strict=True))
    run: list[Span] = []
    for one, two in pairwise(parts):
        shared = _list_shared(text[slice(*one)], text[slice(*two)])
        if shared:
            start = one[0] + text[slice(*one)].rfind(shared)
            run = [run[0], two] if run else [(start, one[1]), two]
        elif run:
            yield run[0][0], run[-1][1]
            run = []
    if run:
        yield run[0][0], run[-1][1]


def _list_shared(one: str, two: str) -> str:
    """The name with which both parts of a list go on about models; "" where they do not."""
    after = list_words(two)
    second = {word.base for word in after[:2]} if len(after) <= _SHORT_ITEM else set()
    for word in list_words(one)[-_SHORT_ITEM:]:
        is_name = len(word.base) >= _SHORTEST_SHARED and any(c.isupper() for c in word.base)
        is_name = is_name and not word.base.isnumeric() and not is_noun(word.base)
        is_name = is_name and (not is_common(word.base) or word.base == "Apple")
        if is_name and word.base in second and any(c.isdigit() for c in one + two):
            return word.base
    return ""


def _list_quantities(text: str) -> Iterator[Span]:
    chain = -1
    found = list_quantities(text)
    for at, one in enumerate(found):
        start = chain if chain >= 0 else one.start
        if chain < 0 and (led := _BEFORE_QUANTITY.search(text, max(0, start - 16), start)):
            start = led.start()
        role = _QUANTITY_ROLE.match(text, one.end)
        end = role.end() if role else one.end
        later = found[at + 1] if at + 1 < len(found) else None
        is_or = later is not None and _OR.fullmatch(text, end, later.start) is not None
        chain = start if is_or and one.dimension else -1
        if not role and one.dimension == "count" and (of := _COUNTED.match(text, end)):
            end = of.end()
        if not is_or and (end > one.end or start < one.start):
            yield start, end


def _list_mixes(text: str) -> Iterator[Span]:
    for found in _PERCENT.finditer(text):
        before = _MIX_BEFORE.search(text, 0, found.start())
        yield before.start() if before else found.start(), found.end()


def _list_names(text: str) -> Iterator[Span]:
    """Uncommon capitalised words side by side are one name: "Radha Krishna"."""
    taken = {at for f in list_facts(text) if not _is_name(f.kind) for at in range(f.start, f.end)}
    taken |= {at for span in list_compounds(text) for at in range(*span)}
    run: list[Word] = []
    for word in [*list_words(text), None]:
        is_next = word is not None and word.start not in taken and _is_own_name(word, text)
        if word and is_next and (not run or text[run[-1].end : word.start] == " "):
            run.append(word)
            continue
        if len(run) > 1:
            yield run[0].start, run[-1].end
        run = [word] if word and is_next else []


def _is_name(kind: str) -> bool:
    return kind in {"brand", "word"}


def _is_own_name(word: Word, text: str) -> bool:
    is_title = word.base.istitle() and word.base.isalpha() and not text.isupper()
    is_title = is_title and fold(word.base) not in PLAIN
    return is_title and not is_common(word.base) and not is_noun(word.base)


def _list_pairs(text: str, *, severe: bool) -> Iterator[Span]:
    """A small or opening word with what it leads to, and pairs of words that are one thing."""
    for one, two in pairwise(list_words(text)):
        if text[one.end : two.start] not in {" ", "-", " & "}:
            continue
        first, second = fold(one.text), fold(two.text)
        if f"{first} {second}" in PAIRED:
            yield one.start, two.end
        is_led = not severe and first in DANGLING - {"and", "und", "et", "y", "dan", "or", "oder"}
        if is_led or (not severe and (first in OPENERS or first in NUMBER_WORDS)):
            yield one.start, two.end


def list_led(text: str, language: str = "") -> Iterator[Span]:
    """What a product is for or has: from "with" or "for" to the end of the part, less its name."""
    name = find_closing_name(text, language)
    gaps = [gap.start() for gap in SEGMENT.finditer(text)]
    closing = text.rfind(name) if name else -1
    words = [word for word in list_words(text) if fold(word.text) in LEADS and word.start > 0]
    for at, word in enumerate(words):
        ends = [*(gap for gap in gaps if gap > word.end), len(text)]
        end = min([ends[0], *([words[at + 1].start] if at + 1 < len(words) else [])])
        follows = text[word.end : closing].strip()
        is_closed = word.end < closing < end and bool(follows) and follows[-1].isalnum()
        end = closing if is_closed and not _ENDS_OPEN.search(follows) else end
        yield word.start, len(text[:end].rstrip())


def find_closing_name(title: str, language: str = "") -> str:
    """The name of the product where it ends the title as catalogues write it; "" elsewhere.

    A size after a dash may follow it ("Showpiece - 20 cm").
    """
    text = _TRAILING.sub("", title)
    words = list_words(text)
    if len(words) < _FEWEST_WORDS or words[-1].end != len(text):
        return ""
    found = find_name(text, language=language)
    is_named = bool(found) and text.endswith(found)
    if not is_named and (not is_noun(words[-1].base) or _names_before(words)):
        return ""
    compounds = [start for start, end in list_compounds(text) if end == len(text)]
    start = min([words[-1].start, len(text) - len(found) if is_named else len(text), *compounds])
    return text[_lengthen(text, words, start) :]


def _names_before(words: Sequence[Word]) -> bool:
    """Whether a noun before "for" or "with" names the product already."""
    leads = [at for at, word in enumerate(words) if at and fold(word.text) in LEADS]
    return bool(leads) and is_noun(words[leads[0] - 1].base)


def _lengthen(text: str, words: Sequence[Word], start: int) -> int:
    """A noun before the name belongs to it ("Laptop Table")."""
    before = next((word for word in reversed(words) if word.end < start), None)
    is_next = before is not None and text[before.end : start] == " "
    return before.start if before and is_next and is_noun(before.base) else start


def _list_slashed(text: str) -> Iterator[Span]:
    """Alternatives of two words each: of "Fast Charger/Portable Charger" no "Fast" stays."""
    for chain in _SLASHED.finditer(text):
        at = chain.start()
        for part in chain.group().split("/"):
            if " " in part:
                yield at, at + len(part)
            at += len(part) + 1


def _find_lost_noun(before: str, after: str) -> str:
    """The noun that ends a title in one piece, where the cut lost it."""
    if SEGMENT.search(_TRAILING.sub("", before)):
        return ""
    name = find_closing_name(before)
    told = {word.removesuffix("s") for word in tokens(after)}
    return name if {word.removesuffix("s") for word in tokens(name)[-1:]} - told else ""


def _find_open_end(before: str, after: str) -> str:
    """A describing word at which a phrase was cut off: it says nothing without its noun."""
    words, kept = list_words(before), list_words(after)
    blocks = _match(words, kept)
    places = {at for start, _, size in blocks for at in range(start, start + size)}
    told = set(tokens(after))
    for one, two in pairwise(sorted(places)):
        pair = (words[one], words[one + 1])
        if two > one + 1 and _is_open(before, pair, words[two], told=told):
            return words[one].text
    last = max(places, default=-1)
    is_cut = 0 <= last < len(words) - 1
    return words[last].text if is_cut and _is_open(before, (words[last], words[last + 1])) else ""


def _match(one: Sequence[Word], two: Sequence[Word]) -> list[tuple[int, int, int]]:
    matcher = SequenceMatcher(
        None, [fold(w.base) for w in one], [fold(w.base) for w in two], autojunk=False
    )
    return [(block.a, block.b, block.size) for block in matcher.get_matching_blocks()]


def _is_open(
    text: str, pair: tuple[Word, Word], resumed: Word | None = None, *, told: Collection[str] = ()
) -> bool:
    word, follows = pair
    if SEGMENT.search(text, word.end, follows.start) or fold(follows.text) in DANGLING:
        return False
    if resumed is not None and not SEGMENT.search(text, word.end, resumed.start):
        is_lost = is_noun(follows.base) and fold(follows.base) not in told
        return is_lost and word.base.isalpha() and not is_noun(word.base)
    is_plain = word.base.isalpha() and is_common(word.base)
    return is_plain and not is_noun(word.base)
