"""What the scaler sees: the workload as Postgres has it, and the bounds of this installation."""

from __future__ import annotations

from typing import Final

from core.errors import SettingsError
from core.settings import Settings
from domain.job import Lane
from domain.scaling.schedule import parse_schedule
from domain.scaling.values import ScalingConfig, Workload
from models import scaler_workload as workloads
from services.deps import Deps
from services.dispatch import STALE_S

PEAK_WINDOW_S: Final = 90.0


def build_config(settings: Settings) -> ScalingConfig:
    """The policy's bounds; raises SettingsError."""
    try:
        schedule = parse_schedule(settings.scaler_schedule)
    except ValueError as fault:
        raise SettingsError(f"SCALER_SCHEDULE: {fault}.", field="settings") from fault
    has_llm = bool(settings.groq_api_key)
    return ScalingConfig(
        replicas_min=settings.workers_min,
        replicas_max=settings.workers_max,
        threads=settings.worker_threads,
        start_s=settings.scaler_start_s,
        drain_s=settings.scaler_drain_s,
        window_s=settings.scaler_window_s,
        peak_window_s=min(PEAK_WINDOW_S, settings.scaler_window_s),
        requests_per_minute=settings.groq_requests_per_minute if has_llm else None,
        tokens_per_minute=settings.groq_tokens_per_minute if has_llm else None,
        connections=settings.scaler_connections or None,
        connections_per_replica=settings.database_pool_size,
        schedule=schedule,
    )


def observe_workload(deps: Deps, *, ahead_s: float) -> Workload:
    """One reading, all of it new; raises UnavailableError."""
    lanes = deps.settings.scaler_lanes.split(",")
    with deps.database.transaction(system="observe workload") as session:
        return workloads.measure_workload(
            session,
            pool=deps.pool,
            lanes=lanes,
            urgent=[lane for lane in lanes if lane == Lane.INTERACTIVE],
            ahead_s=ahead_s,
            day=_build_day_limits(deps.settings),
        )


def _build_day_limits(settings: Settings) -> workloads.DayLimits:
    """The provider's limits of a day, where a language model is used and they are known."""
    if not settings.groq_api_key:
        return workloads.DayLimits()
    return workloads.DayLimits(
        requests=settings.groq_requests_per_day or None,
        tokens=settings.groq_tokens_per_day or None,
    )


def count_serving(deps: Deps) -> int:
    """Worker processes that serve the scaled lanes now; raises UnavailableError."""
    with deps.database.statements(system="count serving") as session:
        lanes = deps.settings.scaler_lanes.split(",")
        return workloads.count_serving(session, pool=deps.pool, lanes=lanes, stale_s=STALE_S)
