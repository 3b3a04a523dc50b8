"""Rules about phrases and patterns: promotion, claims, contact details, prices.

A phrase inside the listing's own names is no breach, neither is one whose neighbours make it
something else; words that are ordinary elsewhere are advice at most.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache

import regex

from domain.findings import Level
from domain.marketplaces.names import OwnNames
from domain.marketplaces.rule import Rule
from domain.marketplaces.rule_files import read_phrase_grammar
from domain.marketplaces.subject import Breach, Check, Passage, Subject, each_passage

_UNBRANDED = frozenset({"", "generic", "unbranded", "no brand", "none", "n/a", "na"})
_PER_PASSAGE = 5
_TOKEN = re.compile(r"\w+")
_SHORT_TEXT = 500
"""Characters; of longer texts it is dearer to list the words than to look for some."""
_CODE_PATTERNS = frozenset({"phone", "asin"})
_MARKUP_PATTERNS = frozenset({"active_content", "hidden_text"})


def build_forbidden(rule: Rule) -> Check:
    """None of the rule's phrases and patterns; ``content: [own_brand]`` adds the brand itself."""
    checks = [_check_patterns(name, text) for name, text in rule.params.get("patterns", {}).items()]
    if rule.texts("phrases"):
        checks.append(_check_phrases(rule.texts("phrases")))
    if "own_brand" in rule.texts("content"):
        checks.append(_check_own_brand)
    if len(checks) == 1:
        return checks[0]

    def run(subject: Subject) -> Iterator[Breach]:
        for check in checks:
            yield from check(subject)

    return run


def build_forbidden_words(rule: Rule) -> Check:
    """None of the rule's words; all of them are named in one breach."""
    banned = frozenset(rule.texts("phrases"))

    def check(passage: Passage) -> Iterator[Breach]:
        found = [word for word in dict.fromkeys(passage.text.casefold().split()) if word in banned]
        if found:
            yield Breach(values={"found": ", ".join(found)}, item=passage.item, excerpt=found[0])

    return each_passage(check)


def find_phrases(text: str, phrases: tuple[str, ...], names: OwnNames) -> list[str]:
    """Every listed phrase in a text as it stands there, names and safe contexts aside."""
    if not _may_have(text.lower(), phrases):
        return []
    return [
        match.group()
        for match in _compile_phrases(phrases).finditer(text)
        if not names.covers(text, match.start(), match.end())
    ]


def _has_any(text: str, parts: Iterable[str]) -> bool:
    # A plain loop: this runs for every text and rule, and a generator would double its time.
    for part in parts:  # noqa: SIM110
        if part in text:
            return True
    return False


def _may_have(lowered: str, phrases: tuple[str, ...]) -> bool:
    """Whether a closer look pays: nearly no text has a word of a list's phrases."""
    if len(lowered) > _SHORT_TEXT:
        return _has_any(lowered, _list_anchors(phrases))
    return not _list_tokens(lowered).isdisjoint(_list_anchor_tokens(phrases))


@lru_cache(maxsize=64)
def _list_tokens(lowered: str) -> frozenset[str]:
    return frozenset(_TOKEN.findall(lowered))


@lru_cache(maxsize=128)
def _list_anchor_tokens(phrases: tuple[str, ...]) -> frozenset[str]:
    """One token of each phrase, with the endings that its last word may have."""
    found: set[str] = set()
    for phrase in phrases:
        tokens = _TOKEN.findall(phrase)
        anchor = max(tokens, key=len)
        found |= {anchor, f"{anchor}s", f"{anchor}es"} if anchor == tokens[-1] else {anchor}
    return frozenset(found)


@lru_cache(maxsize=128)
def _list_anchors(phrases: tuple[str, ...]) -> tuple[str, ...]:
    """One word of each phrase: a text without any of them needs no closer look."""
    return tuple({max(regex.split(r"[\s-]+", phrase), key=len) for phrase in phrases})


def _check_phrases(phrases: tuple[str, ...]) -> Check:
    soft = read_phrase_grammar().soft
    anchors = _list_anchor_tokens(phrases)

    def check(passage: Passage) -> Iterator[Breach]:
        if len(passage.plain) <= _SHORT_TEXT and passage.tokens.isdisjoint(anchors):
            return
        found = dict.fromkeys(find_phrases(passage.plain, phrases, passage.names))
        for text in list(found)[:_PER_PASSAGE]:
            level = Level.ADVICE if text.casefold() in soft else None
            values = {"found": text}
            yield Breach(code="phrase", values=values, item=passage.item, excerpt=text, level=level)

    return each_passage(check)


@lru_cache(maxsize=128)
def _compile_phrases(phrases: tuple[str, ...]) -> regex.Pattern[str]:
    """One pattern for a list, the longest phrase first so that it is the one named."""
    ordered = sorted(set(phrases), key=lambda phrase: (-len(phrase), phrase))
    return regex.compile("|".join(_phrase_pattern(phrase) for phrase in ordered), regex.IGNORECASE)


def _phrase_pattern(phrase: str) -> str:
    grammar = read_phrase_grammar()
    if phrase in grammar.patterns:
        return grammar.patterns[phrase]
    words = [regex.escape(word, special_only=True) for word in regex.split(r"[\s-]+", phrase)]
    plural = "(?:e?s)?" if phrase[-1].isalpha() else ""
    before, after = grammar.contexts.get(phrase, ((), ()))
    guard_before = rf"(?<!\b(?:{'|'.join(before)})[\s-])" if before else ""
    guard_after = rf"(?![\s,&-]+(?:{'|'.join(after)})\b)" if after else ""
    body = r"[\s-]+".join(words)
    return rf"(?<![\w-]){guard_before}{body}{plural}(?!\w|-\w){guard_after}"


def _check_patterns(name: str, pattern: str) -> Check:
    compiled = regex.compile(pattern)
    needs = read_phrase_grammar().needs.get(name, ("",))

    def check(passage: Passage) -> Iterator[Breach]:
        in_markup = name in _MARKUP_PATTERNS
        text = passage.text if in_markup else passage.visible
        if not _has_any(text.lower() if in_markup else passage.visible_lower, needs):
            return
        found = next(_iter_matches(compiled, text, passage.names, codes=name in _CODE_PATTERNS), "")
        if found:
            yield Breach(code=name, values={"found": found}, item=passage.item, excerpt=found)

    return each_passage(check)


def _iter_matches(
    compiled: regex.Pattern[str], text: str, names: OwnNames, *, codes: bool
) -> Iterator[str]:
    for match in compiled.finditer(text):
        own_code = codes and any(match.group() in code for code in names.codes)
        if not own_code and not names.covers(text, match.start(), match.end()):
            yield match.group()


def _check_own_brand(subject: Subject) -> Iterable[Breach]:
    brand = subject.listing.brand.strip()
    if brand.casefold() in _UNBRANDED:
        return
    bounded = rf"(?<!\w){regex.escape(brand)}(?!\w)"
    for passage in subject.passages:
        match = regex.search(bounded, passage.text, regex.IGNORECASE)
        if match:
            yield Breach(code="own_brand", values={"found": match.group()}, excerpt=match.group())


KINDS: Mapping[str, Callable[[Rule], Check]] = {
    "forbidden": build_forbidden,
    "forbidden_phrases": build_forbidden,
    "forbidden_pattern": build_forbidden,
    "forbidden_topic": build_forbidden,
    "forbidden_words": build_forbidden_words,
}
