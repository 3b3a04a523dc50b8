"""What an operator asks of the scaler by hand: checked, left where it finds it, and said."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

from core.errors import InputError
from models import scaler_state as states
from services.deps import Deps
from services.scale_tick import describe_hold

MINUTES_DEFAULT: Final = 60.0
MINUTES_MAX: Final = 7 * 24 * 60
"""A week: whoever wants a number for longer wants WORKERS_MIN and WORKERS_MAX."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorWish:
    """``replicas`` for so many ``minutes``; without a number: paused, or as the scaler sees fit."""

    paused: bool = False
    replicas: int | None = None
    minutes: float = MINUTES_DEFAULT


def parse_wish(text: str | None, *, minutes: float | None, most: int) -> OperatorWish | None:
    """What ``--set`` and ``--minutes`` say, None where nothing is asked; raises InputError."""
    number = _parse_number(text, most=most)
    if number is None and minutes is not None:
        raise InputError(
            "says how long a number holds, and none is given.",
            remedy="Give one: --set 2 --minutes 30.",
            field="--minutes",
        )
    held = MINUTES_DEFAULT if minutes is None else minutes
    if not 0 < held <= MINUTES_MAX:  # NaN is neither
        raise InputError(
            f"{held:g} is outside 0 to {MINUTES_MAX} (a week).",
            remedy="For longer, set WORKERS_MIN and WORKERS_MAX.",
            field="--minutes",
        )
    if text is None:
        return None
    return OperatorWish(paused=text == "pause", replicas=number, minutes=held)


def _parse_number(text: str | None, *, most: int) -> int | None:
    if text in (None, "pause", "resume"):
        return None
    number = int(text) if text.isdecimal() and len(text) < 10 else 0  # noqa: PLR2004 - no bigger int
    if not number:
        raise InputError(
            f"{text!r} is none of pause, resume, and a number from 1 to {most}.", field="--set"
        )
    if number > most:
        raise InputError(
            f"{number} is above WORKERS_MAX, which is {most}.",
            remedy=f"Give 1 to {most}, or raise WORKERS_MAX.",
            field="--set",
        )
    return number


def obey_operator(deps: Deps, target: str, wish: OperatorWish) -> str:
    """Leave a wish where the scaler that leads finds it at its next round; what holds now."""
    with deps.database.transaction(system="scaler") as session:
        states.set_paused(session, target, paused=wish.paused)
        until = None
        if not wish.paused:
            until = states.set_override(
                session, target, replicas=wish.replicas, minutes=wish.minutes
            )
        seen = states.see_scaler(session, target)
    said = _describe(wish, until, now=dt.datetime.fromtimestamp(seen.at_s, tz=dt.UTC))
    if seen.leads:
        return f"{target}: {said}"
    return f"{target}: {said} (no scaler that sets replicas is at work; kept for when one is)"


def _describe(wish: OperatorWish, until: dt.datetime | None, *, now: dt.datetime) -> str:
    if wish.paused:
        return "paused; nothing is changed until `--set resume`"
    if wish.replicas is None or until is None:
        return "resumed; as the scaler sees fit"
    return describe_hold(wish.replicas, until=until, now=now)
