"""Imports after their file is there: confirm, cancel, read the bytes again."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import ConflictError, NotFoundError
from core.ids import new_id
from domain.files.source import ByteStream
from domain.job import JobKind, Lane
from domain.ports import Dispatch
from models import batch as batches
from models import import_file as imports
from models import job as jobs
from services.deps import Deps
from services.import_options import ImportOptions, require_top
from services.pressure import require_room
from services.push import push_quietly

CLAIM_S: Final = 20.0
"""So long a job may work on a file before it lets another have its turn."""

PROBLEMS_KEPT: Final = 1000

PARSING = ("received", "parsing")
OVER = ("done", "failed", "cancelled")


def insert_import_job(
    deps: Deps, session: Session, seller_id: uuid.UUID, import_id: uuid.UUID, *, phase: str
) -> Dispatch:
    """Submit the work on a file: first ``read``, after confirmation ``submit``.

    Somebody waits for it, so its message is to be sent at once, after the commit.
    """
    job_id = new_id()
    jobs.insert_jobs(
        session,
        [
            {
                "id": job_id,
                "seller_id": seller_id,
                "kind": JobKind.IMPORT.value,
                "lane": Lane.FILES.value,
                "pool": deps.pool,
                "subject_id": import_id,
                "work_hash": f"import:{import_id}:{phase}",
                "dispatched_at": text("clock_timestamp()"),
                "dispatch_no": 1,
            }
        ],
    )
    return Dispatch(job_id, 1, Lane.FILES)


def confirm_import(
    deps: Deps, seller_id: uuid.UUID, import_id: uuid.UUID, *, llm_top: int | None = None
) -> None:
    """Let the jobs of an import flow. Confirming twice is confirming once.

    ``llm_top`` is what the seller chose on seeing the estimate: the rules write all but so many
    products, those worth most; None leaves it as it was. Raises InvalidFieldError where that
    contradicts the engine; NotFoundError; ConflictError while it is being read, or when it cannot
    be worked on; TooManyError or UnavailableError when there is no room for its jobs just now.
    """
    crowded = deps.queue.is_crowded()
    with deps.database.transaction(seller=seller_id) as session:
        require_import(session, seller_id, import_id)
        row = imports.lock_import(session, seller_id, import_id)
        if row.state in ("confirmed", "running", "done"):
            return
        if row.state != "ready":
            raise ConflictError(
                f"the import is {row.state}; only one that is ready can be confirmed.",
                remedy="Wait until its state is ready, or upload the file again.",
            )
        require_room(deps, session, seller_id, crowded=crowded)
        if llm_top is not None:
            chosen = replace(ImportOptions.from_json(row.options), llm_top=llm_top)
            options = require_top(chosen).to_json()
            imports.update_import(session, seller_id, import_id, options=options)
        batch_id = new_id()
        batches.insert_batch(
            session, seller_id=seller_id, batch_id=batch_id, kind="import", total=0
        )
        imports.update_import(session, seller_id, import_id, state="confirmed", batch_id=batch_id)
        dispatch = insert_import_job(deps, session, seller_id, import_id, phase="submit")
    push_quietly(deps, dispatch)


def cancel_import(deps: Deps, seller_id: uuid.UUID, import_id: uuid.UUID, reason: str) -> None:
    """Stop an import: no further job of it starts."""
    with deps.database.transaction(seller=seller_id) as session:
        require_import(session, seller_id, import_id)
        row = imports.lock_import(session, seller_id, import_id)
        if row.state in OVER:
            return
        if row.batch_id is not None:
            batches.halt_batch(session, seller_id, row.batch_id, reason)
        jobs.cancel_subject(session, seller_id, import_id)
        imports.update_import(session, seller_id, import_id, state="cancelled")


def require_import(
    session: Session, seller_id: uuid.UUID, import_id: uuid.UUID
) -> imports.ImportFileRow:
    """The seller's import; raises NotFoundError."""
    row = imports.find_import(session, seller_id, import_id)
    if row is None:
        raise NotFoundError("there is no such import.", field="id")
    return row


def open_stream(deps: Deps, seller_id: uuid.UUID, import_id: uuid.UUID) -> ByteStream:
    """The uploaded file, readable from the start again and again, a chunk at a time."""

    def read() -> Iterator[bytes]:
        seq = 0
        while True:
            with deps.database.transaction(seller=seller_id) as session:
                chunk = imports.find_chunk(session, import_id, seq)
            if chunk is None:
                return
            yield chunk
            seq += 1

    return read
