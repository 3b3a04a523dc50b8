"""Receives a seller's file as it streams in, and submits the job that reads it."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Final

from core.errors import TooLargeError
from core.ids import new_id
from models import import_file as imports
from services.deps import Deps
from services.import_options import ImportOptions, parse_channel, require_top
from services.imports import insert_import_job
from services.pressure import require_room
from services.push import push_quietly
from services.voice import load_voice

CHUNK_BYTES: Final = 1024 * 1024


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
        channel = parse_channel(channel)
        voice = load_voice(session, seller_id, channel).with_wishes(options.voice)
        imports.insert_import(
            session,
            seller_id=seller_id,
            import_id=import_id,
            name=name[:200],
            channel=channel,
            options=replace(
                require_top(options), voice=voice.to_json(), own_wishes=tuple(options.voice)
            ).to_json(),
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


def describe_size(size_bytes: int) -> str:
    """A limit as people read it."""
    return f"{size_bytes // 2**20} MB" if size_bytes >= 2**20 else f"{size_bytes} bytes"


def _require_size(deps: Deps, size_bytes: int) -> None:
    limit = deps.settings.max_upload_bytes
    if size_bytes > limit:
        raise TooLargeError(
            f"the file is larger than {describe_size(limit)}.",
            field="file",
            remedy="Split it and send the parts, or have MAX_UPLOAD_BYTES raised.",
        )
