"""The right numbers of the queue: one function that the commands, pages and metrics ask."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from core.errors import UnavailableError
from domain.job import MAX_CRASHES, Lane
from domain.ports import Dispatch
from models import dispatch as statements
from models import intervention as interventions
from models import numbers as counts
from models.numbers import LaneCounts
from services.deps import Deps
from services.dispatch import AGED_DEFAULT_S, AGED_S, STALE_S

STRANDED_LOOK: int = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """What the queue holds, from Postgres; Redis is only a cross-check and may be unknown.

    ``stranded`` are sent long enough ago and yet neither running nor on the road (at most
    ``STRANDED_LOOK`` are looked at); ``messages`` is what Redis holds, in hands included. Both are
    None when Redis does not answer: not 0.
    """

    lanes: dict[str, LaneCounts]
    dead: dict[str, int]
    workers: int
    workers_draining: int
    threads: dict[str, int]
    stranded: int | None
    messages: dict[str, int] | None

    @property
    def depth(self) -> int:
        """Jobs that could run now if there were room."""
        return sum(one.due for one in self.lanes.values())

    @property
    def in_flight(self) -> int:
        """Jobs in workers' hands."""
        return sum(one.running for one in self.lanes.values())

    @property
    def oldest_s(self) -> float:
        """The longest that a job has been due, in any lane."""
        return max((one.oldest_s for one in self.lanes.values()), default=0.0)

    def to_json(self) -> dict[str, Any]:
        """Plain values, the sums included."""
        sums = {"depth": self.depth, "in_flight": self.in_flight, "oldest_s": self.oldest_s}
        return {**sums, **asdict(self)}


def read_numbers(deps: Deps) -> Numbers:
    """Count everything at one moment; raises UnavailableError when Postgres is away, never 0."""
    with deps.database.transaction(system="count") as session:
        found = counts.count_lanes(session, deps.pool, stale_s=STALE_S, suspect=MAX_CRASHES)
        dead = interventions.count_dead(session, deps.pool)
        workers, draining = counts.count_processes(session, deps.pool, stale_s=STALE_S)
        threads = statements.count_threads(session, deps.pool, stale_s=STALE_S)
        aged = _list_aged(
            statements.list_sent(
                session,
                deps.pool,
                older_than_s=min(AGED_DEFAULT_S, *AGED_S.values()),
                limit=STRANDED_LOOK,
            )
        )
    stranded, messages = _look_at_road(deps, aged)
    return Numbers(
        lanes={lane.value: LaneCounts() for lane in Lane} | found,
        dead=dict(dead),
        workers=workers,
        workers_draining=draining,
        threads=threads,
        stranded=stranded,
        messages=messages,
    )


def _list_aged(sent: list[tuple[Dispatch, float]]) -> list[Dispatch]:
    return [one for one, age_s in sent if age_s > AGED_S.get(one.lane, AGED_DEFAULT_S)]


def _look_at_road(deps: Deps, aged: list[Dispatch]) -> tuple[int | None, dict[str, int] | None]:
    try:
        stranded = len(deps.queue.find_missing(aged)) if aged else 0
        return stranded, {lane.value: n for lane, n in deps.queue.count_messages().items()}
    except UnavailableError:
        return None, None
