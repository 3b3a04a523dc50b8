"""Accepts every open suggestion of an import: as a job with progress, or at once for a command."""

from __future__ import annotations

import json
import uuid
from dataclasses import asdict, dataclass
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.clock import monotonic_s
from core.errors import AppError, ConflictError
from core.ids import new_id
from domain.job import FINAL, JobKind, JobState, Lane
from domain.ports import Dispatch
from models import acceptance, job_reads
from models import import_file as imports
from models import job as jobs
from services.accept_page import accept_waiting
from services.deps import Deps
from services.imports import require_import
from services.optimize import release, settle_fault
from services.push import push_quietly

PAGE: Final = 250
"""Products; as many listings are locked for as long as a page takes, well under a second."""

CLAIM_S: Final = 20.0
"""So long it works before it lets another job have its turn."""


@dataclass(slots=True, kw_only=True)
class Acceptance:
    """How far the products of an import are gone through; ``after`` is the last one's ordinal."""

    actor: str
    bulk_id: str
    after: int = -1
    accepted: int = 0

    def to_json(self) -> str:
        """As the job's cursor."""
        return json.dumps(asdict(self))


def accept_import(deps: Deps, seller_id: uuid.UUID, import_id: uuid.UUID, *, actor: str) -> int:
    """Accept every offered field of an import's open suggestions; how many suggestions.

    It takes its time: for a request there is ``submit_accept``.
    """
    going = Acceptance(actor=actor, bulk_id=str(new_id()))
    while True:
        with deps.database.transaction(seller=seller_id) as session:
            if not _accept_page(session, seller_id, import_id, going):
                return going.accepted


def submit_accept(
    deps: Deps, seller_id: uuid.UUID, import_id: uuid.UUID, *, actor: str
) -> uuid.UUID:
    """Have every open suggestion of an import accepted; the job, one under way already included.

    Raises NotFoundError, and ConflictError for an import that was not confirmed.
    """
    with deps.database.transaction(seller=seller_id) as session:
        row = require_import(session, seller_id, import_id)
        if row.batch_id is None:
            raise ConflictError(
                f"the import is {row.state}; nothing has been proposed for it.",
                remedy="Confirm it first.",
            )
        job_id = new_id()
        going = Acceptance(actor=actor, bulk_id=str(job_id))
        made = jobs.insert_jobs(
            session,
            [
                {
                    "id": job_id,
                    "seller_id": seller_id,
                    "kind": JobKind.ACCEPT.value,
                    "lane": Lane.FILES.value,
                    "pool": deps.pool,
                    "subject_id": import_id,
                    "work_hash": f"accept:{import_id}",
                    "cursor": asdict(going),
                    "dispatched_at": text("clock_timestamp()"),
                    "dispatch_no": 1,
                }
            ],
        )
        there = job_reads.find_latest_about(session, seller_id, import_id, JobKind.ACCEPT)
    if made:
        push_quietly(deps, Dispatch(job_id, 1, Lane.FILES))
    return job_id if there is None else there.id


def find_acceptance(
    deps: Deps, seller_id: uuid.UUID, import_id: uuid.UUID
) -> dict[str, Any] | None:
    """How the newest acceptance of a whole import goes; None when there was none.

    ``seen`` of ``total`` products are gone through, ``accepted`` suggestions were accepted.
    """
    with deps.database.transaction(seller=seller_id) as session:
        job = job_reads.find_latest_about(session, seller_id, import_id, JobKind.ACCEPT)
        if job is None:
            return None
        total = imports.count_items(session, import_id)
    going = Acceptance(**(job.cursor or {}))
    return {
        "job_id": job.id,
        "state": job.state,
        "over": job.state in FINAL,
        "seen": min(going.after + 1, total),
        "total": total,
        "accepted": going.accepted,
    }


def run_accept(deps: Deps, job: jobs.JobRow) -> None:
    """Do a claimed job's share of accepting."""
    if job.subject_id is None:
        message = f"accept job {job.id} names no import"
        raise ValueError(message)
    try:
        _accept_pages(deps, job, job.subject_id)
    except _StoppedError:
        # Cancelled, it ends here; overtaken, this writes nothing.
        release(deps, job, wait_s=0.0)
    except AppError as fault:
        settle_fault(deps, job, fault)


class _StoppedError(Exception):
    """The job is to be cancelled, or another worker's by now: the page is taken back."""


def _accept_pages(deps: Deps, job: jobs.JobRow, import_id: uuid.UUID) -> None:
    """Page by page; what is accepted and how far it is are committed together."""
    going = Acceptance(**(job.cursor or {}))
    deadline_s = monotonic_s() + CLAIM_S
    while True:
        with deps.database.transaction(seller=job.seller_id) as session:
            more = _accept_page(session, job.seller_id, import_id, going)
            if not jobs.save_cursor(session, job, going.to_json()):
                raise _StoppedError
            if not more:
                jobs.finish_job(session, job, state=JobState.COMPLETED, values={})
                return
            if monotonic_s() > deadline_s:
                jobs.release_job(session, job, wait_s=0.0)
                return


def _accept_page(
    session: Session, seller_id: uuid.UUID, import_id: uuid.UUID, going: Acceptance
) -> bool:
    """Accept what is open among the next products; whether there were any."""
    items = imports.list_items(session, import_id, after=going.after, limit=PAGE)
    if not items:
        return False
    last = items[-1].ordinal
    texts = acceptance.lock_waiting(session, import_id, after=going.after, last=last)
    if texts:
        going.accepted += accept_waiting(
            session, seller_id, texts, actor=going.actor, bulk_id=uuid.UUID(going.bulk_id)
        )
    going.after = last
    return True
