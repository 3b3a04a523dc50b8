"""What a number is of: "16GB RAM" and "1TB SSD" say something else when their nouns change places.

Grounding asks whether an amount stands in the row; this asks whether it stands beside the same
noun, and still behind "up to" where the row never states it without.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import regex

from domain.facts.numbers import Amount, Quantity, list_quantities
from domain.text import fold, list_words

_ROLES: Final = {
    fold(word): role
    for role, words in {
        "ram": "ram vram",
        "storage": "rom ssd hdd emmc nvme storage speicherplatz penyimpanan",
        "battery": "battery batteries akku batterie batería baterai bateri",
        "camera": "camera cameras kamera caméra cámara webcam",
        "warranty": "warranty guarantee garansi waranti garantie garantía",
    }.items()
    for word in words.split()
}
_GENERIC: Final = frozenset(map(fold, ("storage", "speicherplatz", "penyimpanan")))
"""Words that fit every kind of lasting memory; SSD and HDD are not each other."""

_LIMITS: Final = {
    "most": r"up\s?to|max(?:imum|imal)?\.?|bis\s(?:zu)?|jusqu['\u2019]à|hasta|hingga|sampai",
    "least": r"at\sleast|min(?:imum|imal|imo)?\.?|mindestens|au\smoins|al\smenos|minimal",
    "about": r"approx(?:imately)?\.?|about|around|ca\.?|circa|etwa|environ|aprox\.?|sekitar",
}
_LIMIT_BEFORE: Final = regex.compile(
    r"(?<![\p{L}\p{N}])(?:"
    + "|".join(f"(?P<{name}>{pattern})" for name, pattern in _LIMITS.items())
    + r")\s*:?\s*$",
    regex.IGNORECASE,
)
_LONGEST_LIMIT: Final = 24
_NAMED: Final = frozenset({"count", "storage"})
"""What "Max" before is rather a name of: "iPhone Pro Max 256GB"."""

_BESIDE: Final = regex.compile(r"[\s-]*")
_NAMING: Final = regex.compile(r"\s*:?\s*")
_OR: Final = regex.compile(r"\s*[/|]\s*")


@dataclass(frozen=True, slots=True)
class _Telling:
    """One quantity of a text with the noun it is of and the word that bounds it."""

    quantity: Quantity
    roles: frozenset[str]
    limit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Misplaced:
    """A quantity that says something else than in the row; ``text`` is how it stands now."""

    text: str
    reason: str


def find_misplaced(text: str, passages: Sequence[str]) -> tuple[Misplaced, ...]:
    """Quantities of ``text`` that stand beside another noun than in ``passages``, or unbounded."""
    told = list(_list_tellings(text))
    if not told:
        return ()
    known: dict[Amount, list[_Telling]] = {}
    for passage in passages:
        for telling in _list_tellings(passage):
            known.setdefault(telling.quantity.amounts[0], []).append(telling)
    found = (_judge(one, known.get(one.quantity.amounts[0], [])) for one in told)
    return tuple(one for one in found if one is not None)


def _judge(told: _Telling, known: Sequence[_Telling]) -> Misplaced | None:
    shown = told.quantity.text
    allowed = frozenset().union(*(one.roles for one in known))
    if told.roles and allowed and not any(_fits(role, allowed) for role in told.roles):
        return Misplaced(
            text=shown, reason=f"belongs to {_show(allowed)}, not to {_show(told.roles)}"
        )
    bounds = {one.limit for one in known}
    if known and "" not in bounds and told.limit not in bounds:
        return Misplaced(text=shown, reason="stands with a bound such as “up to”")
    return None


def _fits(role: str, allowed: frozenset[str]) -> bool:
    if _ROLES[role] != "storage":
        return any(_ROLES[one] == _ROLES[role] for one in allowed)
    same = {one for one in allowed if _ROLES[one] == "storage"}
    return role in same or (bool(same) and (role in _GENERIC or bool(same & _GENERIC)))


def _show(roles: frozenset[str]) -> str:
    return " or ".join(sorted(roles))


def _list_tellings(text: str) -> Iterator[_Telling]:
    quantities = [one for one in list_quantities(text) if one.dimension]
    roles = [(word.start, word.end, fold(word.base)) for word in list_words(text)]
    nouns = [one for one in roles if one[2] in _ROLES]
    following = ""
    behind: list[_Telling] = []
    for at in range(len(quantities) - 1, -1, -1):
        one = quantities[at]
        later = quantities[at + 1] if at + 1 < len(quantities) else None
        is_or = later is not None and _OR.fullmatch(text, one.end, later.start) is not None
        own = next((n for s, _, n in nouns if _is_beside(text, one.end, s)), "")
        following = own or (following if is_or else "")
        before = _find_before(text, one, nouns, quantities) if not own else ""
        held = frozenset({following, before} - {""})
        behind.append(_Telling(one, held, _find_limit(text, one)))
    yield from reversed(behind)


def _is_beside(text: str, end: int, start: int) -> bool:
    return end <= start and _BESIDE.fullmatch(text, end, start) is not None


def _find_before(
    text: str, one: Quantity, nouns: Sequence[tuple[int, int, str]], all_: Sequence[Quantity]
) -> str:
    """The noun right before a quantity ("RAM 16GB"), unless it is another quantity's."""
    for start, end, name in nouns:
        if end < one.start and _NAMING.fullmatch(text, end, one.start):
            is_taken = any(_is_beside(text, other.end, start) for other in all_)
            return "" if is_taken else name
    return ""


def _find_limit(text: str, one: Quantity) -> str:
    found = _LIMIT_BEFORE.search(text, max(0, one.start - _LONGEST_LIMIT), one.start)
    return str(found.lastgroup) if found and one.dimension not in _NAMED else ""
