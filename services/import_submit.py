"""Submits the optimize jobs of a confirmed import, some at a time."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.clock import monotonic_s
from domain.batch_lane import Speed
from domain.brief import Brief, EngineChoice, Mode
from domain.findings import Finding
from domain.job import JobState, Outcome
from domain.marketplaces.checker import check_listing, check_muted
from domain.marketplaces.rulebook import RuleSet
from domain.touchable import find_touchable
from domain.voice import Voice
from models import batch as batches
from models import brief as briefs
from models import import_file as imports
from models import job as jobs
from models import job_reads, provider_batch_item
from models import listing as listings
from models.import_top import ValueCut, find_value_cut
from services.batch_wait import hurry, let_wait
from services.catalogue import build_listing
from services.deps import Deps
from services.import_options import ImportOptions
from services.imports import CLAIM_S
from services.measures import count_hard, get_rules, measure_listing
from services.mutes import list_muted
from services.submit import Wish, build_brief, job_values
from services.voice import load_voice

SUBMIT_CHUNK: Final = 500
TWIN_WAIT_S: Final = 1.0
LONG_TWIN_WAIT_S: Final = 30.0
"""For the same work that waits for a cheaper answer of the provider."""


@dataclass(slots=True)
class Submission:
    """How far the jobs of an import are submitted."""

    after: int = -1
    total: int = 0

    def to_json(self) -> str:
        """As the job's cursor."""
        return json.dumps({"after": self.after, "total": self.total})


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmed:
    """A confirmed import; products below ``cut`` are left to the rules."""

    row: imports.ImportFileRow
    options: ImportOptions
    cut: ValueCut | None

    def wish_for(self, item: imports.ImportItemRow, measured: listings.ListingRow) -> Wish:
        """How one product is to be written."""
        wish = self.options.wish
        if self.cut is not None and self.cut.is_below(measured.value_minor, item.ordinal):
            return replace(wish, engine=EngineChoice.RULES)
        return wish


def _open_confirmed(deps: Deps, row: imports.ImportFileRow) -> Confirmed:
    options, cut = ImportOptions.from_json(row.options), None
    if options.llm_top is not None:
        broken_only = options.mode is Mode.FIX
        with deps.database.transaction(seller=row.seller_id) as session:
            cut = find_value_cut(session, row.id, top=options.llm_top, broken_only=broken_only)
    return Confirmed(row=row, options=options, cut=cut)


def submit_jobs(deps: Deps, job: jobs.JobRow, row: imports.ImportFileRow) -> None:
    """Insert the optimize jobs of a confirmed import, some at a time.

    Where another batch is doing the very same work, wait for it: what it paid for is reused.
    """
    confirmed = _open_confirmed(deps, row)
    progress = Submission(**(job.cursor or {}))
    deadline_s = monotonic_s() + CLAIM_S
    while True:
        with deps.database.transaction(seller=row.seller_id) as session:
            items = imports.list_items(session, row.id, after=progress.after, limit=SUBMIT_CHUNK)
            if not items:
                _seal(session, job, row, progress)
                return
            wait_s = _insert_chunk(deps, session, confirmed, items)
            if not wait_s:
                progress.after = items[-1].ordinal
                progress.total += len(items)
            if wait_s or monotonic_s() > deadline_s:
                jobs.release_job(session, job, wait_s=wait_s, cursor=progress.to_json())
                return
        deps.queue.wake_dispatcher()


def _insert_chunk(
    deps: Deps,
    session: Session,
    confirmed: Confirmed,
    items: Sequence[imports.ImportItemRow],
) -> float:
    """Insert the jobs of some items; seconds to wait for the same work of another batch.

    Items that have their job in this batch already (a crash interrupted this chunk) are left out.
    """
    row, options = confirmed.row, confirmed.options
    listing_ids = [item.listing_id for item in items]
    there = job_reads.list_subjects(session, row.seller_id, row.batch_id, listing_ids)
    plans = [
        plan
        for plan in _iter_plans(deps, session, confirmed, items)
        if plan.item.listing_id not in there
    ]
    busy = [plan for plan in plans if plan.fields]
    if busy:
        bodies = {plan.brief.digest: plan.brief.to_json() for plan in busy}
        briefs.insert_briefs(session, row.seller_id, bodies)
        if options.speed is Speed.BATCH:
            let_wait(deps, session, [plan.values for plan in busy])
        jobs.insert_jobs(session, [plan.values for plan in busy])
    _insert_finished(session, row, [plan for plan in plans if not plan.fields])
    return _find_twin_wait_s(session, row, options, [plan.values["work_hash"] for plan in busy])


def _find_twin_wait_s(
    session: Session, row: imports.ImportFileRow, options: ImportOptions, hashes: list[str]
) -> float:
    """How long to wait for the same work of another batch; 0 when there is none."""
    if not job_reads.count_foreign_twins(session, row.seller_id, row.batch_id, hashes):
        return 0.0
    if options.speed is Speed.NOW:
        hurry(session, row.seller_id, hashes)
    waiting = provider_batch_item.count_waiting_work(session, row.seller_id, hashes)
    return LONG_TWIN_WAIT_S if waiting else TWIN_WAIT_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to be done about one item: the fields to write, () when there is nothing to do."""

    item: imports.ImportItemRow
    measured: listings.ListingRow
    brief: Brief
    rules: RuleSet
    findings: tuple[Finding, ...]
    fields: tuple[str, ...]
    values: dict[str, Any]


def _iter_plans(
    deps: Deps,
    session: Session,
    confirmed: Confirmed,
    items: Sequence[imports.ImportItemRow],
) -> Iterator[Plan]:
    row, options = confirmed.row, confirmed.options
    loaded = imports.load_item_listings(session, items)
    muted = list_muted(session, row.seller_id, row.channel, more=options.mutes)
    for item in items:
        measured, product, revision = loaded[item.ordinal]
        listing = build_listing(product, revision)
        rules = get_rules(row.channel, listing, muted)
        wish = confirmed.wish_for(item, measured)
        brief = build_brief(listing, channel=row.channel, wish=wish, rules=rules)
        findings = check_listing(listing, rules)
        fields = find_touchable(brief, findings)
        subject = (item.listing_id, item.revision_id)
        values = job_values(deps, brief, rules, subject=subject, lane=options.lane, fields=fields)
        values |= {"seller_id": row.seller_id, "batch_id": row.batch_id}
        yield Plan(
            item=item,
            measured=measured,
            brief=brief,
            rules=rules,
            findings=findings,
            fields=fields,
            values=values,
        )


def _insert_finished(session: Session, row: imports.ImportFileRow, plans: Sequence[Plan]) -> None:
    """Insert jobs with nothing to do as what they are, completed: no worker need look at them."""
    if not plans or row.batch_id is None:
        return
    hashes = [plan.values["work_hash"] for plan in plans]
    done_before = job_reads.list_done_work(session, row.seller_id, hashes)
    jobs.insert_jobs(
        session,
        [
            {
                **{name: value for name, value in plan.values.items() if name != "brief_hash"},
                "state": JobState.COMPLETED.value,
                "outcome": Outcome.ALREADY_GOOD.value,
                "reused": plan.values["work_hash"] in done_before,
                "finalized_at": text("clock_timestamp()"),
            }
            for plan in plans
        ],
    )
    voice = load_voice(session, row.seller_id, row.channel)
    hard = sum(count_hard(plan.findings) for plan in plans)
    score = sum(_find_score(plan, voice) for plan in plans)
    batches.add_tally(
        session,
        seller_id=row.seller_id,
        batch_id=row.batch_id,
        shard=0,
        counts={
            JobState.COMPLETED.value: len(plans),
            Outcome.ALREADY_GOOD.value: len(plans),
            "reused": len(done_before),
            "hard_before": hard,
            "hard_after": hard,
            "hard_left_alone": hard,
            "muted": sum(len(check_muted(plan.brief.listing, plan.rules)) for plan in plans),
            "score_before": score,
            "score_after": score,
        },
    )


def _find_score(plan: Plan, voice: Voice) -> float:
    """What was measured when it was stored, unless this import has wishes of its own."""
    brief, stored = plan.brief, plan.measured.score
    if stored is not None and not brief.mutes and brief.keywords == voice.keywords:
        return stored
    return measure_listing(brief.listing, plan.rules, keywords=brief.keywords).score


def _seal(
    session: Session, job: jobs.JobRow, row: imports.ImportFileRow, progress: Submission
) -> None:
    """Every job is in: the batch may now complete. An import of nothing is done at once."""
    finished = jobs.finish_job(session, job, state=JobState.COMPLETED, values={})
    if finished is None or finished.state is not JobState.COMPLETED:
        return
    if row.batch_id is not None:
        batches.set_total(session, row.seller_id, row.batch_id, progress.total)
    state = "running" if progress.total else "done"
    imports.move_import(session, row.seller_id, row.id, since=("confirmed",), state=state)
