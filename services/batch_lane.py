"""Works the batch lane: one leader of each pool takes every file of calls from step to step.

    planned → uploaded → created → ended → ingested

Each step is one call to the provider and then one commit. What a process did not live to commit is
looked for at the provider, by the name of the file or the label of the batch, before it is done
again: so no batch is submitted twice (docs/decisions/0042).
"""

from __future__ import annotations

import random
import uuid
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from core.clock import monotonic_s
from core.errors import (
    BatchUnavailableError,
    LlmError,
    LlmRequestError,
    LlmTransientError,
    UnavailableError,
)
from core.log import get_logger
from domain.alarms import Alarm, AlarmKind
from domain.batch_lane import RECALL_SHARE, BatchProvider, build_file_name
from models import provider_batch as lane
from models import provider_batch_item as items
from models.provider_batch import ProviderBatchRow
from services.batch_lane_ingest import close, ingest
from services.batch_lane_plan import is_ripe, plan_batches
from services.deps import Deps

log = get_logger(__name__)

LEASE_S: Final = 120.0
"""Longer than any one call to the provider: what a dead leader began is known before another goes
on."""

LONGEST_POSTPONEMENT_S: Final = 3600.0
SUBMIT_SHARE: Final = 0.5
"""A file that the provider has not taken in at this share of the window is given up."""

ABANDON_SHARE: Final = 2.0
RELEASED_AT_ONCE: Final = 1000
_MOST_STEPS: Final = 1000


class LeaseLostError(Exception):
    """Another process leads the lane now."""


@dataclass(frozen=True, slots=True)
class BatchLane:
    """The lane as its leader sees it; ``keep`` renews the lease or raises LeaseLostError."""

    deps: Deps
    provider: BatchProvider
    keep: Callable[[], None]

    @property
    def poll_s(self) -> float:
        """Seconds until the next look at a file, with some jitter."""
        base: float = self.deps.settings.groq_batch_poll_s
        return base * random.uniform(0.9, 1.1)  # noqa: S311 - not a secret

    def move(self, row: ProviderBatchRow, *, wait_s: float = 0.0, **values: object) -> None:
        """Commit what a step came to."""
        with self.deps.database.transaction(system="move a batch") as session:
            lane.move_batch(session, row, values, wait_s=wait_s)

    def measure_share(self, row: ProviderBatchRow) -> float:
        """How much of its window a file has used up."""
        with self.deps.database.statements(system="measure a batch") as session:
            return lane.measure_age(session, row.id) / row.window_s


def run_lane(deps: Deps, leader: uuid.UUID) -> float:
    """Do all that can be done now, if this process leads; seconds until the next look.

    Raises UnavailableError when the database is away.
    """
    idle_s = float(deps.settings.groq_batch_poll_s)
    if deps.batches is None or not _lead(deps, leader):
        return idle_s

    def keep() -> None:
        if not _lead(deps, leader):
            raise LeaseLostError

    try:
        return work_lane(BatchLane(deps, deps.batches, keep))
    except LeaseLostError:
        log.warning("batch_lane_lost", leader=str(leader))
        return idle_s


def _lead(deps: Deps, leader: uuid.UUID) -> bool:
    with deps.database.statements(system="lead the batch lane") as session:
        return lane.take_lane(session, deps.pool, leader=leader, lease_s=LEASE_S)


def leave_lane(deps: Deps, leader: uuid.UUID) -> None:
    """Let another process lead at once."""
    with deps.database.transaction(system="leave the batch lane") as session:
        lane.leave_lane(session, deps.pool, leader=leader)


def work_lane(one: BatchLane) -> float:
    """Plan what waits, and take every file as far as it goes now; seconds until the next look."""
    deps = one.deps
    with deps.database.transaction(system="look at the batch lane") as session:
        adopted = lane.adopt_orphans(session, deps.pool)
        refusal = lane.find_refusal(session)
    if adopted:
        log.warning("batches_adopted", batches=adopted)
    if refusal:
        release_all(deps)
    elif is_ripe(deps):
        plan_batches(deps, one.provider, keep=one.keep)
    for _ in range(_MOST_STEPS):
        with deps.database.statements(system="list batches") as session:
            due = lane.list_due_batches(session, deps.pool)
        if not due:
            break
        for row in due:
            one.keep()
            take_step(one, row)
    return min(one.poll_s, float(deps.settings.groq_batch_poll_s))


def take_step(one: BatchLane, row: ProviderBatchRow) -> None:
    """Take one file one step further; what the provider cannot do now is postponed."""
    try:
        _STEPS[row.state](one, row)
    except BatchUnavailableError as fault:
        _refuse(one, row, fault)
    except LlmError as fault:
        _postpone(one, row, fault)
    except (UnavailableError, LeaseLostError):
        raise
    except Exception as fault:
        # A fault of ours with one file must not hold up the others for ever.
        log.exception("batch_step_crashed", provider_batch=str(row.id))
        _postpone(one, row, LlmTransientError(f"{type(fault).__name__} in our code"))


def release_all(deps: Deps) -> None:
    """Nothing can wait for a file any more: what does goes on demand."""
    while True:
        with deps.database.transaction(system="close the batch lane") as session:
            released = items.release_all(session, deps.pool, limit=RELEASED_AT_ONCE)
        deps.queue.wake_dispatcher()
        if released < RELEASED_AT_ONCE:
            return


def _upload(one: BatchLane, row: ProviderBatchRow) -> None:
    if _give_up_late(one, row):
        return
    name = build_file_name(row.id)
    # An earlier leader may have died between the provider's answer and its commit.
    file_id = one.provider.find_file(name)
    if not file_id:
        file_id = one.provider.upload(name, zlib.decompress(row.body or b""))
    one.move(row, state="uploaded", file_id=file_id)


def _create(one: BatchLane, row: ProviderBatchRow) -> None:
    label = str(row.id)
    status = one.provider.find(label, file_id=row.file_id)
    if status is None:
        if _give_up_late(one, row):
            return
        one.keep()
        window_h = round(row.window_s / 3600)
        status = one.provider.create(row.file_id, label=label, window_h=window_h)
    one.move(
        row,
        state="created",
        provider_id=status.id,
        provider_status=status.status,
        failures=0,
        wait_s=one.poll_s,
    )
    log.info("batch_created", provider_batch=label, provider_id=status.id, lines=row.lines)


def _poll(one: BatchLane, row: ProviderBatchRow) -> None:
    status = one.provider.get(row.provider_id)
    if status.is_over:
        one.move(
            row,
            state="ended",
            provider_status=status.status,
            output_file_id=status.output_file_id,
            error_file_id=status.error_file_id,
            error=status.error,
        )
        return
    if row.recalled_at is None and _find_recall_reason(one, row):
        _recall(one, row)
        return
    one.move(row, provider_status=status.status, failures=0, wait_s=one.poll_s)


def _find_recall_reason(one: BatchLane, row: ProviderBatchRow) -> str:
    """Why a file should not be waited for any longer, "" when it should."""
    if one.measure_share(row) >= RECALL_SHARE:
        return "late"
    with one.deps.database.statements(system="look for takers") as session:
        return "" if items.has_takers(session, row.id) else "unwanted"


def _recall(one: BatchLane, row: ProviderBatchRow) -> None:
    try:
        one.provider.cancel(row.provider_id)
    except LlmRequestError as fault:
        # It ended this moment: the next look finds its files.
        log.info("batch_not_recalled", provider_batch=str(row.id), reason=fault.message)
    with one.deps.database.transaction(system="recall a batch") as session:
        lane.recall_batch(session, row, wait_s=min(one.poll_s, 10.0))
    log.info("batch_recalled", provider_batch=str(row.id))


def _ingest(one: BatchLane, row: ProviderBatchRow) -> None:
    began_s = monotonic_s()
    ingest(one.deps, one.provider, row, keep=one.keep)
    if row.provider_status == "failed":
        _tell(one.deps, f"Groq could not read a file of {row.lines} calls: {row.error}")
    log.info("batch_done", provider_batch=str(row.id), took_s=round(monotonic_s() - began_s, 1))


_STEPS: Final[dict[str, Callable[[BatchLane, ProviderBatchRow], None]]] = {
    "planned": _upload,
    "uploaded": _create,
    "created": _poll,
    "ended": _ingest,
}


def _give_up_late(one: BatchLane, row: ProviderBatchRow) -> bool:
    """End a file for which there is no time any more; whether that was so."""
    if one.measure_share(row) < SUBMIT_SHARE:
        return False
    close(one.deps, row, error="it could not be submitted in time")
    return True


def _refuse(one: BatchLane, row: ProviderBatchRow, fault: BatchUnavailableError) -> None:
    """The plan has no batches: remember it, say it once, and let everything go on demand."""
    with one.deps.database.transaction(system="close the batch lane") as session:
        lane.set_refusal(session, one.deps.pool, str(fault))
    if row.state in {"planned", "uploaded"}:
        close(one.deps, row, error=fault.message)
    else:
        _postpone(one, row, fault)
    release_all(one.deps)
    _tell(one.deps, str(fault))


def _postpone(one: BatchLane, row: ProviderBatchRow, fault: LlmError) -> None:
    if one.measure_share(row) >= ABANDON_SHARE:
        close(one.deps, row, error=fault.message)
        _tell(one.deps, f"A file of {row.lines} calls was given up: {fault.message}")
        return
    wait_s = min(LONGEST_POSTPONEMENT_S, one.poll_s * 2 ** min(row.failures, 6))
    one.move(row, failures=row.failures + 1, error=fault.message[:500], wait_s=wait_s)
    log.warning("batch_step_failed", provider_batch=str(row.id), reason=fault.message)


def _tell(deps: Deps, message: str) -> None:
    deps.alarms.ring(Alarm(kind=AlarmKind.PROVIDER_REFUSED, key="batches", message=message))
