"""Submits what a run of re-optimization chose for one seller: one batch for each seller and day."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy.orm import Session

from core.ids import hash_text
from domain.brief import Brief
from domain.job import Lane
from domain.reoptimize.share import Candidate
from models import batch as batches
from models import brief as briefs
from models import job as jobs
from models import reoptimize_look as looks
from services.batch_wait import let_wait
from services.catalogue import build_listing
from services.deps import Deps
from services.measures import get_rules
from services.mutes import list_muted
from services.submit import Wish, build_brief, job_values
from services.voice import load_voice

BATCH_KIND: Final = "reoptimize"
CHUNK: Final = 100


def build_batch_id(seller_id: uuid.UUID, day: dt.date) -> uuid.UUID:
    """The batch of a seller's re-optimization on a day: run twice, it is the same batch."""
    return uuid.UUID(hex=hash_text(f"{BATCH_KIND}:{seller_id}:{day.isoformat()}")[:32])


@dataclass(slots=True)
class Submission:
    """The jobs of one seller.

    ``may_go_on`` is asked before each transaction, ``prove_lease`` within it; it may raise.
    """

    deps: Deps
    seller_id: uuid.UUID
    day: dt.date
    may_go_on: Callable[[], bool]
    prove_lease: Callable[[Session], None]

    def run(self, chosen: Sequence[Candidate]) -> tuple[list[Candidate], int]:
        """Submit them: those that were still worth it, and how many were tried in time.

        What was changed meanwhile, or asked for by somebody else, is left out.
        """
        done: list[Candidate] = []
        for start in range(0, len(chosen), CHUNK):
            if not self.may_go_on():
                return done, start
            with self.deps.database.transaction(seller=self.seller_id) as session:
                self.prove_lease(session)
                done += self._submit(session, chosen[start : start + CHUNK])
            self.deps.queue.wake_dispatcher()
        return done, len(chosen)

    def _submit(self, session: Session, chosen: Sequence[Candidate]) -> list[Candidate]:
        busy = looks.list_busy(session, self.seller_id, [one.listing_id for one in chosen])
        free = [one for one in chosen if one.listing_id not in busy]
        plans = list(self._iter_plans(session, free))
        work = [(one.listing_id, values["work_hash"]) for one, _, values in plans]
        known = looks.list_known_work(session, self.seller_id, work) if work else set()
        fresh = [plan for plan in plans if plan[2]["work_hash"] not in known]
        if not fresh:
            return []
        batch_id = build_batch_id(self.seller_id, self.day)
        batches.open_batch(session, seller_id=self.seller_id, batch_id=batch_id, kind=BATCH_KIND)
        bodies = {brief.digest: brief.to_json() for _, brief, _ in fresh}
        briefs.insert_briefs(session, self.seller_id, bodies)
        owner = {"seller_id": self.seller_id, "batch_id": batch_id}
        rows = [{**values, **owner} for _, _, values in fresh]
        let_wait(self.deps, session, rows)
        made = jobs.insert_jobs(session, rows)
        return [one for one, _, values in fresh if values["id"] in made]

    def _iter_plans(
        self, session: Session, chosen: Sequence[Candidate]
    ) -> Iterator[tuple[Candidate, Brief, dict[str, Any]]]:
        texts = looks.load_texts(session, self.seller_id, [one.listing_id for one in chosen])
        channels = {one.channel for one in chosen}
        voices = {channel: load_voice(session, self.seller_id, channel) for channel in channels}
        muted = {channel: list_muted(session, self.seller_id, channel) for channel in channels}
        for one in chosen:
            row, product, revision = texts.get(one.listing_id, (None, None, None))
            if row is None or product is None or revision is None:
                continue
            if revision.id != one.revision_id or row.open_suggestion_id is not None:
                continue
            listing = build_listing(product, revision)
            rules = get_rules(one.channel, listing, muted[one.channel])
            wish = Wish(mode=one.mode, voice=voices[one.channel])
            brief = build_brief(listing, channel=one.channel, wish=wish, rules=rules)
            subject = (one.listing_id, one.revision_id)
            yield (
                one,
                brief,
                job_values(self.deps, brief, rules, subject=subject, lane=Lane.SCHEDULED),
            )
