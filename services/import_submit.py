"""Submits the optimize jobs of a confirmed import, some at a time."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy.orm import Session

from core.clock import monotonic_s
from domain.brief import Brief
from domain.job import JobState
from domain.marketplaces.rulebook import RuleSet
from models import batch as batches
from models import brief as briefs
from models import import_file as imports
from models import job as jobs
from services.catalogue import build_listing, get_rules
from services.deps import Deps
from services.imports import CLAIM_S, ImportOptions
from services.submit import build_brief, job_values

SUBMIT_CHUNK: Final = 500
TWIN_WAIT_S: Final = 1.0


@dataclass(slots=True)
class Submission:
    """How far the jobs of an import are submitted."""

    after: int = -1
    total: int = 0

    def to_json(self) -> str:
        """As the job's cursor."""
        return json.dumps({"after": self.after, "total": self.total})


def submit_jobs(deps: Deps, job: jobs.JobRow, row: imports.ImportFileRow) -> None:
    """Insert the optimize jobs of a confirmed import, some at a time.

    Where another batch is doing the very same work, wait for it: what it paid for is reused.
    """
    options = ImportOptions.from_json(row.options)
    progress = Submission(**(job.cursor or {}))
    deadline_s = monotonic_s() + CLAIM_S
    while True:
        with deps.database.transaction(seller=row.seller_id) as session:
            items = imports.list_items(session, row.id, after=progress.after, limit=SUBMIT_CHUNK)
            if not items:
                _seal(session, job, row, progress)
                return
            twins = _insert_chunk(deps, session, row, options, items)
            if not twins:
                progress.after = items[-1].ordinal
                progress.total += len(items)
            if twins or monotonic_s() > deadline_s:
                jobs.release_job(
                    session, job, wait_s=TWIN_WAIT_S if twins else 0.0, cursor=progress.to_json()
                )
                return


def _insert_chunk(
    deps: Deps,
    session: Session,
    row: imports.ImportFileRow,
    options: ImportOptions,
    items: Sequence[imports.ImportItemRow],
) -> int:
    """Insert the jobs of some items; how many must wait for the same work of another batch."""
    values, bodies = [], {}
    for item, brief, rules in _iter_briefs(session, row, options, items):
        subject = (item.listing_id, item.revision_id)
        values.append(
            {
                **job_values(deps, brief, rules, subject=subject, lane=options.lane),
                "seller_id": row.seller_id,
                "batch_id": row.batch_id,
            }
        )
        bodies[brief.digest] = brief.to_json()
    briefs.insert_briefs(session, row.seller_id, bodies)
    jobs.insert_jobs(session, values)
    return jobs.count_foreign_twins(
        session, row.seller_id, row.batch_id, [one["work_hash"] for one in values]
    )


def _iter_briefs(
    session: Session,
    row: imports.ImportFileRow,
    options: ImportOptions,
    items: Sequence[imports.ImportItemRow],
) -> Iterator[tuple[imports.ImportItemRow, Brief, RuleSet]]:
    listings = imports.load_item_listings(session, items)
    for item in items:
        listing = build_listing(*listings[item.ordinal])
        rules = get_rules(row.channel, listing)
        yield item, build_brief(listing, channel=row.channel, wish=options.wish, rules=rules), rules


def _seal(
    session: Session, job: jobs.JobRow, row: imports.ImportFileRow, progress: Submission
) -> None:
    """Every job is in: the batch may now complete. An import of nothing is done at once."""
    if row.batch_id is not None:
        batches.set_total(session, row.seller_id, row.batch_id, progress.total)
    state = "running" if progress.total else "done"
    imports.update_import(session, row.seller_id, row.id, state=state)
    jobs.finish_job(session, job, state=JobState.COMPLETED, values={})
