"""What the operator's page shows: queue, scaler, dead letters, alarms, runs, at one moment."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy.orm import Session

from models import reoptimize_run as runs
from models import scaler_decision as decisions
from models import scaler_state as states
from models.overview import Process, Recent, list_processes, measure_recent
from services.alarms import list_events
from services.deps import Deps
from services.intervene import DeadLetters, list_dead_letters
from services.llm_meters import LlmReading, read_meters
from services.numbers import Numbers, read_numbers

SHOWN: Final = 20
RECENT_S: Final = 900.0
GONE_S: Final = 300.0
"""A process that was silent for longer is no longer shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScalerState:
    """One thing that is scaled.

    ``last`` is what the last round came to (``wanted``, ``outcome``, ``reason``, ``asked``,
    ``running``, ``serving``), {} before the first; ``leads`` whether a scaler is at work.
    ``is_missed``: none is at work where one was, and none elsewhere either.
    """

    target: str
    leads: bool
    paused: bool
    override: int | None
    last: Mapping[str, Any]
    seen_at: dt.datetime
    is_missed: bool = False

    @property
    def is_dry(self) -> bool:
        """Whether it only says what it would do."""
        return self.target.endswith(states.DRY)

    @property
    def counts_running(self) -> bool:
        """Whether the target tells how many run; one machine's is known by who serves."""
        return not self.target.startswith("local")


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A change of the number of replicas, or why there was none."""

    at: dt.datetime
    adapter: str
    replicas: int
    wanted: int
    applied: bool
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReoptimizeRun:
    """A run of ``flask reoptimize``; ``outcome`` None while it is under way."""

    started_at: dt.datetime
    ended_at: dt.datetime | None
    outcome: str | None
    summary: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """Everything of the operator's page, newest first; ``llms`` None while Redis is away."""

    numbers: Numbers
    recent: Recent
    processes: Sequence[Process]
    llms: Sequence[LlmReading] | None
    scalers: Sequence[ScalerState]
    decisions: Sequence[Decision]
    dead: DeadLetters
    events: Sequence[Mapping[str, Any]]
    runs: Sequence[ReoptimizeRun]


def read_overview(deps: Deps) -> Overview:
    """Read it all; raises UnavailableError when Postgres is away."""
    with deps.database.transaction(system="operator's page") as session:
        scalers = _list_scalers(session)
        recent = measure_recent(session, deps.pool, window_s=RECENT_S)
        processes = list_processes(session, deps.pool, gone_s=GONE_S, limit=SHOWN)
        made = [
            Decision(
                at=row.created_at,
                adapter=row.adapter,
                replicas=row.replicas,
                wanted=row.wanted,
                applied=row.applied,
                reason=row.reason,
            )
            for row in decisions.list_decisions(session, limit=SHOWN)
        ]
        done = [
            ReoptimizeRun(
                started_at=row.started_at,
                ended_at=row.ended_at,
                outcome=row.outcome,
                summary=row.summary,
            )
            for row in runs.list_runs(session, limit=5)
        ]
    numbers = read_numbers(deps)
    return Overview(
        numbers=numbers,
        recent=recent,
        processes=processes,
        llms=None if numbers.messages is None else read_meters(deps.meters, deps.disabled),
        scalers=scalers,
        decisions=made,
        dead=list_dead_letters(deps, limit=SHOWN),
        events=list_events(deps, limit=SHOWN),
        runs=done,
    )


def _list_scalers(session: Session) -> list[ScalerState]:
    """All targets; those nobody is at work on come after those somebody is."""
    found = states.list_scalers(session)
    led = any(leads and not row.target.endswith(states.DRY) for row, leads, _ in found)
    shown = [
        _show_scaler(row, leads=leads, override=override, led=led) for row, leads, override in found
    ]
    return sorted(shown, key=lambda one: (not one.leads, one.is_dry))


def _show_scaler(
    row: states.ScalerRow, *, leads: bool, override: int | None, led: bool
) -> ScalerState:
    last = row.state.get(states.LAST) or {}
    dry = row.target.endswith(states.DRY)
    return ScalerState(
        target=row.target,
        leads=leads,
        paused=row.paused_at is not None,
        override=override,
        last=last,
        seen_at=row.updated_at,
        is_missed=bool(last) and not (leads or led or dry or last.get("once")),
    )
