"""Repairs one text: asks the checker what is wrong, mends it, and asks again."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

import regex

from domain.facts import LostFact, find_unsupported
from domain.findings import Finding, Level
from domain.listing import LIST_FIELDS, Listing
from domain.marketplaces.checker import check_field
from domain.marketplaces.names import OwnNames
from domain.marketplaces.rule import Rule, RuleSet
from domain.marketplaces.subject import count_bytes, count_chars
from domain.marketplaces.words import fold_word
from domain.marketplaces.words import list_words as list_channel_words
from domain.rewrite.atoms import find_parted
from domain.rewrite.avoid import drop_avoided
from domain.rewrite.capitals import calm_capitals, raise_words
from domain.rewrite.characters import drop_matches, fix_characters, spare_repeats
from domain.rewrite.cut import SEGMENT, cut_clean
from domain.rewrite.phrases import drop_phrase, drop_sentences
from domain.rewrite.prose import cut_prose, fix_markup
from domain.rewrite.repeats import list_repeats, list_spare_repeats
from domain.rewrite.shorten import drop_promotion, find_missing, shorten_title
from domain.rewrite.tidy import join_rest, strip_dangling, tidy_line
from domain.rewrite.whole import say_once, shorten_whole
from domain.text import SAFE_TAGS, blank_broken, clean_html, is_html, list_words

_DIGITS_ALONE = regex.compile(r"[(\[]\s*\d[\s\d]*[)\]]")
"""What is left of an aside in another script says nothing."""

PROSE: Final = frozenset({"description", "short_description"})
"""Fields of several sentences and lines; all others are one line each."""

SENTENCES: Final = PROSE | {"bullets", "highlights", "seo_description"}
"""Fields of sentences, where a word may lean on another."""

_MOST_ROUNDS: Final = 24
_LEAST_SHARE: Final = 0.5
_IMPROVABLE: Final = frozenset(
    {"no_all_caps", "no_gimmicky_caps", "title_case", "max_length", "max_words", "forbidden_chars",
     "forbidden_phrases", "forbidden_words", "max_word_repeat", "style", "html_policy"}
)  # fmt: skip
"""Kinds of advice that a program can follow without judging the text."""


_IMPROVABLE_IN_TITLE: Final = _IMPROVABLE - {"max_length", "max_words", "max_word_repeat"}
"""A title is cut because it must be, never because it had better: words there are found by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """The text under repair and what it is judged by; ``facts`` must survive in it."""

    name: str
    listing: Listing
    rules: RuleSet
    language: str
    facts: tuple[LostFact, ...] = ()
    wishes: tuple[LostFact, ...] = ()
    advice: bool = False
    avoid: tuple[str, ...] = ()
    whole: bool = False

    @property
    def names(self) -> OwnNames:
        """The listing's own names, which rules exempt."""
        return OwnNames.of(self.listing)

    @property
    def is_prose(self) -> bool:
        """Whether sentences may go as wholes."""
        return self.name in PROSE


def repair_text(text: str, patient: Patient) -> str:
    """``text`` mended as far as rules can mend it; it may still break some.

    A title of which a cut would leave half a thing is cut by whole pieces; where that cannot be
    done and half of it would be untrue, it stays as it is.
    """
    mended = _repair(text, patient)
    if patient.name != "title" or not find_parted(text, mended, patient.language):
        return mended
    by_pieces = _repair(text, replace(patient, whole=True))
    if not find_parted(text, by_pieces, patient.language) and not _is_broken(by_pieces, patient):
        return by_pieces
    is_untrue = find_parted(text, mended, patient.language, severe=True)
    return text if is_untrue else mended


def _is_broken(text: str, patient: Patient) -> bool:
    return any(finding.level is Level.HARD for finding in _check(text, patient))


def _repair(text: str, patient: Patient) -> str:
    current = text
    for at in range(_MOST_ROUNDS):
        findings = [f for f in _check(current, patient) if _is_wanted(f, patient)]
        if at == 0 and findings and _bans_promotion(patient):
            current = drop_promotion(current, patient.facts) or current
            continue
        if findings and not patient.is_prose and blank_broken(current) != current:
            current = tidy_line(current)
            continue
        mended = _mend_first(current, findings, patient)
        if mended == current:
            break
        current = mended
    return _drop_avoided(current, patient)


def _drop_avoided(text: str, patient: Patient) -> str:
    """Without the words that the seller avoids, as far as what is left reads well."""
    if not patient.avoid:
        return text
    kept = drop_avoided(
        text,
        patient.avoid,
        names=patient.names,
        language=patient.language,
        facts=patient.facts,
        in_sentences=patient.name in SENTENCES,
    )
    line = _tidy(kept, text, patient)
    return text if line == text or _is_worse(line, patient) else line


def _is_worse(text: str, patient: Patient) -> bool:
    """Whether a text breaks a rule, or says what the row does not ("leather" of "faux leather")."""
    wanted = (f for f in _check(text, patient) if _is_wanted(f, patient))
    hard = any(f.level is Level.HARD for f in wanted)
    value = (text,) if patient.name in LIST_FIELDS else text
    return hard or bool(find_unsupported({patient.name: value}, patient.listing))


def _bans_promotion(patient: Patient) -> bool:
    """Whether a title under repair is also rid of promotion that the rule's lists do not know."""
    rules = patient.rules.for_field("title") if patient.name == "title" else ()
    return any(r.kind == "forbidden_phrases" and r.level is Level.HARD for r in rules)


def _check(text: str, patient: Patient) -> tuple[Finding, ...]:
    value = (text,) if patient.name in LIST_FIELDS else text
    return check_field(patient.name, value, patient.listing, patient.rules)


def _is_wanted(finding: Finding, patient: Patient) -> bool:
    if patient.name in LIST_FIELDS and finding.item is None:
        return False  # about the list as a whole, not about this item
    if finding.level is Level.HARD:
        return True
    rule = patient.rules.find_rule(finding.rule)
    allowed = _IMPROVABLE_IN_TITLE if patient.name == "title" else _IMPROVABLE
    return patient.advice and rule is not None and rule.kind in allowed


def _mend_first(text: str, findings: Iterable[Finding], patient: Patient) -> str:
    """The text after the first mend that changes it and leaves something of it."""
    for finding in sorted(findings, key=lambda f: _rank(f, patient)):
        rule = patient.rules.find_rule(finding.rule)
        mend = _MENDS.get(rule.kind) if rule else None
        if rule is None or mend is None:
            continue
        mended = _tidy(mend(text, finding, rule, patient), text, patient)
        if mended.strip() and mended != text:
            return mended
    return text


def _rank(finding: Finding, patient: Patient) -> int:
    """Lengths come last: what other mends take away need not be cut."""
    rule = patient.rules.find_rule(finding.rule)
    return 1 if rule is not None and rule.kind in {"max_length", "length_range"} else 0


def _tidy(mended: str, before: str, patient: Patient) -> str:
    if mended == before or patient.is_prose:
        return mended.strip()
    line = strip_dangling(mended) if patient.name == "title" else tidy_line(mended)
    is_lowered = before[:1].isupper() and line[:1].islower() and patient.name != "search_terms"
    return line[:1].upper() + line[1:] if is_lowered else line


_Mend = Callable[[str, Finding, Rule, Patient], str]


def _mend_characters(text: str, finding: Finding, rule: Rule, patient: Patient) -> str:
    if rule.kind == "max_char_repeat":
        return spare_repeats(text, rule.text("chars"), rule.limit or 1, patient.language)
    return fix_characters(text, finding, rule, names=patient.names, language=patient.language)


def _mend_regex(text: str, _finding: Finding, rule: Rule, patient: Patient) -> str:
    return drop_matches(text, regex.compile(rule.text("regex")), patient.names)


def _mend_language(text: str, _finding: Finding, _rule: Rule, patient: Patient) -> str:
    foreign = regex.compile(r"(?:[^\P{L}\p{Latin}]+\p{M}*)+")
    return _DIGITS_ALONE.sub(" ", drop_matches(text, foreign, patient.names))


def _mend_phrase(text: str, finding: Finding, _rule: Rule, patient: Patient) -> str:
    if patient.is_prose and _is_active(finding.excerpt):
        return clean_html(text, allowed=SAFE_TAGS)
    if patient.is_prose:
        return drop_sentences(text, finding.excerpt)
    return drop_phrase(text, finding.excerpt, patient.names)


def _is_active(excerpt: str) -> bool:
    """Whether a pattern found markup that acts, not words."""
    return excerpt.lstrip().startswith("<") or excerpt.lower().startswith("javascript:")


def _mend_repeats(text: str, finding: Finding, _rule: Rule, patient: Patient) -> str:
    """Drop the last spare telling of the word that is told too often, else the part it ends in."""
    wanted = fold_word(finding.excerpt.split(",")[0].strip())
    repeats = [w for w in list_spare_repeats(text) if fold_word(w.text) == wanted]
    if patient.is_prose:
        return text
    if patient.whole:
        return say_once(text, wanted)
    shorter = _drop_part(text, wanted, patient)
    if shorter or not repeats:
        return shorter or _drop_last_word(text, wanted)
    last = repeats[-1]
    start, end = _widen(text, last.start, last.end)
    return join_rest(text[:start], text[end:])


def _widen(text: str, start: int, end: int) -> tuple[int, int]:
    """A repeat with the repeats right beside it: of "Hair Dryer" no "Dryer" stays behind."""
    repeats = list_repeats(text)
    first = next((word.start for word in repeats if word.end == start - 1), start)
    last = next((word.end for word in repeats if word.start == end + 1), end)
    return first, last


def _drop_part(text: str, wanted: str, patient: Patient) -> str:
    """Without the last part between separators that tells the word; "" where that costs too much.

    A part that tells one of the title's facts stays, and so does more than half of the text.
    """
    ends = [*(gap.start() for gap in SEGMENT.finditer(text)), len(text)]
    for start, end in reversed(list(pairwise(ends))):
        tells = any(fold_word(word.text) == wanted for word in list_words(text[start:end]))
        rest = text[:start] + text[end:]
        if tells and len(rest) >= len(text) * _LEAST_SHARE:
            return "" if set(find_missing(rest, patient.facts)) else rest
    return ""


def _drop_last_word(text: str, wanted: str) -> str:
    told = [w for w in list_channel_words(text) if fold_word(w.text) == wanted][1:]
    told = told or list_channel_words(text)[-1:]
    last = told[-1]
    return join_rest(text[: last.start], text[last.end :]) if len(list_words(text)) > 1 else text


def _mend_capitals(text: str, _finding: Finding, _rule: Rule, patient: Patient) -> str:
    return calm_capitals(text, patient.listing)


def _mend_title_case(text: str, _finding: Finding, _rule: Rule, patient: Patient) -> str:
    return raise_words(text, patient.listing)


def _mend_length(text: str, _finding: Finding, rule: Rule, patient: Patient) -> str:
    limit = rule.limit
    size = count_bytes(text) if rule.unit == "bytes" else count_chars(text)
    if limit is None or size <= limit:
        return text
    if rule.unit == "bytes":
        return _cut_bytes(text, limit)
    if patient.is_prose or patient.name == "seo_description" or is_html(text):
        return cut_prose(text, limit)
    if patient.whole:
        return shorten_whole(text, limit=limit, facts=patient.facts, language=patient.language)
    if patient.name == "title":
        return shorten_title(text, limit=limit, facts=patient.facts, wishes=patient.wishes)
    return cut_clean(text, limit)


def _cut_bytes(text: str, limit: int) -> str:
    """Whole words in at most ``limit`` UTF-8 bytes, each word once."""
    kept: list[str] = []
    for word in dict.fromkeys(text.split()):
        if count_bytes(" ".join([*kept, word])) <= limit:
            kept.append(word)
    return " ".join(kept)


def _mend_words(text: str, _finding: Finding, rule: Rule, patient: Patient) -> str:
    """At most ``limit`` words of a title."""
    words = text.split()
    if rule.limit is None or len(words) <= rule.limit or patient.name != "title":
        return text
    room = len(" ".join(words[: rule.limit]))
    if patient.whole:
        return shorten_whole(text, limit=room, facts=patient.facts, language=patient.language)
    return shorten_title(text, limit=room, facts=patient.facts)


def _mend_markup(text: str, _finding: Finding, rule: Rule, patient: Patient) -> str:
    del patient
    return fix_markup(text, rule)


def _mend_style(text: str, finding: Finding, rule: Rule, patient: Patient) -> str:
    if patient.name == "search_terms":
        lowered = regex.sub(r"[^\p{L}\p{M}\p{N}\s'\u2019-]", " ", text).lower()
        return " ".join(dict.fromkeys(lowered.split()))
    if patient.name == "bullets":
        stripped = text.strip().rstrip(".;,!?:").rstrip()
        return stripped[:1].upper() + stripped[1:]
    if finding.excerpt.casefold() in rule.texts("phrases"):
        return drop_phrase(text, finding.excerpt, patient.names)
    return text


def _mend_stopwords(text: str, _finding: Finding, rule: Rule, _patient: Patient) -> str:
    banned = frozenset(rule.texts("phrases"))
    return " ".join(word for word in text.split() if word.casefold() not in banned)


_MENDS: Final[dict[str, _Mend]] = {
    "forbidden_chars": _mend_characters,
    "context_chars": _mend_characters,
    "allowed_charset": _mend_characters,
    "max_char_repeat": _mend_characters,
    "forbidden_regex": _mend_regex,
    "language": _mend_language,
    "forbidden": _mend_phrase,
    "forbidden_phrases": _mend_phrase,
    "forbidden_pattern": _mend_phrase,
    "forbidden_topic": _mend_phrase,
    "forbidden_words": _mend_stopwords,
    "max_word_repeat": _mend_repeats,
    "no_keyword_repeat": _mend_repeats,
    "no_all_caps": _mend_capitals,
    "no_gimmicky_caps": _mend_capitals,
    "title_case": _mend_title_case,
    "max_length": _mend_length,
    "length_range": _mend_length,
    "max_words": _mend_words,
    "html_policy": _mend_markup,
    "style": _mend_style,
}
