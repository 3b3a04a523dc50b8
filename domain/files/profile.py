"""File formats as data: what each profile's YAML file says, and how well a header fits it."""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

_FOLDER = Path(__file__).parent / "profiles"
_BASE_CONFIDENCE = 0.6
_SEPARATORS = re.compile(r"[\s_\-]+")
GENERIC = "generic"


@functools.lru_cache(maxsize=4096)
def normalize_header(name: str) -> str:
    """A column name as it is compared: without case, accents, leading marks, kinds of spaces."""
    folded = unicodedata.normalize("NFKD", name.casefold())
    plain = "".join(char for char in folded if not unicodedata.combining(char))
    return _SEPARATORS.sub(" ", plain.replace("\ufeff", "")).strip(' *"')


@functools.lru_cache(maxsize=4096)
def _pattern(entry: str) -> re.Pattern[str]:
    """``#`` stands for a number, a final ``*`` for any rest."""
    escaped = re.escape(normalize_header(entry.rstrip("*"))).replace(r"\#", r"\ ?(\d+)")
    return re.compile(escaped + (".*" if entry.endswith("*") else ""))


def find_columns(names: Sequence[str], entry: str) -> tuple[int, ...]:
    """Indexes of the normalized ``names`` that an entry of a profile means, in file order."""
    if "#" not in entry and not entry.endswith("*"):
        wanted = normalize_header(entry)
        return tuple(index for index, name in enumerate(names) if name == wanted)
    pattern = _pattern(entry)
    return tuple(index for index, name in enumerate(names) if pattern.fullmatch(name))


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprint:
    """Which columns tell a format: all of ``all``, ``at_least`` of ``any``, none of ``none``.

    An entry of ``all`` may name alternatives (``title|structured_title``).
    ``delimiter`` and ``preamble`` (a pattern of the lines above the header) only add confidence.
    """

    all: tuple[str, ...] = ()
    any: tuple[str, ...] = ()
    none: tuple[str, ...] = ()
    at_least: int = 0
    delimiter: str = ""
    preamble: str = ""

    def confidence(self, names: Sequence[str], *, delimiter: str, preamble: str) -> float:
        """From 0 (another format) to 1; ``names`` are normalized headers."""
        if not all(self._has_one(names, entry) for entry in self.all):
            return 0.0
        if any(find_columns(names, entry) for entry in self.none):
            return 0.0
        found = sum(bool(find_columns(names, entry)) for entry in self.any)
        if found < self.at_least:
            return 0.0
        share = found / len(self.any) if self.any else 0.0
        extra = 0.1 * (bool(self.delimiter) and delimiter == self.delimiter)
        extra += 0.2 * bool(self.preamble and re.search(self.preamble, preamble, re.MULTILINE))
        return min(1.0, _BASE_CONFIDENCE + 0.3 * share + extra)

    @staticmethod
    def _has_one(names: Sequence[str], alternatives: str) -> bool:
        return any(find_columns(names, entry) for entry in alternatives.split("|"))


@dataclass(frozen=True, slots=True, kw_only=True)
class ListStyle:
    """How a list stands in one cell: separators it may have, how items are joined anew.

    ``space`` is what a space inside an item is written as ("" = a space); ``escape`` stands before
    a separator that belongs to the item ("" = such an item cannot be written).
    """

    separators: tuple[str, ...] = (",",)
    join: str = ", "
    space: str = ""
    escape: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grouping:
    """Which rows are one product.

    ``rows``: each its own. ``key``: rows in a run with the same ``key`` (or an empty one).
    ``follow``: rows with ``value`` in ``column`` belong to the row above. ``parent``: rows with
    ``value`` in ``column`` belong to the row that their ``parent`` column names, wherever it is.
    """

    kind: str = "rows"
    key: str = ""
    column: str = ""
    value: str = ""
    parent: str = ""
    repeats_texts: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionColumns:
    """Where variant options stand: a name and a value column, or pairs (``Color=Red``) in one."""

    name: str = ""
    value: str = ""
    pairs: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One file format. ``columns`` lists, per canonical name, column names by preference.

    ``key_columns``, ``update_columns`` and ``update_verb`` (column to what it must say) make a file
    of changes; where the platform takes none, ``no_changes`` holds the reason and the remedy.
    ``aligned_preamble``: lines above the header, but the first, have the header's columns.
    ``llm_columns``: where text that a language model wrote must stand, marked by ``llm_mark``.
    """

    name: str
    label: str
    columns: Mapping[str, tuple[str, ...]]
    channel: str = ""
    fingerprint: Fingerprint = field(default_factory=Fingerprint)
    grouping: Grouping = field(default_factory=Grouping)
    options: tuple[OptionColumns, ...] = ()
    option_separators: tuple[str, ...] = ()
    html_fields: frozenset[str] = frozenset()
    guess_html: bool = False
    backslash_newlines: bool = False
    lists: Mapping[str, ListStyle] = field(default_factory=dict)
    key_columns: tuple[str, ...] = ()
    update_columns: tuple[str, ...] = ()
    update_verb: Mapping[str, str] = field(default_factory=dict)
    no_changes: tuple[str, ...] = ()
    aligned_preamble: bool = False
    llm_columns: Mapping[str, str] = field(default_factory=dict)
    llm_mark: str = ""

    def list_style(self, name: str) -> ListStyle:
        """How the list field ``name`` is written in this format."""
        return self.lists.get(name, ListStyle())


@functools.cache
def load_profile(name: str) -> Profile:
    """The profile of that name; raises KeyError for an unknown one."""
    if name not in list_profile_names():
        raise KeyError(name)
    stored = yaml.safe_load((_FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))
    return _parse_profile(name, stored)


@functools.cache
def list_profile_names() -> tuple[str, ...]:
    """Every known format, the generic one last."""
    names = sorted(path.stem for path in _FOLDER.glob("*.yaml"))
    return (*(name for name in names if name != GENERIC), GENERIC)


def _parse_profile(name: str, stored: dict[str, Any]) -> Profile:
    values = dict(stored)
    values["columns"] = {key: _texts(entry) for key, entry in values["columns"].items()}
    values["fingerprint"] = Fingerprint(**_tuples(values.get("fingerprint", {})))
    values["grouping"] = Grouping(**values.get("grouping", {}))
    values["options"] = tuple(OptionColumns(**entry) for entry in values.get("options", ()))
    values["html_fields"] = frozenset(values.get("html_fields", ()))
    values["lists"] = {
        key: ListStyle(**_tuples(entry)) for key, entry in values.get("lists", {}).items()
    }
    for key in ("key_columns", "update_columns", "option_separators", "no_changes"):
        values[key] = _texts(values.get(key, ()))
    return Profile(name=name, **values)


def _texts(entry: str | Sequence[str]) -> tuple[str, ...]:
    return (entry,) if isinstance(entry, str) else tuple(entry)


def _tuples(stored: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(v) if isinstance(v, list) else v for key, v in stored.items()}


@functools.cache
def option_aliases() -> Mapping[str, str]:
    """Normalized option name ("farbe") to canonical attribute ("color")."""
    columns = load_profile(GENERIC).columns
    return {
        normalize_header(entry): name
        for name in ("color", "size", "material", "gender")
        for entry in columns[name]
    }


@functools.cache
def is_known_header(normalized: str) -> bool:
    """Whether any profile knows a column of that name."""
    exact, patterns = _known_headers()
    return normalized in exact or any(pattern.fullmatch(normalized) for pattern in patterns)


@functools.cache
def _known_headers() -> tuple[frozenset[str], tuple[re.Pattern[str], ...]]:
    entries = {
        entry
        for name in list_profile_names()
        for profile in (load_profile(name),)
        for group in (*profile.columns.values(), profile.fingerprint.all, profile.fingerprint.any)
        for alternatives in group
        for entry in alternatives.split("|")
    }
    wild = {entry for entry in entries if "#" in entry or entry.endswith("*")}
    exact = frozenset(normalize_header(entry) for entry in entries - wild)
    return exact, tuple(_pattern(entry) for entry in sorted(wild))
