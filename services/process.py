"""The life of a worker process as the database knows it."""

from __future__ import annotations

import threading
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from sqlalchemy.orm import Session

from core.clock import monotonic_s, wait_until
from core.errors import UnavailableError
from core.log import get_logger
from domain.job import JobState
from models import dispatch as statements
from models import job as jobs
from models import llm_call as ledger
from services.deps import Deps
from services.finish import add_counts
from services.health import Readiness, check_readiness

log = get_logger(__name__)

SCHEMA_WAIT_S: Final = 120.0

DEAF_S: Final = 120.0
UNCLAIMED_S: Final = 10.0


class Hands:
    """Which jobs the threads of one process have in hand, from before the claim to its end."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: Counter[uuid.UUID] = Counter()
        self._given_s = monotonic_s()

    @contextmanager
    def hold(self, job_id: uuid.UUID) -> Iterator[None]:
        """Have a job in hand; two messages may bring the same one to two threads."""
        with self._lock:
            self._held[job_id] += 1
            self._given_s = monotonic_s()
        try:
            yield
        finally:
            with self._lock:
                self._held[job_id] -= 1
                if not self._held[job_id]:
                    del self._held[job_id]

    @property
    def idle_s(self) -> float:
        """For how long no thread has been given anything."""
        return monotonic_s() - self._given_s

    def __contains__(self, job_id: uuid.UUID) -> bool:
        """Whether any thread has it."""
        with self._lock:
            return job_id in self._held


def wait_for_schema(deps: Deps, *, wait_s: float = SCHEMA_WAIT_S) -> None:
    """Wait until the database is there and at a schema this code knows.

    Services start in any order, so this is no fault for ``wait_s``; then UnavailableError.
    """
    found = check_readiness(deps)
    if not found.ready and wait_s:
        log.warning("waiting_for_schema", wait_s=wait_s, reason=_explain_wait(deps, found))
        wait_until(lambda: check_readiness(deps).ready, timeout_s=wait_s, poll_s=1.0)
        found = check_readiness(deps)
    if not found.ready:
        raise UnavailableError(f"{_explain_wait(deps, found)}.")


def _explain_wait(deps: Deps, found: Readiness) -> str:
    """What is not there yet, and where it was looked for."""
    postgres, where = found.checks["postgres"], deps.database.address
    if postgres != "ok":
        return f"Postgres cannot be reached at {where} ({postgres}): look at DATABASE_URL"
    return f"the schema at {where} {found.checks['schema']}: run the migrations"


def register_process(
    deps: Deps, process_id: uuid.UUID, *, queues: Sequence[str], threads: int
) -> None:
    """Say that this process lives and which lanes it serves."""
    with deps.database.transaction(system="register process") as session:
        statements.insert_process(
            session, process_id=process_id, pool=deps.pool, queues=queues, threads=threads
        )


def beat(deps: Deps, process_id: uuid.UUID) -> bool:
    """Say that this process still lives; False when it was forgotten meanwhile."""
    with deps.database.statements(system="beat") as session:
        return statements.beat(session, process_id)


def is_deaf(deps: Deps, hands: Hands, *, queues: Sequence[str]) -> bool:
    """Whether this process is given nothing any more although jobs of its lanes are sent again.

    So it is when the thread that fetches messages has died, or all others hang.
    """
    if not queues or hands.idle_s < DEAF_S:
        return False
    with deps.database.statements(system="watchdog") as session:
        return statements.has_unclaimed(session, deps.pool, queues=queues, older_than_s=UNCLAIMED_S)


def give_back_unheld(deps: Deps, process_id: uuid.UUID, hands: Hands) -> int:
    """Give back what runs under this process's name while no thread has it; how many jobs.

    So ends a claim or a result whose reply was lost on the way: the process lives, so nobody else
    would take the job back before its deadline.
    """
    with deps.database.statements(system="find unheld") as session:
        running = jobs.list_running_of(session, process_id)
    # Looked at in this order: what was finished or claimed anew meanwhile is saved by the fence.
    unheld = [job for job in running if job.id not in hands]
    if not unheld:
        return 0
    with deps.database.transaction(system="give back unheld") as session:
        given = [job for job in unheld if _give_back(session, job)]
    log.warning("jobs_unheld", jobs=len(given))
    return len(given)


def _give_back(session: Session, job: jobs.JobRow) -> bool:
    state = jobs.release_job(session, job, wait_s=0.0)
    if state is None:
        return False
    ledger.mark_calls_unknown(session, [job.id])
    if state is JobState.CANCELLED:
        add_counts(session, job, {state.value: 1})
    return True


def start_draining(deps: Deps, process_id: uuid.UUID) -> None:
    """Say that this process was asked to end."""
    with deps.database.transaction(system="drain") as session:
        statements.set_draining(session, process_id)


def end_process(deps: Deps, process_id: uuid.UUID) -> None:
    """Say that this process has ended."""
    with deps.database.transaction(system="end process") as session:
        statements.delete_process(session, process_id)
