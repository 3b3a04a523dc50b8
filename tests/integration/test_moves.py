"""Every statement that changes a job's state makes only moves of the one table of moves."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from pathlib import Path

import pytest

import models
from domain.job import MAX_CRASHES, MOVES, JobState
from models import dispatch, intervention
from models import job as jobs
from models.job import JobRow
from services.submit import submit_job
from tests.support.jobs import (
    execute,
    lose_process,
    make_order,
    make_worker,
    put_into_batch,
    query,
    wait_for_old_postgres,
)

pytestmark = pytest.mark.servers

CHANGES = re.compile(r"\bstate = (?:CASE|'|:state)")

WATCH = (
    "CREATE TABLE app.move (was text, became text)",
    """CREATE FUNCTION app.note_move() RETURNS trigger LANGUAGE plpgsql AS
       $$ BEGIN INSERT INTO app.move VALUES (OLD.state, NEW.state); RETURN NULL; END $$""",
    """CREATE TRIGGER note_move AFTER UPDATE ON app.job FOR EACH ROW
       WHEN (OLD.state IS DISTINCT FROM NEW.state) EXECUTE FUNCTION app.note_move()""",
)

Mover = Callable[[object, JobRow], object]


def list_movers(session, deps) -> dict[str, list[Mover]]:
    """What changes states, by the name of its statement or function in models, in every way."""

    def finish(state):
        return lambda _, job: jobs.finish_job(session, job, state=state, values={})

    def rescue(_, job):
        return jobs.rescue_jobs(
            session, pool=deps.pool, stale_s=0.0, max_crashes=MAX_CRASHES, limit=9
        )

    return {
        "_CLAIM": [
            lambda worker, job: jobs.claim_job(
                session,
                job.id,
                pool=deps.pool,
                owner=worker.process_id,
                max_run_s=60,
                alone=True,
            )
        ],
        "_write_finish": [finish(JobState.COMPLETED), finish(JobState.DISCARDED)],
        "_give_back": [
            lambda _, job: jobs.release_job(session, job, wait_s=0.0),
            lambda _, job: jobs.retry_job(
                session, job, wait_s=0.0, error_code="c", error_detail="d"
            ),
        ],
        "_RESCUE": [rescue],
        "request_cancel": [
            lambda _, job: jobs.request_cancel(session, job.seller_id, job_id=job.id)
        ],
        "cancel_halted": [lambda *_: jobs.cancel_halted(session, pool=deps.pool, limit=9)],
        "cancel_pool": [lambda *_: dispatch.cancel_pool(session, deps.pool)],
        "revive_jobs": [lambda _, job: intervention.revive_jobs(session, [job.id], pool=deps.pool)],
    }


def list_state_changes() -> set[str]:
    """Names of the functions and constants in models whose SQL sets the state of a job."""
    return {
        name
        for path in Path(next(iter(models.__path__))).glob("*.py")
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        for name in list_names(node)
        if sets_state(ast.unparse(node))
    }


def list_names(node: ast.stmt) -> list[str]:
    """What a statement of a module defines."""
    if isinstance(node, ast.Assign):
        return [target.id for target in node.targets if isinstance(target, ast.Name)]
    return [node.name] if isinstance(node, ast.FunctionDef) else []


def sets_state(source: str) -> bool:
    """Whether an UPDATE of jobs names the state before its WHERE."""
    updates = source.split("UPDATE app.job ")[1:]
    return any(CHANGES.search(update.split("WHERE")[0]) for update in updates)


def test_every_statement_that_sets_a_state_is_looked_at_here():
    assert list_state_changes() == set(list_movers(None, type("Deps", (), {"pool": ""})))


@pytest.fixture
def watched(deps, seller):
    """One job in a halted batch that may be in any state; its moves are written down."""
    wait_for_old_postgres(deps)
    job_id = submit_job(deps, seller.id, make_order()).job_id
    put_into_batch(deps, seller, job_id)
    for statement in WATCH:
        execute(deps, statement)
    return job_id


def put(deps, job_id, worker, state: JobState, *, crashes: int, cancel: bool) -> None:
    """Make the job be in a state, without a move being noted."""
    execute(deps, "ALTER TABLE app.job DISABLE TRIGGER note_move")
    execute(
        deps,
        "UPDATE app.job SET state = :state, lease_owner = :owner, crash_count = :crashes,"
        " claim_no = 1, cancel_requested_at = CASE WHEN :cancel THEN clock_timestamp() END,"
        " scheduled_at = clock_timestamp()",
        state=state,
        owner=worker.process_id if state is JobState.RUNNING else None,
        crashes=crashes,
        cancel=cancel,
    )
    execute(deps, "ALTER TABLE app.job ENABLE TRIGGER note_move")


def test_no_statement_makes_another_move_and_every_move_is_made(deps, watched):
    names = list(list_movers(None, deps))
    for name in names:
        execute(
            deps,
            "UPDATE app.batch SET halted_at = CASE WHEN :halted THEN clock_timestamp() END",
            halted=name == "cancel_halted",
        )
        for state in JobState:
            for crashes, cancel in ((0, False), (MAX_CRASHES, False), (0, True)):
                apply_all(deps, watched, name, state, crashes=crashes, cancel=cancel)
    made = {(JobState(was), JobState(became)) for was, became in query(deps, "TABLE app.move")}
    legal = {(was, became) for was, all_next in MOVES.items() for became in all_next}
    assert made - legal == set()
    assert legal - made == set()


def apply_all(deps, job_id, name: str, state: JobState, *, crashes: int, cancel: bool) -> None:
    """Every way of one mover on a job that is in that state, its process dead."""
    worker = make_worker(deps)
    lose_process(worker)
    for way in range(len(list_movers(None, deps)[name])):
        put(deps, job_id, worker, state, crashes=crashes, cancel=cancel)
        with deps.database.transaction(system="test") as session:
            job = session.get_one(JobRow, job_id)
            list_movers(session, deps)[name][way](worker, job)
