"""Measures the listings of a store anew, as a job: after its rules or its search terms changed."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.clock import monotonic_s
from core.errors import AppError
from core.ids import new_id
from domain.job import JobKind, JobState, Lane
from domain.ports import Dispatch
from models import job as jobs
from models import listing as listings
from models import store as stores
from services.catalogue import build_listing
from services.deps import Deps
from services.measures import Measures, get_rules, measure_listing
from services.optimize import settle_fault
from services.voice import load_voice

PAGE: Final = 200
CLAIM_S: Final = 20.0
"""So long it works before it lets another job have its turn."""

ROUND_WAIT_S: Final = 1.0
"""Until the next round over the listings that somebody else was changing in the last one."""


def submit_remeasure(
    deps: Deps, session: Session, seller_id: uuid.UUID, store_id: uuid.UUID
) -> Dispatch:
    """Have every listing of a store measured; one that was to begin with older rules is dropped."""
    jobs.cancel_subject(session, seller_id, store_id)
    job_id = new_id()
    jobs.insert_jobs(
        session,
        [
            {
                "id": job_id,
                "seller_id": seller_id,
                "kind": JobKind.REMEASURE.value,
                "lane": Lane.FILES.value,
                "pool": deps.pool,
                "subject_id": store_id,
                "work_hash": f"remeasure:{store_id}:{job_id}",
                "dispatched_at": text("clock_timestamp()"),
                "dispatch_no": 1,
            }
        ],
    )
    return Dispatch(job_id, 1, Lane.FILES)


def run_remeasure(deps: Deps, job: jobs.JobRow) -> None:
    """Do a claimed job's share of measuring a store."""
    if job.subject_id is None:
        message = f"remeasure job {job.id} names no store"
        raise ValueError(message)
    try:
        _measure_store(deps, job, job.subject_id)
    except AppError as fault:
        settle_fault(deps, job, fault)


def _measure_store(deps: Deps, job: jobs.JobRow, store_id: uuid.UUID) -> None:
    """Page by page, each a transaction, with what is muted at that moment.

    Listings made after the job was submitted were measured with it already: their ids are later.
    """
    cursor = job.cursor or {}
    after = uuid.UUID(cursor["after"]) if cursor.get("after") else None
    done = int(cursor.get("done", 0))
    deadline_s = monotonic_s() + CLAIM_S
    while True:
        with deps.database.transaction(seller=job.seller_id) as session:
            page = stores.lock_page(
                session, job.seller_id, store_id, after=after, before=job.id, limit=PAGE
            )
            _measure_page(session, job.seller_id, store_id, page)
            done += len(page)
            if len(page) < PAGE:
                _end_round(session, job, store_id, done=done)
                return
            after = page[-1][0].id
            if monotonic_s() > deadline_s:
                at = json.dumps({"after": str(after), "done": done})
                jobs.release_job(session, job, wait_s=0.0, cursor=at)
                return


def _measure_page(
    session: Session,
    seller_id: uuid.UUID,
    store_id: uuid.UUID,
    page: Sequence[tuple[listings.ListingRow, listings.ProductRow, listings.RevisionRow]],
) -> None:
    store = listings.get_store(session, seller_id, store_id)
    muted = [one["rule"] for one in store.mutes]
    keywords = load_voice(session, seller_id, store.channel).keywords
    values = []
    for row, product, revision in page:
        listing = build_listing(product, revision)
        rules = get_rules(store.channel, listing, muted)
        values.append(_values(row, measure_listing(listing, rules, keywords=keywords)))
    if values:
        stores.update_measures(session, values)


def _values(row: listings.ListingRow, measures: Measures) -> dict[str, Any]:
    return {
        "seller_id": row.seller_id,
        "listing_id": row.id,
        "hard": measures.hard,
        "advice": measures.advice,
        "score": measures.score,
        "state": "hard" if measures.hard else "good",
    }


def _end_round(session: Session, job: jobs.JobRow, store_id: uuid.UUID, *, done: int) -> None:
    """Finish when all were measured; what was locked by others is tried again from the start.

    A finish that a later claim overtook writes nothing, and needs no word about it.
    """
    if done < stores.count_measurable(session, job.seller_id, store_id, before=job.id):
        jobs.release_job(session, job, wait_s=ROUND_WAIT_S, cursor="{}")
        return
    jobs.finish_job(session, job, state=JobState.COMPLETED, values={})
