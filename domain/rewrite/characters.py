"""Replaces or removes single characters that a channel forbids, keeping what they said."""

from __future__ import annotations

from typing import Final

import regex

from domain.findings import Finding
from domain.marketplaces.names import OwnNames
from domain.marketplaces.rule import Rule
from domain.rewrite.words import AND

_SAME_MEANING: Final = {
    "_": " ", "{": "(", "}": ")", "¦": ",", "|": ",", "…": "...", "±": "+/-", "×": "x", "*": "x",
    "–": "-", "—": "-", "“": '"', "”": '"', "’": "'", "‘": "'", "Æ": "AE", "æ": "ae", "/": " ",
    "【": "(", "】": ")", "\u00a0": " ",
}  # fmt: skip
_WHEN_TWICE: Final = {"%": " percent", ":": " -", "+": " plus "}
_EDITION = regex.compile(r"^\s+(?:edition|version|model|collection)\b", regex.IGNORECASE)
_DOUBLED = regex.compile(r"(?<!\w)(\p{L}{3,})\s+(?=\1(?!\w))", regex.IGNORECASE)
_STAY_BY_DIGITS: Final = frozenset("#~<>*")


def fix_characters(
    text: str, finding: Finding, rule: Rule, *, names: OwnNames, language: str
) -> str:
    """``text`` without the character that ``finding`` names, or with another of its meaning."""
    if rule.kind == "allowed_charset":
        forbidden = regex.compile(rule.text("regex_forbidden"))
        mended = forbidden.sub(lambda m: _replace_outside(m.group(), forbidden, language), text)
        return _part_doubled(mended, text)
    wrong = finding.excerpt
    if not wrong:
        return text
    spans = [m.span() for m in regex.finditer(regex.escape(wrong), text)]
    targets = [span for span in spans if not names.covers(text, *span)]
    if wrong in _STAY_BY_DIGITS:
        loose = [span for span in targets if not _touches_digit(text, *span)]
        targets = loose or targets
    replacement = _replace(wrong, regex.compile(regex.escape(rule.text("chars")) or "$^"), language)
    if wrong == "*":
        replacement = " "
    for start, end in reversed(targets):
        inside = wrong == "_" and _joins_code(text, start, end)
        text = text[:start] + ("-" if inside else replacement) + text[end:]
    return text


def _part_doubled(mended: str, before: str) -> str:
    """A comma between equal words that only a lost sign had parted: "Candle Set, Set of 4"."""
    if _DOUBLED.search(before):
        return mended
    return _DOUBLED.sub(r"\1, ", mended)


def _joins_code(text: str, start: int, end: int) -> bool:
    """Whether a sign stands inside a code ("COLAT_MW20"), which a space would tear."""
    before = regex.search(r"[\p{L}\p{N}]+$", text[:start])
    after = regex.match(r"[\p{L}\p{N}]+", text[end:])
    around = (before.group() if before else "") + (after.group() if after else "")
    return bool(before and after and regex.search(r"\d", around))


def spare_repeats(text: str, characters: str, limit: int, language: str) -> str:
    """Keep the first ``limit`` of each of ``characters``, say the later ones in words."""
    seen: dict[str, int] = {}
    out: list[str] = []
    for character in text:
        says = character != "%" or "".join(out).rstrip()[-1:].isdigit()
        seen[character] = seen.get(character, 0) + says
        if character in characters and (seen[character] > limit or not says):
            out.append(_say(character, after="".join(out).rstrip()[-1:], language=language))
        else:
            out.append(character)
    return " ".join("".join(out).split())


def _say(character: str, *, after: str, language: str) -> str:
    """A sign in words; a percent sign without a number before it says nothing."""
    if character == "&":
        return f" {AND[language]} "
    return " " if character == "%" and not after.isdigit() else _WHEN_TWICE.get(character, " ")


def drop_matches(text: str, banned: regex.Pattern[str], names: OwnNames) -> str:
    """``text`` without what ``banned`` matches, names of the listing aside."""
    for match in reversed(list(banned.finditer(text))):
        if match.group() and not names.covers(text, match.start(), match.end()):
            rest = _EDITION.sub("", text[match.end() :])
            text = f"{text[: match.start()]} {rest}"
    return text


def _replace(character: str, forbidden: regex.Pattern[str], language: str) -> str:
    if character == "&":
        return f" {AND[language]} "
    replacement = _SAME_MEANING.get(character, "")
    is_letter_like = character.isalnum()
    if any(forbidden.search(sign) for sign in replacement):
        return " "
    return replacement or ("" if is_letter_like else " ")


def _replace_outside(text: str, forbidden: regex.Pattern[str], language: str) -> str:
    """A character for one outside an alphabet; vowel signs stay, words fall apart without them."""
    return text if regex.fullmatch(r"\p{M}", text) else _replace(text, forbidden, language)


def _touches_digit(text: str, start: int, end: int) -> bool:
    return text[end : end + 2].strip()[:1].isdigit() or text[max(0, start - 1) : start].isdigit()
