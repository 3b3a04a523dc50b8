"""Whether a change of the count has come true: pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from domain.ports import ReplicaCount

CONFIRM_S: Final = 180.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A count that was written at ``at_s`` in place of ``before`` (None: not known).

    ``repeated`` when it had to be written again.
    """

    wanted: int
    at_s: float
    before: int | None = None
    repeated: bool = False


class Verdict(StrEnum):
    """What is to be thought of a change."""

    CONFIRMED = "confirmed"
    PENDING = "pending"
    REPEAT = "repeat"
    FAILED = "failed"


def judge_change(change: Change, count: ReplicaCount, now_s: float) -> Verdict:
    """True when asked for and running; written once more after three minutes; then given up."""
    if change.wanted == count.asked and count.running in (None, change.wanted):
        return Verdict.CONFIRMED
    if change.before is not None and count.asked not in (change.wanted, change.before):
        return Verdict.FAILED  # somebody else has set it since: not to be fought
    if now_s - change.at_s < CONFIRM_S or count.busy:
        return Verdict.PENDING
    return Verdict.FAILED if change.repeated else Verdict.REPEAT
