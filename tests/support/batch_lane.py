"""The batch lane in tests: on the simulator, with time that passes at once, and dying leaders."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from services.access import Seller
from services.batch_lane import BatchLane, work_lane
from services.deps import Deps
from services.imports import confirm_import
from tests.support.groq_sim import GroqSimulator
from tests.support.jobs import execute, make_csv, make_worker, query, run_all, upload
from tests.support.llm_door import KilledError, open_groq_deps

HOUR_S = 3600


@contextmanager
def open_lane_deps(
    database_url: str, redis_url: str, groq: GroqSimulator, **more: str
) -> Iterator[Deps]:
    """A worker's deps that may work the batch lane."""
    with open_groq_deps(database_url, redis_url, groq, **more) as deps:
        assert deps.batches is not None
        try:
            yield deps
        finally:
            deps.batches.close()


def submit_cheaper(deps: Deps, seller: Seller, count: int, *, content: bytes = b"") -> Any:
    """An import whose jobs wait for the batch lane; its id."""
    import_id = upload(deps, seller, content or make_csv(count), speed="batch")
    worker = make_worker(deps)
    run_all(deps, worker)
    confirm_import(deps, seller.id, import_id)
    run_all(deps, worker)
    return import_id


def work(deps: Deps, *, keeping_files: bool = False) -> None:
    """Let the leader do all that can be done, as if its waits were over."""
    ripen(deps)
    provider: Any = KeepingProvider(deps.batches) if keeping_files else deps.batches
    work_lane(BatchLane(deps, provider, keep=lambda: None))


def finish(deps: Deps, groq: GroqSimulator) -> None:
    """Let the provider end its work, take the answers in and run what became due."""
    groq.advance(HOUR_S)
    work(deps)
    run_all(deps, make_worker(deps))


@dataclass(slots=True)
class KeepingProvider:
    """A provider that has its files kept."""

    inner: Any

    def __getattr__(self, name: str) -> Any:
        """The inner provider's method."""
        return getattr(self.inner, name)

    def delete_file(self, file_id: str) -> None:
        """Leave it there."""


def ripen(deps: Deps) -> None:
    """Let pass the waits of the lane, and of what is to be gathered into a file."""
    execute(deps, "UPDATE app.provider_batch SET next_step_at = clock_timestamp()")
    execute(
        deps,
        "UPDATE app.job SET created_at = created_at - interval '1 hour' WHERE waits_for = 'batch'",
    )


def age(deps: Deps, *, share: float) -> None:
    """Make every file so old, in shares of its window."""
    execute(
        deps,
        "UPDATE app.provider_batch SET planned_at ="
        " clock_timestamp() - make_interval(secs => window_s * CAST(:share AS float8))",
        share=share,
    )


def list_states(deps: Deps) -> list[tuple[str, str]]:
    """State of every file, and how the provider calls it, in order."""
    return query(
        deps, "SELECT state, provider_status FROM app.provider_batch ORDER BY planned_at, id"
    )


def count_items(deps: Deps) -> dict[str, int]:
    """Lines of files by state."""
    return dict(query(deps, "SELECT state, count(*) FROM app.provider_batch_item GROUP BY state"))


def count_jobs(deps: Deps) -> dict[str, int]:
    """Optimize jobs by state, those that wait for the lane by what they wait for."""
    return dict(
        query(
            deps,
            "SELECT CASE WHEN state = 'available' THEN coalesce(waits_for, state) ELSE state END,"
            " count(*) FROM app.job WHERE kind = 'optimize' GROUP BY 1",
        )
    )


def sum_ledger(deps: Deps) -> int:
    """Picodollars that our own books know of."""
    [(total,)] = query(deps, "SELECT coalesce(sum(cost_pico), 0)::bigint FROM app.llm_call")
    return int(total)


@dataclass(slots=True)
class Fate:
    """Counts transactions and calls to the provider; at the chosen one its process dies."""

    lives: int
    seen: int = 0

    def step(self) -> None:
        """Another one begins."""
        if self.seen == self.lives:
            raise KilledError
        self.seen += 1


@dataclass(slots=True)
class MortalProvider:
    """A provider whose caller may die at the beginning of a call."""

    inner: Any
    fate: Fate

    def __getattr__(self, name: str) -> Any:
        """The inner provider's method, but for its caller's fate."""
        method = getattr(self.inner, name)
        if name == "write_line":
            return method

        def call(*args: Any, **more: Any) -> Any:
            self.fate.step()
            return method(*args, **more)

        return call


@dataclass(slots=True)
class FatefulDatabase:
    """A database whose user may die at the beginning of a transaction."""

    inner: Any
    fate: Fate = field(default_factory=lambda: Fate(lives=-1))

    @contextmanager
    def transaction(self, **owner: Any) -> Iterator[Any]:
        self.fate.step()
        with self.inner.transaction(**owner) as session:
            yield session

    @contextmanager
    def statements(self, **owner: Any) -> Iterator[Any]:
        self.fate.step()
        with self.inner.statements(**owner) as session:
            yield session


def work_until_killed(deps: Deps, *, lives: int) -> bool:
    """One round of a leader that dies at its nth transaction or call; whether it lived on."""
    ripen(deps)
    fate = Fate(lives=lives)
    mortal = replace(deps, database=FatefulDatabase(deps.database, fate))  # type: ignore[arg-type]
    try:
        work_lane(BatchLane(mortal, MortalProvider(deps.batches, fate), keep=lambda: None))
    except KilledError:
        return False
    return True
