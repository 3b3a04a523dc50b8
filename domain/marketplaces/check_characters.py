"""Rules about single characters: forbidden ones, allowed alphabets, scripts."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping

import regex

from domain.marketplaces.rule import Rule
from domain.marketplaces.subject import Breach, Check, Passage, each_passage

_SHOWN = 8

_CONTEXTS = {
    "#": regex.compile(r"#\s?\p{Lu}{0,3}-?\d"),
    "~": regex.compile(r"~\s?\d"),
    "<": regex.compile(r"<\s?=?\s?\d"),
    ">": regex.compile(r">\s?=?\s?\d"),
    "*": regex.compile(r"(?<=\d\s?(?:mm|cm|m|in|inch|ft)?\s?)\*\s?(?=\d)"),
}
"""Where a character of a context_chars rule is part of an identifier or a measure."""

_FOREIGN = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}]+|[^\P{L}\p{Latin}]{2,}")


def build_forbidden_chars(rule: Rule) -> Check:
    """None of ``chars`` (or of ``patterns``); ``exception`` exempts what stands in a name.

    A forbidden letter inside a word is spelling (the "â" of "château"), not a broken character.
    """
    own = "".join(regex.escape(character) for character in rule.text("chars"))
    patterns = [*rule.params.get("patterns", {}).values()]
    banned = regex.compile("|".join([*([f"[{own}]"] if own else []), *patterns]))
    return _each_match(banned, exempt=_in_name if rule.text("exception") else _is_spelling)


def build_context_chars(rule: Rule) -> Check:
    """Each of ``chars`` only as part of an identifier or a measure."""
    banned = regex.compile(f"[{regex.escape(rule.text('chars'))}]")

    def allowed(passage: Passage, match: regex.Match[str]) -> bool:
        if _in_name(passage, match):
            return True
        context = _CONTEXTS.get(match.group())
        return context is not None and context.match(passage.text, match.start()) is not None

    return _each_match(banned, exempt=allowed)


def build_allowed_charset(rule: Rule) -> Check:
    """No character that ``regex_forbidden`` matches, after NFC."""
    forbidden = regex.compile(rule.text("regex_forbidden"))

    def check(passage: Passage) -> Iterator[Breach]:
        found = forbidden.findall(unicodedata.normalize("NFC", passage.text))
        if found:
            yield _breach(found, passage)

    return each_passage(check)


def build_forbidden_regex(rule: Rule) -> Check:
    """Nothing that ``regex`` matches, names and codes of the row aside."""
    return _each_match(regex.compile(rule.text("regex")), exempt=_in_name)


def build_max_char_repeat(rule: Rule) -> Check:
    """Each of ``chars`` at most ``limit`` times."""
    watched, limit = frozenset(rule.text("chars")), rule.limit or 1

    def check(passage: Passage) -> Iterator[Breach]:
        if watched.isdisjoint(passage.text):
            return
        counts = Counter(character for character in passage.text if character in watched)
        often = [character for character, count in counts.items() if count > limit]
        if often:
            yield Breach(values={"found": show_characters(often)}, excerpt=often[0])

    return each_passage(check)


def build_language(_rule: Rule) -> Check:
    """No letters of another script; a single Greek letter is a symbol."""
    return _each_match(_FOREIGN, exempt=_in_name)


def show_characters(characters: Iterable[str]) -> str:
    """The distinct characters for a person; those one cannot see by their code point."""
    distinct = list(dict.fromkeys(characters))
    shown = [
        text if text.isprintable() and text.strip() else " ".join(f"U+{ord(c):04X}" for c in text)
        for text in distinct[:_SHOWN]
    ]
    return " ".join(shown) + (" …" if len(distinct) > _SHOWN else "")


def _each_match(
    banned: regex.Pattern[str], *, exempt: Callable[[Passage, regex.Match[str]], bool]
) -> Check:
    def check(passage: Passage) -> Iterator[Breach]:
        found = [
            match.group() for match in banned.finditer(passage.text) if not exempt(passage, match)
        ]
        if found:
            yield _breach(found, passage)

    return each_passage(check)


def _breach(found: list[str], passage: Passage) -> Breach:
    return Breach(values={"found": show_characters(found)}, item=passage.item, excerpt=found[0])


def _in_name(passage: Passage, match: regex.Match[str]) -> bool:
    return passage.names.covers(passage.text, match.start(), match.end())


def _is_spelling(passage: Passage, match: regex.Match[str]) -> bool:
    if not match.group().isalpha():
        return False
    around = passage.text[max(0, match.start() - 1) : match.end() + 1]
    return len(around) > 1 and around.isalpha()


KINDS: Mapping[str, Callable[[Rule], Check]] = {
    "forbidden_chars": build_forbidden_chars,
    "context_chars": build_context_chars,
    "allowed_charset": build_allowed_charset,
    "forbidden_regex": build_forbidden_regex,
    "max_char_repeat": build_max_char_repeat,
    "language": build_language,
}
