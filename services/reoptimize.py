"""Re-optimization by cron: proposes again where it pays, and never changes a live text.

One run at a time holds a lease (an open row of ``reoptimize_run``). It looks at the stores that are
due, remembers the best few listings of each seller, shares the run's limit and budget out over
sellers, and submits jobs of the scheduled lane. Run twice or killed half way, it submits nothing
twice: the same work is known by its hash, and a seller's jobs of a day are one batch.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy.orm import Session

from core.clock import monotonic_s, today
from core.errors import AppError, ConflictError, UnavailableError
from core.ids import new_id
from core.log import get_logger
from domain.marketplaces.rulebook import load_rulebook
from domain.reoptimize.gain import Skip
from domain.reoptimize.schedule import (
    describe_rules,
)
from domain.reoptimize.share import BestFew, Candidate, find_keep, share_out
from models import batch as batches
from models import reoptimize_run as runs
from models import schedule as schedules
from services.deps import Deps
from services.reoptimize_look import DueStore, Look, Tally
from services.reoptimize_report import StorePass, Summary
from services.reoptimize_stores import DueStores, find_own_budgets
from services.reoptimize_submit import BATCH_KIND, Submission

log = get_logger(__name__)

BEAT_S: Final = 10.0
STALE_S: Final = 120.0
"""A run whose sign of life is older is lost: every statement ends within 15 s."""

LOOK_SHARE: Final = 0.8
"""The part of a run's time in which it may look; the rest is for submitting what it found."""

PICO: Final = 10**12


@dataclass(frozen=True, slots=True, kw_only=True)
class RunWish:
    """What a run may do.

    At most ``limit`` jobs for at most ``budget_usd`` (None: no bound) in at most ``timeout_s``.
    ``everything`` looks at stores whatever their schedule, but for those that are switched off.
    """

    limit: int = 1000
    budget_usd: float | None = None
    timeout_s: float = 1800.0
    everything: bool = False
    dry_run: bool = False

    @property
    def budget_pico(self) -> int | None:
        """The budget in picodollars."""
        return None if self.budget_usd is None else round(self.budget_usd * PICO)


def reoptimize(deps: Deps, wish: RunWish) -> Summary:
    """One run; what went wrong on the way stands in the summary's ``troubles``."""
    run = Run(deps, wish)
    try:
        run.carry_out()
    except UnavailableError as fault:
        run.summary.troubles.append(fault.message)
    except ConflictError as fault:
        run.summary.troubles.append(str(fault))
    run.end()
    log.info("reoptimize_ended", **run.summary.to_json())
    return run.summary


@dataclass(slots=True)
class Run:
    """One run, and what it has found so far."""

    deps: Deps
    wish: RunWish
    id: uuid.UUID = field(default_factory=new_id)
    day: dt.date = field(default_factory=today)
    begun_s: float = field(default_factory=monotonic_s)
    summary: Summary = field(default_factory=Summary)
    tally: Tally = field(default_factory=Tally)
    _few: dict[uuid.UUID, BestFew] = field(default_factory=dict)
    _looks: list[tuple[DueStore, bool]] = field(default_factory=list)
    _beaten_s: float = 0.0
    _leads: bool = False

    def carry_out(self) -> None:
        """Look, choose, submit. Raises UnavailableError; ConflictError when the lease is lost."""
        self.summary.dry_run = self.wish.dry_run
        if not self._begin():
            self.summary.busy = True
            return
        due = DueStores(self.deps, self.day, everything=self.wish.everything).list_all(
            self.summary.stores_left
        )
        self.summary.stores = len(due)
        keep = find_keep(limit=self.wish.limit, sellers=len({one.seller_id for one in due}))
        for store in due:
            self._look_at(store, keep)
        offers = {seller: few.list_best() for seller, few in self._few.items()}
        own_pico = find_own_budgets(self.deps, (seller for seller, many in offers.items() if many))
        chosen = share_out(
            offers,
            limit=self.wish.limit,
            budget_pico=self.wish.budget_pico,
            own_pico=own_pico,
        )
        self._count_out_of_budget(chosen, own_pico)
        submitted = self._submit(chosen)
        self._remember_looks(submitted)

    def end(self) -> None:
        """Give the lease back, and leave the figures for the operator."""
        self.summary.looked_at = self.tally.looked_at
        self.summary.due = self.tally.due.total()
        self.summary.skips += self.tally.skips
        if not self._leads:
            return
        outcome = "trouble" if self.summary.troubles else "done"
        try:
            with self.deps.database.transaction(system="reoptimize") as session:
                batches.seal_batches(session, kind=BATCH_KIND)
                runs.end_run(session, self.id, outcome=outcome, summary=self.summary.to_json())
        except UnavailableError as fault:
            # The lease runs out by itself, and the next run seals what this one left open.
            log.warning("run_not_ended", reason=fault.message)

    def _begin(self) -> bool:
        if self.wish.dry_run:
            return True
        with self.deps.database.transaction(system="reoptimize") as session:
            self._leads = runs.insert_run(session, self.id, day=self.day, stale_s=STALE_S)
            if self._leads:
                batches.seal_batches(session, kind=BATCH_KIND)
        self._beaten_s = monotonic_s()
        return self._leads

    def _look_at(self, store: DueStore, keep: int) -> None:
        if not self._may_look():
            self.summary.stores_left[StorePass.TIME_UP] += 1
            return
        few = self._few.setdefault(store.seller_id, BestFew(keep=keep))
        look = Look(self.deps, store, few, self.tally, refresh=not self.wish.dry_run)
        try:
            whole = look.run(self._may_look)
        except (UnavailableError, ConflictError):
            raise
        except AppError as fault:  # one store's trouble is not the others'
            self.summary.troubles.append(f"store {store.store_id}: {fault}")
            whole = False
        self._looks.append((store, whole))

    def _may_look(self) -> bool:
        """Whether there is time left to look; what was found must be submitted too."""
        return self._may_go_on(share=LOOK_SHARE)

    def _may_go_on(self, *, share: float = 1.0) -> bool:
        """Whether there is time left; says that the run is alive."""
        now_s = monotonic_s()
        if now_s - self.begun_s > self.wish.timeout_s * share:
            said = f"time was up after {self.wish.timeout_s:.0f} s"
            if said not in self.summary.troubles:
                self.summary.troubles.append(said)
            return False
        if self._leads and now_s - self._beaten_s > BEAT_S:
            with self.deps.database.statements(system="reoptimize") as session:
                self._beat(session)
            self._beaten_s = now_s
        return True

    def _beat(self, session: Session) -> None:
        if not runs.beat_run(session, self.id):
            raise ConflictError("another run has taken over.")

    def _count_out_of_budget(
        self, chosen: Mapping[uuid.UUID, Sequence[Candidate]], own_pico: Mapping[uuid.UUID, int]
    ) -> None:
        """The listings for which their seller's own budget, and nothing else, is too small."""
        for seller_id, own in own_pico.items():
            few, picked = self._few[seller_id], chosen.get(seller_id, ())
            left = own - sum(one.cost_pico for one in picked)
            taken = {one.listing_id for one in picked}
            passed = [one for one in few.list_best() if one.listing_id not in taken]
            if passed and min(one.cost_pico for one in passed) > left:
                self.summary.skips[Skip.OUT_OF_BUDGET] += len(passed) + few.dropped

    def _submit(self, chosen: dict[uuid.UUID, list[Candidate]]) -> Counter[uuid.UUID]:
        """Submit what was chosen; how many of each store."""
        by_store: Counter[uuid.UUID] = Counter()
        picked = 0
        for seller_id, candidates in chosen.items():
            done, tried = candidates, len(candidates)
            if not self.wish.dry_run:
                submission = Submission(
                    deps=self.deps,
                    seller_id=seller_id,
                    day=self.day,
                    may_go_on=self._may_go_on,
                    prove_lease=self._beat,
                )
                done, tried = submission.run(candidates)
            self._count(done)
            picked += tried
            self.summary.skips[Skip.GONE] += tried - len(done)
            by_store.update(one.store_id for one in candidates[:tried])
        passed = self.tally.due.total() - picked
        self.summary.skips[Skip.BEYOND] += passed - self.summary.skips[Skip.OUT_OF_BUDGET]
        return by_store

    def _count(self, done: list[Candidate]) -> None:
        self.summary.submitted += len(done)
        self.summary.sellers += bool(done)
        self.summary.cost_pico += sum(one.cost_pico for one in done)
        self.summary.reasons.update(reason for one in done for reason in one.reasons)

    def _remember_looks(self, submitted: Counter[uuid.UUID]) -> None:
        """A look is complete when all that it found was submitted; else it is due again."""
        if self.wish.dry_run:
            return
        for store, whole in self._looks:
            complete = whole and submitted[store.store_id] >= self.tally.due[store.store_id]
            rules = load_rulebook().rules_by_channel.get(store.channel, ())
            with self.deps.database.transaction(seller=store.seller_id) as session:
                schedules.note_look(
                    session,
                    store.seller_id,
                    store.store_id,
                    day=self.day,
                    known_rules=describe_rules(rules, on=self.day) if complete else None,
                )
