"""Runs whatever job a message names: claim it, then do what its kind asks for."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, Final, Protocol

from core.errors import UnavailableError
from core.log import get_logger
from domain.brief import Brief
from domain.job import JobKind
from models import job as jobs
from services.accept import run_accept
from services.deps import Deps
from services.finish import discard
from services.import_work import run_import
from services.llm_step import Lease
from services.optimize import release, run_optimize
from services.process import Hands
from services.remeasure import run_remeasure

log = get_logger(__name__)

MAX_RUN_S: Final = 600.0
"""A job that runs longer is taken back: three calls of 30 s, commits retried for 120 s each."""


class Owner(Lease, Protocol):
    """The process that runs jobs."""

    @property
    def process_id(self) -> uuid.UUID:
        """Its id in the table of processes."""
        ...

    @property
    def hands(self) -> Hands:
        """What its threads have in hand."""
        ...


def run_job(deps: Deps, job_id: uuid.UUID, owner: Owner, *, alone: bool = False) -> None:
    """Claim and run one job; ``alone`` says that its process runs nothing else.

    A message whose job is not due, final, held or taken is dropped: the row decides. When the
    database is away nothing is claimed, and the dispatcher sends the job again; a job that was
    claimed by then is given back as soon as the database is there again.
    """
    with owner.hands.hold(job_id):
        _run_held(deps, job_id, owner, alone=alone)


def _run_held(deps: Deps, job_id: uuid.UUID, owner: Owner, *, alone: bool) -> None:
    claim = None
    try:
        with deps.database.moves(system="claim", single=True) as moves:
            claim = jobs.claim_job(
                moves,
                job_id,
                pool=deps.pool,
                owner=owner.process_id,
                max_run_s=MAX_RUN_S,
                alone=alone,
            )
        if claim is not None:
            _run(deps, claim.job, claim.brief, owner)
    except UnavailableError as fault:
        log.warning("job_interrupted", job_id=str(job_id), reason=fault.message)
        if claim is not None:
            _give_back(deps, claim.job)


def _give_back(deps: Deps, job: jobs.JobRow) -> None:
    try:
        release(deps, job, wait_s=0.0)
    except UnavailableError as fault:
        log.warning("job_left_to_the_sweeper", job_id=str(job.id), reason=fault.message)


def _run(deps: Deps, job: jobs.JobRow, body: Mapping[str, Any] | None, owner: Owner) -> None:
    try:
        if job.kind == JobKind.IMPORT:
            run_import(deps, job)
        elif job.kind == JobKind.REMEASURE:
            run_remeasure(deps, job)
        elif job.kind == JobKind.ACCEPT:
            run_accept(deps, job)
        elif body is not None:
            run_optimize(deps, job, Brief.from_json(body), owner)
    except UnavailableError:
        raise
    except Exception as fault:
        # A fault of ours must not come back for ever: it ends the job, and says what it was.
        log.exception("job_failed", job_id=str(job.id), kind=job.kind)
        discard(deps, job, code="internal_error", detail=f"{type(fault).__name__} in our code")
