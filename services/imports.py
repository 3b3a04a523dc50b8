"""Imports as people see them: receive a file, look at it, confirm it, cancel it."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import ConflictError, InvalidFieldError, NotFoundError, TooLargeError
from core.ids import new_id
from domain.brief import EngineChoice, Mode
from domain.files.choices import Columns
from domain.files.source import ByteStream, FileShape, RowProblem
from domain.job import JobKind, Lane
from domain.listing import TEXT_FIELDS, Channel
from domain.ports import Dispatch
from domain.voice import Voice
from models import batch as batches
from models import import_file as imports
from models import job as jobs
from services.deps import Deps
from services.pressure import require_room
from services.submit import Wish, push_quietly
from services.voice import load_voice

CHUNK_BYTES: Final = 1024 * 1024

CLAIM_S: Final = 20.0
"""So long a job may work on a file before it lets another have its turn."""

PROBLEMS_SHOWN: Final = 100
PROBLEMS_KEPT: Final = 1000

PARSING = ("received", "parsing")
OVER = ("done", "failed", "cancelled")


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOptions:
    """How an import should be worked on; ``limit`` counts products in file order (None: all).

    ``mapping`` None means that the seller said nothing: what they chose for the newest file with
    the same header holds again. {} means that our own recognition alone decides. ``voice`` are
    wishes of this import alone; once it is received, the whole voice it works with.
    """

    mode: Mode = Mode.FIX
    engine: EngineChoice = EngineChoice.AUTO
    fields: tuple[str, ...] = ()
    limit: int | None = None
    profile: str = ""
    mapping: Columns | None = None
    voice: Mapping[str, Any] = field(default_factory=dict)
    lane: Lane = Lane.BULK

    def to_json(self) -> dict[str, Any]:
        """Plain values for storage."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> ImportOptions:
        """Rebuild what ``to_json`` stored."""
        return cls(
            mode=Mode(stored["mode"]),
            engine=EngineChoice(stored["engine"]),
            fields=tuple(stored["fields"]),
            limit=stored["limit"],
            profile=stored["profile"],
            mapping=read_columns(stored.get("mapping")),
            voice=stored.get("voice", {}),
            lane=Lane(stored["lane"]),
        )

    @property
    def wish(self) -> Wish:
        """The same for one listing."""
        voice = Voice.from_json(self.voice)
        return Wish(mode=self.mode, engine=self.engine, touch=self.fields, voice=voice)


def read_columns(stored: Mapping[str, Any] | None) -> Columns | None:
    """Chosen columns as they were stored."""
    if stored is None:
        return None
    return {name: tuple(headers) for name, headers in stored.items()}


def parse_fields(names: Iterable[str]) -> tuple[str, ...]:
    """Field names a suggestion may change; raises InvalidFieldError naming the known ones."""
    wanted = tuple(name.strip() for name in names if name.strip())
    for name in wanted:
        if name not in TEXT_FIELDS:
            raise InvalidFieldError(
                f"there is no field {name!r}.",
                field="fields",
                remedy=f"Use some of: {', '.join(TEXT_FIELDS)}.",
            )
    return wanted


def parse_channel(name: str) -> str:
    """A known channel, or "" for the file's own; raises InvalidFieldError naming them."""
    if name and name not in list(Channel):
        raise InvalidFieldError(
            f"there is no channel {name!r}.",
            field="channel",
            remedy=f"Use one of: {', '.join(Channel)}.",
        )
    return name


@dataclass(slots=True)
class _Received:
    size_bytes: int = 0
    digest: Any = field(default_factory=hashlib.sha256)


def receive_import(
    deps: Deps,
    seller_id: uuid.UUID,
    *,
    name: str,
    channel: str,
    options: ImportOptions,
    body: Iterable[bytes],
) -> uuid.UUID:
    """Store a file as it streams in, and submit the job that reads it; the import's id.

    Every chunk is a transaction of its own, so that a large file holds none open. Raises
    TooLargeError past the limit; what was stored by then is deleted.
    """
    import_id = new_id()
    crowded = deps.queue.is_crowded()
    with deps.database.transaction(seller=seller_id) as session:
        require_room(deps, session, seller_id, crowded=crowded)
        voice = load_voice(session, seller_id).with_wishes(options.voice)
        imports.insert_import(
            session,
            seller_id=seller_id,
            import_id=import_id,
            name=name[:200],
            channel=parse_channel(channel),
            options=replace(options, voice=voice.to_json()).to_json(),
        )
    try:
        got = _store_body(deps, seller_id, import_id, body)
    except BaseException:
        with deps.database.transaction(seller=seller_id) as session:
            imports.delete_import(session, seller_id, import_id)
        raise
    with deps.database.transaction(seller=seller_id) as session:
        imports.update_import(
            session,
            seller_id,
            import_id,
            state="received",
            size_bytes=got.size_bytes,
            sha256=got.digest.hexdigest(),
        )
        dispatch = insert_import_job(deps, session, seller_id, import_id, phase="read")
    push_quietly(deps, dispatch)
    return import_id


def _store_body(
    deps: Deps, seller_id: uuid.UUID, import_id: uuid.UUID, body: Iterable[bytes]
) -> _Received:
    got = _Received()
    for seq, chunk in enumerate(_rechunk(body)):
        got.size_bytes += len(chunk)
        got.digest.update(chunk)
        _require_size(deps, got.size_bytes)
        with deps.database.transaction(seller=seller_id) as session:
            imports.insert_chunk(
                session, seller_id=seller_id, import_id=import_id, seq=seq, body=chunk
            )
    return got


def _rechunk(body: Iterable[bytes]) -> Iterator[bytes]:
    held = bytearray()
    for piece in body:
        held += piece
        while len(held) >= CHUNK_BYTES:
            yield bytes(held[:CHUNK_BYTES])
            del held[:CHUNK_BYTES]
    if held:
        yield bytes(held)


def _require_size(deps: Deps, size_bytes: int) -> None:
    limit = deps.settings.max_upload_bytes
    if size_bytes > limit:
        raise TooLargeError(
            f"the file is larger than {limit // 2**20} MB.",
            field="file",
            remedy="Split it, or raise MAX_UPLOAD_BYTES.",
        )


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


def confirm_import(deps: Deps, seller_id: uuid.UUID, import_id: uuid.UUID) -> None:
    """Let the jobs of an import flow. Confirming twice is confirming once.

    Raises NotFoundError; ConflictError while it is being read, or when it cannot be worked on;
    TooManyError or UnavailableError when there is no room for its jobs just now.
    """
    crowded = deps.queue.is_crowded()
    with deps.database.transaction(seller=seller_id) as session:
        _require_import(session, seller_id, import_id)
        row = imports.lock_import(session, seller_id, import_id)
        if row.state in ("confirmed", "running", "done"):
            return
        if row.state != "ready":
            raise ConflictError(
                f"the import is {row.state}; only one that is ready can be confirmed.",
                remedy="Wait until its state is ready, or upload the file again.",
            )
        require_room(deps, session, seller_id, crowded=crowded)
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
        _require_import(session, seller_id, import_id)
        row = imports.lock_import(session, seller_id, import_id)
        if row.state in OVER:
            return
        if row.batch_id is not None:
            batches.halt_batch(session, seller_id, row.batch_id, reason)
        jobs.cancel_subject(session, seller_id, import_id)
        imports.update_import(session, seller_id, import_id, state="cancelled")


def _require_import(
    session: Session, seller_id: uuid.UUID, import_id: uuid.UUID
) -> imports.ImportFileRow:
    row = imports.find_import(session, seller_id, import_id)
    if row is None:
        raise NotFoundError("there is no such import.", field="id")
    return row


def get_import(deps: Deps, seller_id: uuid.UUID, import_id: uuid.UUID) -> dict[str, Any]:
    """An import with its progress, as the API and the pages show it; raises NotFoundError."""
    with deps.database.transaction(seller=seller_id) as session:
        row = _require_import(session, seller_id, import_id)
        shown = import_to_json(row)
        shown["progress"] = read_progress(session, row)
        shown["problems"] = [
            {
                "line": one.line,
                "column": one.column_name,
                "code": one.code,
                "message": one.message,
                "value": one.value,
            }
            for one in imports.list_problems(session, seller_id, import_id, limit=PROBLEMS_SHOWN)
        ]
    return shown


def list_problems(deps: Deps, seller_id: uuid.UUID, import_id: uuid.UUID) -> list[RowProblem]:
    """The row problems of an import that are kept (the first 1,000); raises NotFoundError."""
    with deps.database.transaction(seller=seller_id) as session:
        _require_import(session, seller_id, import_id)
        return [
            RowProblem(
                line=one.line,
                column=one.column_name,
                code=one.code,
                message=one.message,
                value=one.value,
            )
            for one in imports.list_problems(session, seller_id, import_id, limit=PROBLEMS_KEPT)
        ]


def list_imports(deps: Deps, seller_id: uuid.UUID, *, limit: int = 20) -> list[dict[str, Any]]:
    """The newest imports."""
    with deps.database.transaction(seller=seller_id) as session:
        found = imports.list_imports(session, seller_id, limit=limit)
        return [{**import_to_json(row), "progress": read_progress(session, row)} for row in found]


def import_to_json(row: imports.ImportFileRow) -> dict[str, Any]:
    """An import without its progress."""
    shape = FileShape.from_json(row.shape) if row.shape else None
    return {
        "id": row.id,
        "name": row.name,
        "state": row.state,
        "channel": row.channel,
        "format": shape.profile if shape else None,
        "file_channel": shape.channel if shape else None,
        "confidence": shape.confidence if shape else None,
        "options": row.options,
        "size_bytes": row.size_bytes,
        "sha256": row.sha256,
        "rows": row.rows_total,
        "products": row.products_total,
        "problems_total": row.problems_total,
        "notes": row.notes,
        "estimate": row.estimate,
        "error": row.error,
        "batch_id": row.batch_id,
        "created_at": row.created_at,
    }


def read_progress(session: Session, row: imports.ImportFileRow) -> dict[str, Any]:
    """How far the jobs of an import are: counts by state and outcome, sums and mean scores.

    ``score_before`` and ``score_after`` are means over the listings that are done, None before.
    """
    if row.batch_id is None:
        return {"total": 0, "finished": 0, "counts": {}, "halt_reason": ""}
    batch = batches.get_batch(session, row.seller_id, row.batch_id)
    counts = batches.sum_tallies(session, row.seller_id, row.batch_id)
    sums = {name: counts.pop(name, 0.0) for name in ("score_before", "score_after")}
    done = counts["completed"]
    return {
        "total": batch.total,
        "finished": int(done + counts["discarded"] + counts["cancelled"]),
        "counts": {name: int(count) for name, count in counts.items()},
        **{name: round(total / done, 1) if done else None for name, total in sums.items()},
        "halt_reason": batch.halt_reason,
    }


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
