"""What an audit holds a file against: channels, store, category and day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from core.errors import InvalidFieldError
from domain.audit.stores import parse_store
from domain.marketplaces.rulebook import load_rulebook

ALL: Final = "all"
"""In place of a channel: every channel we know rules for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Which rules a file is held against.

    ``channel`` is what was asked for (a channel or "all"); ``category`` the seller's own words, ""
    to take each listing's own. ``mutes`` are the seller's reasons by the rules they override.
    """

    channel: str
    channels: tuple[str, ...]
    as_of: dt.date
    store: str = "US"
    category: str = ""
    mutes: Mapping[str, str] = field(default_factory=dict)


def build_scope(
    channel: str, *, file_channel: str, as_of: dt.date, store: str = "US", category: str = ""
) -> Scope:
    """What to check against; ``channel`` "" means the file's own platform.

    Raises InvalidFieldError for an unknown channel or store, and where nothing says which channel.
    """
    known = load_rulebook().channels
    chosen = channel.strip().lower() or file_channel
    choices = ", ".join((*known, ALL))
    if not chosen:
        raise InvalidFieldError(
            "nothing in the file says for which marketplace it is.",
            field="channel",
            remedy=f"Choose the marketplace to check against: {choices}.",
        )
    if chosen != ALL and chosen not in known:
        raise InvalidFieldError(
            f"there is no channel {chosen!r}.", field="channel", remedy=f"Use one of: {choices}."
        )
    return Scope(
        channel=chosen,
        channels=known if chosen == ALL else (chosen,),
        as_of=as_of,
        store=parse_store(store),
        category=category.strip(),
    )


def parse_day(text: str, *, today: dt.date) -> dt.date:
    """A date as YYYY-MM-DD, ``today`` for ""; raises InvalidFieldError."""
    if not text.strip():
        return today
    try:
        return dt.datetime.strptime(text.strip(), "%Y-%m-%d").replace(tzinfo=dt.UTC).date()
    except ValueError:
        raise InvalidFieldError(
            f"{text!r} is no date.", field="on", remedy="Write it as YYYY-MM-DD: 2026-07-27."
        ) from None
