"""The work on a file, as jobs: what a claimed import job does next."""

from __future__ import annotations

from typing import Any

from core.errors import AppError, FileFormatError, InputError
from domain.job import JobState
from models import import_file as imports
from models import job as jobs
from services.deps import Deps
from services.finish import discard
from services.import_read import read_file
from services.import_submit import submit_jobs
from services.imports import PARSING
from services.optimize import settle_fault


def run_import(deps: Deps, job: jobs.JobRow) -> None:
    """Do a claimed job's share of the work on a file; bad files end the import with the reason."""
    if job.subject_id is None:
        message = f"import job {job.id} names no import"
        raise ValueError(message)
    with deps.database.transaction(seller=job.seller_id) as session:
        row = imports.find_import(session, job.seller_id, job.subject_id)
    if row is None:
        discard(deps, job, code="not_found", detail="the import was deleted")
        return
    try:
        if row.state in PARSING:
            read_file(deps, job, row)
        elif row.state == "confirmed":
            submit_jobs(deps, job, row)
        else:
            _complete(deps, job)
    except InputError as fault:
        fail_import(deps, job, row, fault)
    except AppError as fault:
        settle_fault(deps, job, fault)


def fail_import(
    deps: Deps, job: jobs.JobRow, row: imports.ImportFileRow, fault: InputError
) -> None:
    """End an import that cannot be read, saying where and why."""
    error: dict[str, Any] = {
        "code": fault.code,
        "message": fault.message,
        "remedy": fault.remedy,
        "field": fault.field,
    }
    if isinstance(fault, FileFormatError):
        error |= {"line": fault.line, "column": fault.column}
    with deps.database.transaction(seller=job.seller_id) as session:
        imports.fail_import(session, row.seller_id, row.id, error)
    discard(deps, job, code=fault.code, detail=str(fault))


def _complete(deps: Deps, job: jobs.JobRow) -> None:
    with deps.database.transaction(seller=job.seller_id) as session:
        jobs.finish_job(session, job, state=JobState.COMPLETED, values={})
