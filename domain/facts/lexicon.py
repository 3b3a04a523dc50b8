"""The words that state facts, read from their data files, and how to find them in a text."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import regex
import yaml

from domain.text import Word, fold, list_forms, list_words, stem

_WORDS_FILE: Final = Path(__file__).with_name("words.yaml")
_COMMON_FILE: Final = Path(__file__).with_name("common.txt")
_KINDS: Final = ("material", "color", "size", "certification", "country", "audience", "claim",
                 "brand")  # fmt: skip
_IMITABLE: Final = frozenset({"material", "color"})
_UPPER_ONLY: Final = frozenset({"ce", "ss", "ori", "led", "uk", "eva", "asli"})
_NEVER: Final = frozenset({"für"})
"""Words that only folding makes look like an entry (fur)."""
_PLAIN_KINDS: Final = frozenset({"color", "material", "country", "audience"})
_ACRONYMS: Final = frozenset({"pvc", "abs", "eva", "tpu", "mdf", "usa", "inox"})
_PLATED: Final = frozenset({"plated", "tone", "toned"})
_NEGATION_REACH: Final = 2
_MIXED_SHARE: Final = 0.25
"""Of the English words: where sellers mix two languages, both are theirs."""
_PARTED: Final = regex.compile(r"[\n:;,.|()]")

Phrase = tuple[str, ...]
"""Stems of a phrase's words."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One fact that a phrase states."""

    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class Stated:
    """A fact found by its words; ``words`` are the first and one past the last word's index."""

    kind: str
    name: str
    words: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Phrases to facts, and the words that change what a fact means."""

    phrases: Mapping[Phrase, tuple[Entry, ...]]
    heads: frozenset[str]
    exact: frozenset[str]
    longest: int
    before: frozenset[str]
    after: frozenset[str]
    negations: frozenset[str]
    common: frozenset[str]
    common_by_language: Mapping[str, frozenset[str]]


@lru_cache(maxsize=1)
def get_lexicon() -> Lexicon:
    """The lexicon, read once."""
    stored: dict[str, Any] = yaml.safe_load(_WORDS_FILE.read_text("utf-8"))
    phrases, common = _build_phrases(stored), _read_common()
    imitation = stored["imitation"]
    return Lexicon(
        phrases=phrases,
        heads=frozenset(phrase[0] for phrase in phrases),
        exact=_list_spellings(stored),
        longest=max(len(phrase) for phrase in phrases),
        before=_read_set(imitation["before"]),
        after=_read_set(imitation["after"]),
        negations=_read_set(stored["negation"]),
        common=frozenset().union(*common.values()),
        common_by_language=common,
    )


def is_common(word: str, languages: frozenset[str] | None = None) -> bool:
    """Whether a word names nothing: it is an everyday word, of one of ``languages`` where given."""
    lexicon = get_lexicon()
    folded = fold(word)
    forms = {folded, folded.removesuffix("s")}
    if languages is None:
        return not forms.isdisjoint(lexicon.common)
    return any(not forms.isdisjoint(lexicon.common_by_language.get(one, ())) for one in languages)


def states_plainly(word: str) -> bool:
    """Whether a word states a colour, material, country or audience: DOG is no acronym."""
    folded = fold(word)
    entries = get_lexicon().phrases.get((stem(folded),), ())
    return folded not in _ACRONYMS and any(entry.kind in _PLAIN_KINDS for entry in entries)


def list_languages(words: Collection[str]) -> frozenset[str]:
    """English, and each language that a good part of some stemmed ``words`` may be of."""
    present = frozenset(words)
    hits = {name: len(stems & present) for name, stems in _list_common_stems().items()}
    enough = max(1, hits["en"] * _MIXED_SHARE)
    return frozenset({"en", *(name for name, count in hits.items() if count >= enough)})


@lru_cache(maxsize=1)
def _list_common_stems() -> dict[str, frozenset[str]]:
    common = get_lexicon().common_by_language
    return {name: frozenset(map(stem, words)) for name, words in common.items()}


def list_stated(text: str, *, nested: bool = False) -> list[Stated]:
    """The facts that ``text`` states by words, the longest phrase winning.

    With ``nested`` also what longer phrases contain (``stainless steel`` states ``steel``), which
    is how evidence is read; an imitation (``faux leather``) never states the real thing.
    """
    return list(_list_stated_once(text, nested=nested))


@lru_cache(maxsize=512)
def _list_stated_once(text: str, *, nested: bool) -> tuple[Stated, ...]:
    """Grounding, loss and score read the same title one after the other."""
    words = list_words(text)
    heads = get_lexicon().heads
    spots = [at for at, word in enumerate(words) if not heads.isdisjoint(list_forms(word.base))]
    folded = _fold_line_wise(text, words) if spots else []
    found: list[Stated] = []
    free_from = 0
    for index in spots:
        if index < free_from:
            continue
        matches = list(_match_at(words, index))
        for kind, name, length in matches if nested else matches[:1]:
            span = (index, index + length)
            qualified = _qualify(name, kind=kind, folded=folded, span=span)
            found.append(Stated(kind, qualified, span))
        if matches and not nested:
            free_from = index + matches[0][2]
    return tuple(found)


def _fold_line_wise(text: str, words: Sequence[Word]) -> list[str]:
    """The words folded; what begins a new line or part qualifies nothing before it."""
    return [
        f"|{fold(word.base)}" if _PARTED.search(text, before, word.start) else fold(word.base)
        for before, word in zip([0, *(w.end for w in words)], words, strict=False)
    ]


def _match_at(words: Sequence[Word], index: int) -> Iterator[tuple[str, str, int]]:
    """Facts whose phrase starts at one word, longest first."""
    lexicon = get_lexicon()
    for length in range(min(lexicon.longest, len(words) - index), 0, -1):
        part = words[index : index + length]
        for phrase in _list_phrases(part):
            for entry in lexicon.phrases.get(phrase, ()):
                if length > 1 or _is_meant(part[0], lexicon):
                    yield entry.kind, entry.name, length


def _list_phrases(words: Sequence[Word]) -> set[Phrase]:
    forms = [list_forms(word.base) for word in words]
    return {tuple(form[0] for form in forms), tuple(form[-1] for form in forms)}


def _is_meant(word: Word, lexicon: Lexicon) -> bool:
    """Whether one word means its entry: an everyday word may merely share its stem."""
    folded = fold(word.base)
    if word.base.lower() in _NEVER:
        return False
    if folded in lexicon.common and folded.removesuffix("s") not in lexicon.exact:
        return folded in lexicon.exact
    return folded not in _UPPER_ONLY or word.base.isupper()


def _qualify(name: str, *, kind: str, folded: Sequence[str], span: tuple[int, int]) -> str:
    """Mark a fact that the words around it make an imitation or deny."""
    lexicon = get_lexicon()
    start, end = span
    reach = folded[max(0, start - _NEGATION_REACH) : start]
    if kind == "color" and any(
        word.startswith("|") for word in folded[start - len(reach) + 1 : start + 1]
    ):
        reach = []  # "No, Red" denies no colour
    if kind in _IMITABLE:
        follows = folded[end] if end < len(folded) else ""
        after = lexicon.after if kind == "material" else _PLATED
        if (reach and reach[-1].lstrip("|") in lexicon.before) or follows in after:
            name = f"faux {name.removeprefix('faux ')}"
    if any(word.lstrip("|") in lexicon.negations for word in reach):
        return f"not {name}"
    return name


def _build_phrases(stored: Mapping[str, Any]) -> dict[Phrase, tuple[Entry, ...]]:
    phrases: dict[Phrase, tuple[Entry, ...]] = {}
    for kind in _KINDS:
        for line in stored[kind]:
            spellings = [spelling.strip() for spelling in str(line).split(",")]
            entry = Entry(kind, spellings[0])
            for phrase in {p for s in spellings for p in _spell(s)}:
                if entry not in phrases.get(phrase, ()):
                    phrases[phrase] = (*phrases.get(phrase, ()), entry)
    return phrases


def _list_spellings(stored: Mapping[str, Any]) -> frozenset[str]:
    lines = (str(line) for kind in _KINDS for line in stored[kind])
    return frozenset(fold(spelling.strip()) for line in lines for spelling in line.split(","))


def _spell(spelling: str) -> Iterator[Phrase]:
    """A phrase's stems, with hyphens as spaces and as nothing."""
    words = list_words(spelling)
    yield from _list_phrases(words)
    if len(words) > 1 and ("-" in spelling or spelling.endswith(("proof", "made"))):
        yield (stem(fold("".join(word.base for word in words))),)


def _read_set(spellings: str) -> frozenset[str]:
    return frozenset(fold(word) for word in spellings.split(", "))


def _read_common() -> dict[str, frozenset[str]]:
    """Language to its everyday words; a heading of the file names the language."""
    common: dict[str, set[str]] = {}
    language = ""
    for line in _COMMON_FILE.read_text("utf-8").splitlines():
        if line.startswith("# "):
            language = line[2:].partition(":")[0]
        else:
            common.setdefault(language, set()).update(fold(word) for word in line.split())
    return {name: frozenset(words) for name, words in common.items()}
