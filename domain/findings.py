"""What a check says: a finding about a text as it stands, a refusal of a text that was proposed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How much a finding matters."""

    HARD = "hard"
    """The marketplace rejects, hides, cuts or rewrites a listing that breaks it."""
    ADVICE = "advice"
    """The marketplace recommends it; breaking it is allowed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One breach of one rule by one field.

    ``item`` is the index in a list field (None for the field as a whole); ``excerpt`` the offending
    part as it stands in the text ("" when it is the whole).
    """

    rule: str
    field: str
    level: Level
    message: str
    remedy: str
    source: str
    item: int | None = None
    excerpt: str = ""


class Check(StrEnum):
    """Which part of the gate refused a proposed field."""

    SHAPE = "shape"
    RULE = "rule"
    FACT = "fact"
    LOST_FACT = "lost_fact"
    REFUSAL_TEXT = "refusal_text"
    LOCKED = "locked"
    VOICE = "voice"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a proposed field was not offered; the seller's own text is kept.

    ``rule`` is the rule's id where a rule was broken, ``excerpt`` the span that was refused.
    """

    field: str
    check: Check
    message: str
    rule: str = ""
    excerpt: str = ""
