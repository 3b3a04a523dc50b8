"""What one round of the scaler saw and came to, in words and as plain values."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final

from domain.ports import ReplicaCount
from domain.scaling.values import ScalingDecision, Snapshot
from models.scaler_state import SeenScaler

UNKNOWN: Final = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """What one round saw and came to; ``outcome`` says in words what became of the decision.

    ``seen`` is what the target's row says of whoever leads there, where that was asked;
    ``messages`` are those in Redis, None when it does not answer.
    """

    decision: ScalingDecision
    outcome: str
    count: ReplicaCount
    snapshot: Snapshot | None = None
    serving: int | None = None
    messages: int | None = None
    seen: SeenScaler | None = None

    def __str__(self) -> str:
        """One line."""
        return f"{self.decision.wanted} {self.outcome}: {self.decision.reason}"

    def to_json(self) -> dict[str, Any]:
        """Plain values: what was wanted, what became of it and why, what there is."""
        return {
            "wanted": self.decision.wanted,
            "outcome": self.outcome,
            "reason": self.decision.reason,
            "asked": self.count.asked,
            "running": self.count.running,
            "serving": self.serving,
        }

    def explain(self) -> str:
        """The inputs and the reason, a line each."""
        lines = [
            ("wanted", self.decision.wanted),
            ("because", self.decision.reason),
            ("outcome", self.outcome),
            ("asked", self.count.asked),
            ("running", self.count.running),
            ("serving", self.serving),
            *self._list_wishes(),
            *self._list_inputs(),
        ]
        return "\n".join(f"{name:<9} {_show(value)}" for name, value in lines)

    def _list_wishes(self) -> Iterator[tuple[str, Any]]:
        """Who leads, and what the operator asks of it."""
        if self.seen is not None:
            yield "scaler", _describe_leader(self.seen)
            yield "paused", "yes" if self.seen.paused else "no"
            yield "override", describe_override(self.seen) or "none"
        elif self.snapshot is not None:
            yield "scaler", "this one"
            yield "paused", "yes" if self.snapshot.paused else "no"
            yield "override", self.snapshot.override or "none"

    def _list_inputs(self) -> Iterator[tuple[str, Any]]:
        if self.snapshot is None:
            return
        away = "unknown: Redis does not answer; what follows is Postgres's and right"
        yield "messages", away if self.messages is None else f"{self.messages} in Redis"
        if self.snapshot.workload is None:
            return
        for name, value in asdict(self.snapshot.workload).items():
            no_limit = value is None and name.endswith("_left")
            shown = "no limit of a day is known" if no_limit else value
            yield ("jobs_running" if name == "running" else name), shown


def _show(value: object) -> object:
    return UNKNOWN if value is None else value


def _describe_leader(seen: SeenScaler) -> str:
    if seen.seen_at is None:
        return "none has run here"
    said = f"last round {seen.seen_at.astimezone(dt.UTC):%Y-%m-%d %H:%M:%S} UTC"
    return f"at work, {said}" if seen.leads else f"none at work, {said}"


def describe_override(seen: SeenScaler) -> str:
    """The operator's number and until when; "" without one in force."""
    if seen.override is None or seen.override_until is None:
        return ""
    now = dt.datetime.fromtimestamp(seen.at_s, tz=dt.UTC)
    return describe_hold(seen.override, until=seen.override_until, now=now)


def describe_hold(replicas: int, *, until: dt.datetime, now: dt.datetime) -> str:
    """So many replicas until then; the day is named where it is not today's, in UTC."""
    end = until.astimezone(dt.UTC)
    shown = f"{end:%H:%M}" if end.date() == now.date() else f"{end:%Y-%m-%d %H:%M}"
    return f"{replicas} {'replica' if replicas == 1 else 'replicas'} until {shown} UTC"


def describe_other(seen: SeenScaler) -> str:
    """Why this scaler does nothing: another leads, and what the operator asks of that one."""
    words = ["another scaler leads"]
    if seen.paused:
        words.append("paused by the operator")
    if describe_override(seen):
        words.append(f"the operator asks for {describe_override(seen)}")
    return "; ".join(words)


def find_kind(tick: Tick) -> str:
    """What is new about a round: its outcome without numbers that only count time; "" nothing."""
    if tick.outcome == "unchanged":
        return ""
    if tick.outcome == "dry run":
        return f"dry run {tick.decision.wanted}"
    said = tick.decision.reason if tick.decision.held else tick.outcome
    return re.sub(r"[\d.]+", "#", said)
