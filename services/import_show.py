"""Imports as the API and the pages show them: state, progress, problems."""

from __future__ import annotations

import uuid
from typing import Any, Final

from sqlalchemy.orm import Session

from domain.files.source import FileShape, RowProblem, excerpt
from domain.listing import Listing
from models import batch as batches
from models import import_file as imports
from models import provider_batch_item as items
from services.deps import Deps
from services.import_read import load_item
from services.imports import PROBLEMS_KEPT, require_import
from services.mutes import load_mutes

PROBLEMS_SHOWN: Final = 100


def get_import(deps: Deps, seller_id: uuid.UUID, import_id: uuid.UUID) -> dict[str, Any]:
    """An import with its progress, as the API and the pages show it; raises NotFoundError."""
    with deps.database.transaction(seller=seller_id) as session:
        row = require_import(session, seller_id, import_id)
        shown = import_to_json(row)
        shown["progress"] = read_progress(session, row)
        shown["muted"] = _list_reasons(session, row)
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


def list_columns(deps: Deps, seller_id: uuid.UUID, import_id: uuid.UUID) -> list[dict[str, Any]]:
    """Which column each field and attribute is read from, with what the first product has there.

    Nothing before the file is read, and of one that could not be. Raises NotFoundError.
    """
    with deps.database.transaction(seller=seller_id) as session:
        row = require_import(session, seller_id, import_id)
        if not row.shape or row.state == "failed":
            return []
        first = imports.list_items(session, row.id, after=-1, limit=1)
        listing = load_item(session, first[0]) if first else None
    shape = FileShape.from_json(row.shape)
    return [
        {
            "field": name,
            "headers": [shape.header[index] for index in indexes],
            "example": excerpt(_find_example(listing, name)) if listing else "",
        }
        for name, indexes in shape.mapping.items()
    ]


def _find_example(listing: Listing, name: str) -> str:
    return " ".join((listing.text(name) or listing.attributes.get(name, "")).split())


def _list_reasons(session: Session, row: imports.ImportFileRow) -> dict[str, str]:
    """Why rules do not hold for the listings of a file: the store's reasons, and its own."""
    mutes = load_mutes(session, row.seller_id, row.channel)
    return {**{one.rule: one.reason for one in mutes}, **row.options.get("mutes", {})}


def list_problems(deps: Deps, seller_id: uuid.UUID, import_id: uuid.UUID) -> list[RowProblem]:
    """The row problems of an import that are kept (the first 1,000); raises NotFoundError."""
    with deps.database.transaction(seller=seller_id) as session:
        require_import(session, seller_id, import_id)
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

    ``waiting`` are those that wait for the provider's cheaper answers. ``score_before`` and
    ``score_after`` are means over the listings that are done, None before.
    """
    if row.batch_id is None:
        return {"total": 0, "finished": 0, "counts": {}, "halt_reason": "", "waiting": 0}
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
        "waiting": items.count_waiting(session, row.seller_id, row.batch_id),
    }
