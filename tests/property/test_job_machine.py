"""Jobs as several actors move them at once, against what the table of moves allows.

Each rule is one thing that somebody does, in any order: sellers submit and cancel, worker processes
claim, finish late or never, stop beating, drain; the dispatcher ticks; people halt, retry, pause.
Rules named for two let two actors do it in two threads at the same time.
"""

from __future__ import annotations

import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from core.errors import ConflictError, LlmTransientError
from core.ids import new_id
from domain.job import FINAL, MAX_CRASHES, MOVES, JobState
from models import batch as batches
from models import job as jobs
from services.deps import Deps
from services.dispatch import finish_batches, rescue_lost
from services.finish import discard
from services.intervene import cancel_job, retry_job
from services.optimize import release, settle_fault
from services.process import Hands, give_back_unheld, start_draining
from tests.chaos.stage import watch_moves
from tests.support.jobs import (
    Worker,
    execute,
    lose_process,
    make_due,
    make_seller,
    make_worker,
    open_deps,
    query,
    sum_counts,
    try_claim,
    wait_for_old_postgres,
)

pytestmark = [pytest.mark.servers, pytest.mark.timeout(180)]

MOST_JOBS = 8
JOBS = st.integers(0, MOST_JOBS - 1)
CLAIMS = st.integers(0, 30)
EMPTY = (
    "TRUNCATE app.job, app.batch, app.batch_tally, app.worker_process, app.job_event,"
    " app.llm_call, app.chaos_move CASCADE"
)


@dataclass(slots=True)
class Claim:
    """A claim that somebody holds, whether it still counts or not."""

    worker: Worker
    job: jobs.JobRow


@dataclass(slots=True)
class World:
    """What the database holds, and how to act on it."""

    deps: Deps
    seller: Any
    batch_id: uuid.UUID = field(default_factory=new_id)
    jobs: list[uuid.UUID] = field(default_factory=list)

    def begin(self) -> None:
        """Forget everything of the run before."""
        execute(self.deps, EMPTY)
        execute(self.deps, "UPDATE app.seller SET paused_at = NULL")
        self.batch_id, self.jobs = new_id(), []
        with self.deps.database.transaction(seller=self.seller.id) as session:
            batches.insert_batch(
                session, seller_id=self.seller.id, batch_id=self.batch_id, kind="import", total=0
            )

    def submit(self) -> None:
        """One more job of the batch."""
        job_id = new_id()
        execute(
            self.deps,
            "INSERT INTO app.job (id, seller_id, kind, lane, pool, batch_id, work_hash)"
            " VALUES (:id, :seller, 'optimize', 'bulk', :pool, :batch, :work)",
            id=job_id,
            seller=self.seller.id,
            pool=self.deps.pool,
            batch=self.batch_id,
            work=str(job_id),
        )
        self.jobs.append(job_id)

    def finish(self, claim: Claim, state: JobState) -> None:
        """End a job as its worker does, with its count in the same transaction."""
        if state is JobState.DISCARDED:
            discard(self.deps, claim.job, code="llm_failed", detail="no")
            return
        with self.deps.database.transaction(seller=self.seller.id) as session:
            done = jobs.finish_job(session, claim.job, state=state, values={})
            if done is not None:
                batches.add_tally(
                    session,
                    seller_id=self.seller.id,
                    batch_id=self.batch_id,
                    shard=claim.job.id.int,
                    counts={done.state.value: 1},
                )

    def sweep(self) -> None:
        """What the dispatcher does about the dead and the halted."""
        with self.deps.database.transaction(system="sweep") as session:
            rescue_lost(session, self.deps)
            finish_batches(session, self.deps)


def at_once(*actions: Callable[[], object]) -> None:
    """Do these in threads of their own, begun at the same moment; no fault of theirs is lost."""
    start = threading.Barrier(len(actions))

    def act(action: Callable[[], object]) -> None:
        start.wait()
        action()

    with ThreadPoolExecutor(len(actions)) as pool:
        for done in [pool.submit(act, action) for action in actions]:
            done.result()


class JobMachine(RuleBasedStateMachine):
    """Jobs, the processes that run them, and those who interfere."""

    world: World

    @initialize()
    def begin(self) -> None:
        self.world.begin()
        self.workers = [make_worker(self.world.deps) for _ in range(2)]
        self.held: list[Claim] = []
        self.fences: Counter[uuid.UUID] = Counter()
        for _ in range(2):
            self.world.submit()

    def pick(self, number: int) -> uuid.UUID:
        return self.world.jobs[number % len(self.world.jobs)]

    @precondition(lambda self: len(self.world.jobs) < MOST_JOBS)
    @rule()
    def submit(self) -> None:
        self.world.submit()

    @rule(number=JOBS, who=st.integers(0, 1))
    def claim(self, number: int, who: int) -> None:
        self.try_claim(self.workers[who], self.pick(number))

    def try_claim(self, worker: Worker, job_id: uuid.UUID) -> None:
        got = try_claim(worker, job_id)
        if got is not None:
            self.held.append(Claim(worker, got))

    def pick_claim(self, which: int) -> Claim | None:
        """One of those made so far: who wins a race must not change what is drawn next."""
        return self.held[which % len(self.held)] if self.held else None

    @rule(number=JOBS)
    def two_claim_the_same(self, number: int) -> None:
        job_id, won = self.pick(number), []
        at_once(*(lambda w=w: won.append(try_claim(w, job_id)) for w in self.workers))
        held = [
            Claim(worker, got)
            for worker, got in ((w, g) for w, g in zip(self.workers, won, strict=True))
            if got is not None
        ]
        assert len(held) <= 1, "both won"
        self.held.extend(held)

    @contextmanager
    def fenced(self, claim: Claim) -> Iterator[None]:
        """A claim that no longer holds changes nothing."""
        row = "SELECT state, claim_no, failures, finalized_at, scheduled_at FROM app.job"
        before = query(self.world.deps, f"{row} WHERE id = :id", id=claim.job.id)
        yield
        if before[0][:2] != (JobState.RUNNING, claim.job.claim_no):
            assert query(self.world.deps, f"{row} WHERE id = :id", id=claim.job.id) == before

    @rule(which=CLAIMS, state=st.sampled_from([JobState.COMPLETED, JobState.DISCARDED]))
    def finish(self, which: int, state: JobState) -> None:
        claim = self.pick_claim(which)
        if claim is None:
            return
        with self.fenced(claim):
            self.world.finish(claim, state)

    @rule(which=CLAIMS)
    def fail(self, which: int) -> None:
        claim = self.pick_claim(which)
        if claim is None:
            return
        with self.fenced(claim):
            settle_fault(self.world.deps, claim.job, LlmTransientError("the provider is away."))

    @rule(which=CLAIMS)
    def wait(self, which: int) -> None:
        claim = self.pick_claim(which)
        if claim is None:
            return
        with self.fenced(claim):
            release(self.world.deps, claim.job, wait_s=3600)

    @rule(which=CLAIMS)
    def lose_it_to_another_and_finish_late(self, which: int) -> None:
        claim = self.pick_claim(which)
        if claim is None:
            return
        lose_process(claim.worker)
        self.world.sweep()
        make_due(self.world.deps)
        for worker in self.workers:
            self.try_claim(worker, claim.job.id)
        with self.fenced(claim):
            self.world.finish(claim, JobState.COMPLETED)

    @rule(who=st.integers(0, 1))
    def crash(self, who: int) -> None:
        lose_process(self.workers[who])
        self.workers[who] = make_worker(self.world.deps)

    @rule(who=st.integers(0, 1))
    def drain_and_die(self, who: int) -> None:
        start_draining(self.world.deps, self.workers[who].process_id)
        self.crash(who)

    @rule(who=st.integers(0, 1))
    def forget_what_was_claimed(self, who: int) -> None:
        give_back_unheld(self.world.deps, self.workers[who].process_id, Hands())

    @rule()
    def overrun(self) -> None:
        execute(self.world.deps, "UPDATE app.job SET deadline_at = now() WHERE state = 'running'")

    @rule()
    def sweep(self) -> None:
        self.world.sweep()

    @rule()
    def pass_time(self) -> None:
        make_due(self.world.deps)

    @rule(number=JOBS)
    def cancel(self, number: int) -> None:
        job_id = self.pick(number)
        try:
            cancel_job(self.world.deps, job_id)
        except ConflictError:
            assert self.states()[job_id] in FINAL

    @rule(number=JOBS)
    def retry(self, number: int) -> None:
        job_id = self.pick(number)
        try:
            retry_job(self.world.deps, job_id)
        except ConflictError:
            assert self.states()[job_id] is not JobState.DISCARDED

    @rule(which=CLAIMS, number=JOBS)
    def finish_while_it_is_cancelled_and_swept(self, which: int, number: int) -> None:
        claim = self.pick_claim(which)
        if claim is None:
            return
        at_once(
            lambda: self.world.finish(claim, JobState.COMPLETED),
            lambda: self.cancel(number),
            self.world.sweep,
        )

    @rule(which=CLAIMS)
    def finish_twice_at_once(self, which: int) -> None:
        claim = self.pick_claim(which)
        if claim is None:
            return
        at_once(
            lambda: self.world.finish(claim, JobState.COMPLETED),
            lambda: self.world.finish(claim, JobState.COMPLETED),
        )

    @precondition(lambda self: len(self.world.jobs) == MOST_JOBS)
    @rule()
    def halt(self) -> None:
        with self.world.deps.database.transaction(seller=self.world.seller.id) as session:
            batches.halt_batch(session, self.world.seller.id, self.world.batch_id, "halted")

    @rule(number=JOBS)
    def claim_while_the_seller_is_paused(self, number: int) -> None:
        execute(self.world.deps, "UPDATE app.seller SET paused_at = now()")
        assert try_claim(self.workers[0], self.pick(number)) is None
        execute(self.world.deps, "UPDATE app.seller SET paused_at = NULL")

    def states(self) -> dict[uuid.UUID, JobState]:
        found = query(self.world.deps, "SELECT id, state FROM app.job")
        return {row[0]: JobState(row[1]) for row in found}

    @invariant()
    def no_job_is_lost(self) -> None:
        assert set(self.states()) == set(self.world.jobs)

    @invariant()
    def only_moves_of_the_table_were_made(self) -> None:
        for was, became in query(self.world.deps, "SELECT was, became FROM app.chaos_move"):
            assert JobState(became) in MOVES[JobState(was)], (was, became)

    @invariant()
    def fences_only_rise_and_what_runs_has_an_owner(self) -> None:
        for job_id, claim_no, state, owner, finalized, deadline in query(
            self.world.deps,
            "SELECT id, claim_no, state, lease_owner, finalized_at, deadline_at FROM app.job",
        ):
            assert claim_no >= self.fences[job_id]
            self.fences[job_id] = claim_no
            assert (owner is not None) == (deadline is not None) == (state == JobState.RUNNING)
            assert (finalized is not None) == (state in FINAL)

    @invariant()
    def the_tallies_add_up(self) -> None:
        counted = sum_counts(self.world.deps, self.world.seller, self.world.batch_id)
        states = Counter(self.states().values())
        for state in FINAL:
            assert counted.get(state, 0) == states[state], state

    @invariant()
    def nobody_crashes_more_often_than_allowed(self) -> None:
        # A person's retry gives what killed three processes one more try, alone.
        over = "SELECT crash_count, state FROM app.job WHERE crash_count > :most"
        for count, state in query(self.world.deps, over, most=MAX_CRASHES):
            retried = query(self.world.deps, "SELECT count(*) FROM app.job_event")[0][0]
            assert state in FINAL or retried, (count, state)


def test_whatever_actors_do_at_once_the_table_holds(deps_of_machine):
    JobMachine.world = deps_of_machine
    run_state_machine_as_test(
        JobMachine,
        settings=settings(
            max_examples=20,
            stateful_step_count=25,
            deadline=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.fixture
def deps_of_machine(database_url, redis_url):
    with open_deps(database_url, redis_url) as deps:
        wait_for_old_postgres(deps)
        watch_moves(deps)
        yield World(deps, make_seller(deps))
