"""Reads the packaged rule files; a mistake in one of them fails at once, naming file and rule."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from functools import cache
from importlib import resources
from typing import Any, cast

import yaml

from domain.findings import Level
from domain.marketplaces.rule import Evidence, Rule, Source

_ROOM = "domain.marketplaces"
_STRENGTH: tuple[Evidence, ...] = ("official", "secondary", "remembered")
_SETS = ("only_category", "except_category", "only_store", "except_store")
_OWN = frozenset(spec.name for spec in fields(Rule)) - {"params", "sources", "how", "stated_level"}
_RENAMED = {"min": "minimum"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """The phrase lists, patterns and category classes that rules name."""

    phrase_lists: Mapping[str, tuple[str, ...]]
    patterns: Mapping[str, str]
    category_classes: Mapping[str, frozenset[str]]


def read_yaml(name: str) -> Any:  # noqa: ANN401 - whatever the file holds
    """The content of a packaged file of this room."""
    return yaml.safe_load(resources.files(_ROOM).joinpath(name).read_text(encoding="utf-8"))


def read_sources() -> dict[str, Source]:
    """Every page a rule may cite, by its short name."""
    return {name: Source(**entry) for name, entry in read_yaml("sources.yaml").items()}


@cache
def read_vocabulary() -> Vocabulary:
    """Phrase lists and patterns shared by the channels."""
    stored = read_yaml("vocabulary.yaml")
    return Vocabulary(
        phrase_lists={
            name: tuple(items) if name.endswith("_en") else _with_plain_spellings(items)
            for name, items in stored["phrase_lists"].items()
        },
        patterns=stored["patterns"],
        category_classes={
            name: frozenset(item.casefold() for item in items)
            for name, items in stored["category_classes"].items()
        },
    )


@cache
def list_phrases(beginning: str) -> tuple[str, ...]:
    """The phrases of all lists whose name begins so, in every language: ``promo``."""
    lists = read_vocabulary().phrase_lists
    return tuple(p for name in lists if name.startswith(f"{beginning}_") for p in lists[name])


_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})


def _with_plain_spellings(phrases: Iterable[str]) -> tuple[str, ...]:
    """Each phrase also as those write it who have no accents on their keys."""
    spelt = ((phrase, phrase.translate(_UMLAUTS), _strip_accents(phrase)) for phrase in phrases)
    return tuple(dict.fromkeys(one for spellings in spelt for one in spellings))


def _strip_accents(phrase: str) -> str:
    parts = unicodedata.normalize("NFKD", phrase)
    return "".join(c for c in parts if not unicodedata.combining(c))


@dataclass(frozen=True, slots=True, kw_only=True)
class PhraseGrammar:
    """How listed phrases and patterns are matched.

    ``soft`` are advice at most; ``contexts`` are the words before and after that make a phrase
    harmless; ``patterns`` replace a phrase's own text; ``needs`` are what a text must contain (any
    of them, lower case) for a named pattern to match at all.
    """

    soft: frozenset[str]
    contexts: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]
    patterns: Mapping[str, str]
    needs: Mapping[str, tuple[str, ...]]


@cache
def read_phrase_grammar() -> PhraseGrammar:
    """Read once; phrase checks ask for it whenever they are built."""
    stored = read_yaml("vocabulary.yaml")
    return PhraseGrammar(
        soft=frozenset(stored["soft_phrases"]),
        contexts={
            phrase: (tuple(near.get("before", ())), tuple(near.get("after", ())))
            for phrase, near in stored["phrase_contexts"].items()
        },
        patterns=stored["phrase_patterns"],
        needs={name: tuple(items) for name, items in stored["pattern_needs"].items()},
    )


def read_rules(
    channel: str, *, sources: Mapping[str, Source], vocabulary: Vocabulary
) -> tuple[Rule, ...]:
    """One channel's rules in the order of its file."""
    stored = read_yaml(f"{channel}.yaml")
    return tuple(
        build_rule(
            {"channel": channel, "checked_on": stored["checked_on"], **entry},
            sources=sources,
            vocabulary=vocabulary,
        )
        for entry in stored["rules"]
    )


def build_rule(
    entry: dict[str, Any], *, sources: Mapping[str, Source], vocabulary: Vocabulary
) -> Rule:
    """One rule from its entry in a file; raises ValueError naming channel and rule."""
    try:
        cited = tuple(sources[name] for name in entry.pop("source"))
        how = min((source.how for source in cited), key=_STRENGTH.index)
        known = {_RENAMED.get(name, name): value for name, value in entry.items()}
        own = {name: value for name, value in known.items() if name in _OWN}
        rest = {name: value for name, value in known.items() if name not in _OWN}
        return Rule(
            **_typed(own, how=how), sources=cited, how=how, params=_resolve(rest, vocabulary)
        )
    except (KeyError, TypeError, ValueError) as error:
        message = f"{entry.get('channel')}.yaml, rule {entry.get('id')!r}: {error!r}"
        raise ValueError(message) from error


def _typed(own: dict[str, Any], *, how: Evidence) -> dict[str, Any]:
    stated = Level(own.pop("level"))
    remembered = how == "remembered"
    if remembered:
        own["checked_on"] = None
    own.update({name: frozenset(own[name]) for name in _SETS if name in own})
    level = Level.ADVICE if remembered else stated
    return {**own, "stated_level": stated, "level": level}


def _resolve(rest: dict[str, Any], vocabulary: Vocabulary) -> dict[str, Any]:
    """Replace the names of lists and patterns by what they stand for."""
    resolved = dict(rest)
    if "lists" in rest or "phrases" in rest:
        listed = [
            phrase for name in rest.get("lists", ()) for phrase in vocabulary.phrase_lists[name]
        ]
        resolved["phrases"] = [*listed, *rest.get("phrases", ())]
    if "patterns" in rest:
        names = cast("list[str]", rest["patterns"])
        resolved["patterns"] = {name: vocabulary.patterns[name] for name in names}
    return resolved
