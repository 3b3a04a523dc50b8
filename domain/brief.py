"""The brief: everything an optimize job works from, frozen when it is submitted, and hashed."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from core.ids import hash_text
from domain.listing import Listing


class Mode(StrEnum):
    """How far a job may go."""

    FIX = "fix"
    """Touch only fields with a hard finding, by the smallest edit; leave passing listings alone."""
    IMPROVE = "improve"
    """Also touch fields with advice, and fill empty ones."""
    REWRITE = "rewrite"
    """Write every allowed field anew."""


class EngineChoice(StrEnum):
    """Which engine the seller asked for."""

    AUTO = "auto"
    GROQ = "groq"
    RULES = "rules"


class Engine(StrEnum):
    """Which engine wrote a text."""

    GROQ = "groq"
    RULES = "rules"


@dataclass(frozen=True, slots=True, kw_only=True)
class Brief:
    """The frozen input of one optimize job.

    ``touch`` limits the fields that may change (() = every field of the listing). ``rules_digest``
    names the set of rules in force on ``as_of``. ``locks`` are fields the seller keeps as they are;
    they, ``keywords``, ``tone``, ``brands``, ``prefer`` and ``avoid`` come from the seller's voice
    of ``style_version``. ``mutes`` are ids of rules that the seller overrides.
    """

    listing: Listing
    channel: str
    as_of: dt.date
    rules_digest: str
    prompt_version: str
    mode: Mode = Mode.FIX
    engine: EngineChoice = EngineChoice.AUTO
    store: str = "US"
    locale: str = ""
    touch: tuple[str, ...] = ()
    locks: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    tone: str = ""
    brands: tuple[str, ...] = ()
    prefer: tuple[str, ...] = ()
    avoid: tuple[str, ...] = ()
    mutes: tuple[str, ...] = ()
    style_version: int = 0
    variant: int = 0

    def to_json(self) -> dict[str, Any]:
        """Plain values for storage; ``from_json`` is the inverse."""
        return {
            "listing": self.listing.to_json(),
            "channel": self.channel,
            "as_of": self.as_of.isoformat(),
            "rules_digest": self.rules_digest,
            "prompt_version": self.prompt_version,
            "mode": self.mode.value,
            "engine": self.engine.value,
            "store": self.store,
            "locale": self.locale,
            "touch": list(self.touch),
            "locks": list(self.locks),
            "keywords": list(self.keywords),
            "tone": self.tone,
            "brands": list(self.brands),
            "prefer": list(self.prefer),
            "avoid": list(self.avoid),
            "style_version": self.style_version,
            "variant": self.variant,
            # Left out where there are none, so that orders of before there were mutes keep their
            # digest and what was paid for them is found again.
            **({"mutes": list(self.mutes)} if self.mutes else {}),
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Brief:
        """Rebuild what ``to_json`` stored."""
        values = dict(stored)
        values["listing"] = Listing.from_json(values["listing"])
        values["as_of"] = dt.date.fromisoformat(values["as_of"])
        values["mode"] = Mode(values["mode"])
        values["engine"] = EngineChoice(values["engine"])
        for name in _LISTS:
            values[name] = tuple(values.get(name, ()))
        return cls(**values)

    @property
    def digest(self) -> str:
        """Hash of the content: equal briefs ask for the same work.

        The date is left out (``rules_digest`` says which rules it chose), so that the same listing
        asked for tomorrow under the same rules is the same work.
        """
        content = self.to_json()
        del content["as_of"]
        return hash_text(canonical_json(content))


_LISTS = ("touch", "locks", "keywords", "brands", "prefer", "avoid", "mutes")


def canonical_json(value: object) -> str:
    """JSON with sorted keys and no spaces: equal values give equal text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
