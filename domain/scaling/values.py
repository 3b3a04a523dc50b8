"""What the scaling policy reads and returns: its bounds, what was observed, what it remembers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from domain.scaling.schedule import ScheduleWindow

FAILING_SHARE: Final = 0.5
FAILING_CALLS: Final = 5

Wishes = tuple[tuple[float, int], ...]
"""When, and how many replicas; falling, so that the first is the highest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScalingConfig:
    """The bounds and the patience of the policy; times in seconds.

    ``service_s``, ``calls_per_job`` and ``tokens_per_call`` count until they have been measured.
    ``start_s`` is how long a new replica takes to serve: what is over sooner is not worth one. A
    backlog should be gone in ``drain_s``. ``headroom`` is the beta of square-root staffing. The
    provider's limits are None where no language model is used. ``connections`` are those the
    database allows (None: as measured), of which ``connections_kept`` are for everybody else. Down
    goes the count only to the highest need of ``window_s`` (of a backlog: ``peak_window_s``), both
    longer, up to ``patience_max`` times, after each step down that was regretted.
    """

    replicas_min: int
    replicas_max: int
    threads: int
    service_s: float = 2.0
    start_s: float = 60.0
    drain_s: float = 120.0
    headroom: float = 0.25
    late_urgent_s: float = 5.0
    late_bulk_s: float = 900.0
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    calls_per_job: float = 1.0
    tokens_per_call: float = 1500.0
    budget_share: float = 0.95
    connections: int | None = None
    connections_kept: int = 20
    connections_per_replica: int = 8
    window_s: float = 600.0
    peak_window_s: float = 90.0
    settle_s: float = 60.0
    change_every_s: float = 30.0
    busy_share: float = 0.7
    regret_s: float = 900.0
    relax_s: float = 3600.0
    patience_max: float = 3.0
    stale_s: float = 60.0
    adopt_s: float = 900.0
    schedule: tuple[ScheduleWindow, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """What the scaled workers have to do.

    ``waiting`` counts jobs that are due, or will be before a new replica could serve; not those of
    paused sellers. Urgent jobs run before bulk ones. Rates are first arrivals per second: urgent
    ones of the last 30 or 90 s, whichever is more; bulk ones as the median minute of ten, so that
    one import is backlog and no trend. ``calls`` are those to the language model in the last
    minute; ``requests_left`` and ``tokens_left`` what the provider's limits of a day still allow,
    None without such limits. None elsewhere is what could not be measured: nothing was done lately.
    """

    urgent_waiting: int = 0
    bulk_waiting: int = 0
    urgent_oldest_s: float = 0.0
    bulk_oldest_s: float = 0.0
    running: int = 0
    urgent_per_s: float = 0.0
    bulk_per_s: float = 0.0
    service_s: float | None = None
    calls_per_job: float | None = None
    tokens_per_call: float | None = None
    calls_answered: int = 0
    calls_failed: int = 0
    requests_left: int | None = None
    tokens_left: int | None = None
    connections_max: int | None = None

    @property
    def is_provider_failing(self) -> bool:
        """Whether at least half of enough calls failed in the last minute."""
        calls = self.calls_answered + self.calls_failed
        return calls >= FAILING_CALLS and self.calls_failed >= FAILING_SHARE * calls


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What was observed at ``at_s`` (seconds since 1970, the database's clock).

    ``replicas`` is the count asked for now, ``workload`` None where nothing is known; its figures
    are ``age_s`` old. ``override`` is a count that an operator asks for. While ``redis_away``,
    workers are given nothing: the figures are right, but what is done says nothing of the need.
    """

    at_s: float
    replicas: int
    workload: Workload | None
    age_s: float = 0.0
    paused: bool = False
    override: int | None = None
    redis_away: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ScalingState:
    """What the policy remembers from one decision to the next.

    ``wishes`` are (when, how many), falling: the highest of the window first, which has been
    watched without a gap since ``window_from_s``. ``patience`` stretches the window. ``replicas``
    is the count last left (None: not known).
    """

    wishes: Wishes = ()
    peaks: Wishes = ()
    window_from_s: float | None = None
    seen_s: float | None = None
    changed_s: float | None = None
    raised_s: float | None = None
    lowered_s: float | None = None
    hold_until_s: float | None = None
    patience: float = 1.0
    calm_since_s: float | None = None
    replicas: int | None = None

    def to_json(self) -> dict[str, Any]:
        """For storing."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> ScalingState:
        """What was stored; what cannot be read is a fresh state, which never shrinks at once."""
        try:
            known = {name: stored[name] for name in cls.__slots__ if name in stored}
            wishes = tuple((float(at_s), int(n)) for at_s, n in stored.get("wishes", ()))
            return cls(**{**known, "wishes": wishes})
        except (TypeError, ValueError):
            return cls()


@dataclass(frozen=True, slots=True, kw_only=True)
class ScalingDecision:
    """The number of replicas wanted, and why in words; ``held`` when nothing may be changed."""

    wanted: int
    reason: str
    held: bool = False
