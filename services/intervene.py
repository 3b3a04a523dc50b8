"""Retries dead letters and cancels jobs, for sellers and for the operator; history is kept."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy.orm import Session

from core.errors import ConflictError, NotFoundError
from core.log import get_logger
from domain.job import FINAL, JobKind, JobState
from models import intervention as statements
from models import job as jobs
from models import job_reads
from services.access import find_seller
from services.deps import Deps
from services.finish import add_counts
from services.imports import cancel_import
from services.submit import job_to_json

log = get_logger(__name__)

PAGE: Final = 500
OPERATOR: Final = "operator"
SELLER: Final = "seller"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetters:
    """How many there are by reason, and the newest of those that were asked for."""

    counts: dict[str, int]
    jobs: list[dict[str, Any]]


def list_dead_letters(deps: Deps, *, reason: str | None = None, limit: int = 50) -> DeadLetters:
    """Jobs that ended without a result and may be retried, with what was done to them before."""
    with deps.database.transaction(system="list dead letters") as session:
        rows = statements.list_dead(session, deps.pool, reason=reason, limit=limit)
        events = statements.list_events(session, [row.id for row in rows])
        counts = statements.count_dead(session, deps.pool)
    shown = []
    for row in rows:
        history = [_event_to_json(one) for one in events if one.job_id == row.id]
        crashes = {"crash_count": row.crash_count, "history": history}
        shown.append({**job_to_json(row), "seller_id": row.seller_id, **crashes})
    return DeadLetters(counts=dict(counts), jobs=shown)


def _event_to_json(event: statements.JobEventRow) -> dict[str, Any]:
    return {
        "at": event.created_at,
        "action": event.action,
        "actor": event.actor,
        "state": event.state,
        "failures": event.failures,
        "crash_count": event.crash_count,
        "error": {"code": event.error_code or "", "message": event.error_detail or ""},
    }


def retry_job(
    deps: Deps, job_id: uuid.UUID, *, seller_id: uuid.UUID | None = None, actor: str = OPERATOR
) -> None:
    """Let one dead letter run again; of that seller only, where one is named.

    Raises NotFoundError; ConflictError when it is not dead, its import was cancelled, or another
    job does its work by now.
    """
    owner = _require_owner(deps, job_id, seller_id)
    with deps.database.transaction(seller=owner) as session:
        row = statements.lock_revivable_job(session, job_id)
        if row is None:
            raise ConflictError(_say_why_not(session, owner, job_id))
        _revive(deps, session, [row], actor=actor)
    deps.queue.wake_dispatcher()


def _say_why_not(session: Session, owner: uuid.UUID, job_id: uuid.UUID) -> str:
    row = job_reads.find_job(session, owner, job_id)
    if row is not None and row.state != JobState.DISCARDED:
        return f"the job is {row.state}; only one that is discarded can be retried."
    return "its import was cancelled, or another job does the same work by now."


def retry_dead_letters(deps: Deps, *, reason: str | None = None) -> int:
    """Let all dead letters run again, or those of one reason; how many."""
    total = 0
    while True:
        with deps.database.transaction(system="retry dead letters") as session:
            rows = statements.lock_revivable(session, deps.pool, reason=reason, limit=PAGE)
            _revive(deps, session, rows, actor=OPERATOR)
        deps.queue.wake_dispatcher()
        total += len(rows)
        if len(rows) < PAGE:
            return total


def _revive(deps: Deps, session: Session, rows: Sequence[jobs.JobRow], *, actor: str) -> None:
    statements.insert_events(session, rows, action="retry", actor=actor)
    statements.revive_jobs(session, [row.id for row in rows], pool=deps.pool)
    for seller_id, batch_id in {(row.seller_id, row.batch_id) for row in rows}:
        if batch_id is not None:
            statements.reopen_batch(session, seller_id, batch_id)
    for row in rows:
        # Its end was counted, with its cost; it will be counted anew.
        add_counts(session, row, {JobState.DISCARDED.value: -1, "cost_pico": -row.cost_pico})
        if row.kind == JobKind.IMPORT and row.subject_id is not None:
            statements.reopen_import(session, row.seller_id, row.subject_id)


def cancel_job(
    deps: Deps, job_id: uuid.UUID, *, seller_id: uuid.UUID | None = None, actor: str = OPERATOR
) -> str:
    """Cancel one job; its state then: ``cancelled``, or ``running`` until its next step.

    The job of an import takes the import with it. Cancelling twice is cancelling once. Raises
    NotFoundError, and ConflictError when it has ended otherwise.
    """
    owner = _require_owner(deps, job_id, seller_id)
    with deps.database.transaction(seller=owner) as session:
        row = statements.lock_job(session, owner, job_id)
        if row is None:
            raise NotFoundError("there is no such job.", field="id")
        if row.state in FINAL and row.state != JobState.CANCELLED:
            raise ConflictError(f"the job is {row.state}; it cannot be cancelled any more.")
        imported = row.subject_id if row.kind == JobKind.IMPORT else None
        if imported is None:
            _cancel(session, [row], actor=actor)
    if imported is not None:
        cancel_import(deps, owner, imported, f"cancelled by the {actor}")
    with deps.database.transaction(seller=owner) as session:
        found = job_reads.find_job(session, owner, job_id)
        return JobState.CANCELLED if found is None else found.state


def _cancel(session: Session, rows: Sequence[jobs.JobRow], *, actor: str) -> None:
    """Cancel locked jobs, and count those that were waiting: who runs them counts the others."""
    due = [row for row in rows if row.state not in FINAL and row.cancel_requested_at is None]
    statements.insert_events(session, due, action="cancel", actor=actor)
    for row in due:
        if jobs.request_cancel(session, row.seller_id, job_id=row.id):
            add_counts(session, row, {JobState.CANCELLED.value: 1})


def cancel_seller(deps: Deps, email: str) -> int:
    """Cancel everything of a seller that is under way, imports included; how many jobs.

    Raises NotFoundError.
    """
    seller = find_seller(deps, email)
    if seller is None:
        raise NotFoundError(f"there is no seller {email}.", field="seller")
    with deps.database.transaction(seller=seller.id) as session:
        open_imports = statements.list_open_imports(session, seller.id)
    for import_id in open_imports:
        cancel_import(deps, seller.id, import_id, "cancelled by the operator")
    total = 0
    while True:
        with deps.database.transaction(seller=seller.id) as session:
            rows = statements.lock_unfinished(session, seller.id, limit=PAGE)
            _cancel(session, rows, actor=OPERATOR)
        total += len(rows)
        if len(rows) < PAGE:
            return total


def cancel_any_import(deps: Deps, import_id: uuid.UUID) -> None:
    """Cancel an import, whoever's it is; raises NotFoundError."""
    with deps.database.transaction(system="find import") as session:
        owner = statements.find_import_owner(session, import_id)
    if owner is None:
        raise NotFoundError("there is no such import.", field="id")
    cancel_import(deps, owner, import_id, "cancelled by the operator")


def _require_owner(deps: Deps, job_id: uuid.UUID, seller_id: uuid.UUID | None) -> uuid.UUID:
    with deps.database.transaction(system="find job") as session:
        owner = statements.find_owner(session, job_id)
    if owner is None or seller_id not in (None, owner):
        raise NotFoundError("there is no such job.", field="id")
    return owner
