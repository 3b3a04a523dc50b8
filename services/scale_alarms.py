"""What the scaler, always on, tells the operator of: no workers, dead letters, no replicas."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from domain.alarms import Alarm, AlarmKind, AlarmLevel
from models import scaler_workload as workloads
from services.alarms import raise_alarm
from services.deps import Deps
from services.numbers import read_numbers

EVERY_S: Final = 60.0
UNSERVED_S: Final = 120.0
"""Longer than a worker takes to start: until then nobody is needed."""

DEAD_MANY: Final = 10
DEAD_WINDOW_S: Final = 3600.0


def watch_queue(deps: Deps) -> None:
    """Raise what there is to raise; raises UnavailableError when Postgres is away."""
    for alarm in (*_find_unserved(deps), *_find_dead(deps)):
        raise_alarm(deps, alarm)


def tell_replicas(deps: Deps, target: str, reason: str) -> None:
    """Tell the operator that a change of the count did not come true."""
    raise_alarm(
        deps,
        Alarm(
            kind=AlarmKind.REPLICAS,
            key=target,
            message=f"Replicas of {target}: {reason}. Look at the service on the platform.",
            level=AlarmLevel.ERROR,
        ),
    )


def _find_unserved(deps: Deps) -> Iterator[Alarm]:
    numbers = read_numbers(deps)
    for lane, counts in numbers.lanes.items():
        if counts.due and counts.oldest_s >= UNSERVED_S and not numbers.threads.get(lane):
            yield Alarm(
                kind=AlarmKind.NO_WORKERS,
                key=lane,
                message=f"No worker serves the lane {lane}, and {counts.due:,} jobs wait, the"
                f" oldest for {counts.oldest_s / 60:.0f} min. Start one, or look why it ended.",
                level=AlarmLevel.ERROR,
                details={"lane": lane, "due": counts.due, "oldest_s": round(counts.oldest_s)},
            )


def _find_dead(deps: Deps) -> Iterator[Alarm]:
    with deps.database.statements(system="count dead letters") as session:
        found = workloads.count_fresh_dead(session, pool=deps.pool, window_s=DEAD_WINDOW_S)
    for reason, count in found.items():
        if count >= DEAD_MANY:
            yield Alarm(
                kind=AlarmKind.DEAD_LETTERS,
                key=reason,
                message=f"{count:,} jobs ended as dead letters within an hour:"
                f" {reason or 'no reason kept'}. See `flask jobs dead`; mend it, then"
                " `flask jobs retry`.",
                details={"reason": reason, "count": count},
            )
