"""Cron-triggered re-optimization: proposes again where it pays, and never changes a live text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy.orm import Session

from core.log import get_logger
from domain.job import Lane
from models import brief as briefs
from models import job as jobs
from models import job_reads
from models import listing as listings
from services.catalogue import build_listing
from services.deps import Deps
from services.measures import get_rules, measure_listing
from services.submit import Wish, build_brief, job_values
from services.voice import load_voice

log = get_logger(__name__)

PAGE: Final = 200


@dataclass(slots=True)
class Summary:
    """What a run did."""

    looked_at: int = 0
    due: int = 0
    submitted: int = 0

    def __str__(self) -> str:
        """One line for the log of a cron service."""
        return f"looked at {self.looked_at}, due {self.due}, submitted {self.submitted}"


def reoptimize(deps: Deps, *, limit: int, dry_run: bool = False) -> Summary:
    """Submit scheduled jobs for listings that break a hard rule today.

    A listing with an open suggestion, one whose very work was done or is under way, and those of
    paused sellers are left alone. Run twice, or killed half way, it submits nothing twice.
    """
    summary = Summary()
    after = None
    while summary.submitted < limit:
        with deps.database.transaction(system="reoptimize") as session:
            page = listings.list_due(session, after=after, limit=PAGE)
            for row in page:
                summary.looked_at += 1
                if summary.submitted < limit:
                    _submit_if_due(deps, session, row, summary, dry_run=dry_run)
        deps.queue.wake_dispatcher()
        if len(page) < PAGE:
            break
        after = (page[-1].seller_id, page[-1].id)
    log.info("reoptimize_ended", looked_at=summary.looked_at, submitted=summary.submitted)
    return summary


def _submit_if_due(
    deps: Deps, session: Session, row: listings.ListingRow, summary: Summary, *, dry_run: bool
) -> None:
    if row.current_revision_id is None:
        return
    product = listings.get_product(session, row.seller_id, row.product_id)
    revision = listings.get_revision(session, row.seller_id, row.current_revision_id)
    store = listings.get_store(session, row.seller_id, row.store_id)
    listing = build_listing(product, revision)
    rules = get_rules(store.channel, listing)
    if not measure_listing(listing, rules).hard:
        return
    wish = Wish(voice=load_voice(session, row.seller_id))
    brief = build_brief(listing, channel=store.channel, wish=wish, rules=rules)
    values = job_values(
        deps, brief, rules, subject=(row.id, row.current_revision_id), lane=Lane.SCHEDULED
    )
    if job_reads.has_work(session, row.seller_id, values["work_hash"]):
        return
    summary.due += 1
    if dry_run:
        return
    briefs.insert_briefs(session, row.seller_id, {brief.digest: brief.to_json()})
    summary.submitted += len(jobs.insert_jobs(session, [{**values, "seller_id": row.seller_id}]))
