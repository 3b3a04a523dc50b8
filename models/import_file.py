"""Imports: the uploaded file in chunks, what stood in it, and what was wrong with it."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import Base, Json, Key, MadeAt, SellerKey, dump_rows, write_source
from models.listing import ListingRow, ProductRow, RevisionRow


class ImportFileRow(Base):
    """One uploaded file."""

    __tablename__ = "import_file"
    seller_id: Mapped[SellerKey]
    id: Mapped[Key]
    name: Mapped[str]
    channel: Mapped[str]
    options: Mapped[Json]
    size_bytes: Mapped[int] = mapped_column(server_default="0")
    sha256: Mapped[str] = mapped_column(server_default="")
    state: Mapped[str]
    shape: Mapped[Json | None]
    notes: Mapped[Json] = mapped_column(server_default="[]")
    estimate: Mapped[Json | None]
    error: Mapped[Json | None]
    rows_total: Mapped[int] = mapped_column(server_default="0")
    products_total: Mapped[int] = mapped_column(server_default="0")
    problems_total: Mapped[int] = mapped_column(server_default="0")
    batch_id: Mapped[uuid.UUID | None]
    created_at: Mapped[MadeAt]
    updated_at: Mapped[MadeAt]


class ImportChunkRow(Base):
    """A piece of the file as it was uploaded."""

    __tablename__ = "import_chunk"
    import_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True)
    seller_id: Mapped[uuid.UUID]
    body: Mapped[bytes]


class ImportItemRow(Base):
    """One product of the file: where it stands in it, and which listing and revision it is."""

    __tablename__ = "import_item"
    import_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    ordinal: Mapped[int] = mapped_column(primary_key=True)
    seller_id: Mapped[uuid.UUID]
    row_no: Mapped[int]
    line: Mapped[int]
    source_key: Mapped[str]
    listing_id: Mapped[uuid.UUID]
    revision_id: Mapped[uuid.UUID]


class ImportProblemRow(Base):
    """Something wrong with one row of the file."""

    __tablename__ = "import_problem"
    import_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True)
    seller_id: Mapped[uuid.UUID]
    line: Mapped[int]
    column_name: Mapped[str]
    code: Mapped[str]
    message: Mapped[str]
    value: Mapped[str]


def insert_import(
    session: Session,
    *,
    seller_id: uuid.UUID,
    import_id: uuid.UUID,
    name: str,
    channel: str,
    options: Mapping[str, Any],
) -> None:
    """Begin an import."""
    values = {"seller_id": seller_id, "id": import_id, "name": name, "channel": channel}
    session.execute(insert(ImportFileRow).values(**values, options=options, state="receiving"))


def insert_chunk(
    session: Session, *, seller_id: uuid.UUID, import_id: uuid.UUID, seq: int, body: bytes
) -> None:
    """Add the next piece."""
    session.execute(
        insert(ImportChunkRow).values(import_id=import_id, seq=seq, seller_id=seller_id, body=body)
    )


def find_chunk(session: Session, import_id: uuid.UUID, seq: int) -> bytes | None:
    """One piece, None past the end."""
    found = select(ImportChunkRow.body).where(
        ImportChunkRow.import_id == import_id, ImportChunkRow.seq == seq
    )
    return session.scalars(found).first()


def find_import(
    session: Session, seller_id: uuid.UUID, import_id: uuid.UUID
) -> ImportFileRow | None:
    """The seller's import."""
    return session.get(ImportFileRow, (seller_id, import_id))


def lock_import(session: Session, seller_id: uuid.UUID, import_id: uuid.UUID) -> ImportFileRow:
    """The seller's import, locked until the transaction ends."""
    return session.get_one(
        ImportFileRow, (seller_id, import_id), with_for_update=True, populate_existing=True
    )


def list_imports(session: Session, seller_id: uuid.UUID, *, limit: int) -> list[ImportFileRow]:
    """The newest imports first."""
    found = (
        select(ImportFileRow)
        .where(ImportFileRow.seller_id == seller_id)
        .order_by(ImportFileRow.id.desc())
        .limit(limit)
    )
    return list(session.scalars(found))


def list_mapped(session: Session, seller_id: uuid.UUID, *, limit: int) -> list[ImportFileRow]:
    """The newest imports that were read with columns or a format the seller chose.

    {} and "auto" are choices too: they end what was chosen before.
    """
    found = (
        select(ImportFileRow)
        .where(
            ImportFileRow.seller_id == seller_id,
            ImportFileRow.shape.is_not(None),
            or_(
                func.jsonb_typeof(ImportFileRow.options["mapping"]) == "object",
                ImportFileRow.options["profile"].astext != "",
            ),
        )
        .order_by(ImportFileRow.id.desc())
        .limit(limit)
    )
    return list(session.scalars(found))


def update_import(
    session: Session, seller_id: uuid.UUID, import_id: uuid.UUID, **values: object
) -> None:
    """Change columns of an import."""
    session.execute(
        update(ImportFileRow)
        .where(ImportFileRow.seller_id == seller_id, ImportFileRow.id == import_id)
        .values(**values, updated_at=text("clock_timestamp()"))
    )


def move_import(
    session: Session,
    seller_id: uuid.UUID,
    import_id: uuid.UUID,
    *,
    since: Collection[str],
    **values: object,
) -> bool:
    """Change columns of an import that is still in one of these states; False: it is not.

    A cancellation that came meanwhile is not undone by work that ends after it.
    """
    moved = session.execute(
        update(ImportFileRow)
        .where(
            ImportFileRow.seller_id == seller_id,
            ImportFileRow.id == import_id,
            ImportFileRow.state.in_(since),
        )
        .values(**values, updated_at=text("clock_timestamp()"))
        .returning(ImportFileRow.id)
    )
    return moved.first() is not None


def fail_import(
    session: Session, seller_id: uuid.UUID, import_id: uuid.UUID, error: Mapping[str, Any]
) -> None:
    """End an import that is not over with the reason."""
    since = ("received", "parsing", "ready", "confirmed", "running")
    move_import(session, seller_id, import_id, since=since, state="failed", error=error)


def insert_items(session: Session, values: Sequence[dict[str, Any]]) -> None:
    """Add products; those there already (a repeated chunk of work) stay."""
    session.execute(_ADD_ITEMS, {"rows": dump_rows(values)})


_ITEM = (
    *("import_id", "ordinal", "seller_id", "row_no", "line"),
    *("source_key", "listing_id", "revision_id"),
)
_ADD_ITEMS = text(
    f"INSERT INTO app.import_item {write_source(ImportItemRow, _ITEM)} ON CONFLICT DO NOTHING"
)


def insert_problems(session: Session, values: Sequence[dict[str, Any]]) -> None:
    """Add row problems; those there already stay."""
    session.execute(insert(ImportProblemRow).values(list(values)).on_conflict_do_nothing())


def list_items(
    session: Session, import_id: uuid.UUID, *, after: int, limit: int
) -> list[ImportItemRow]:
    """Products in file order, those whose ordinal is above ``after``."""
    found = (
        select(ImportItemRow)
        .where(ImportItemRow.import_id == import_id, ImportItemRow.ordinal > after)
        .order_by(ImportItemRow.ordinal)
        .limit(limit)
    )
    return list(session.scalars(found))


def count_items(session: Session, import_id: uuid.UUID) -> int:
    """How many products are stored."""
    found = select(func.count()).where(ImportItemRow.import_id == import_id)
    return session.scalars(found).one()


def list_problems(
    session: Session, seller_id: uuid.UUID, import_id: uuid.UUID, *, limit: int
) -> list[ImportProblemRow]:
    """The first row problems in file order."""
    found = (
        select(ImportProblemRow)
        .where(ImportProblemRow.seller_id == seller_id, ImportProblemRow.import_id == import_id)
        .order_by(ImportProblemRow.seq)
        .limit(limit)
    )
    return list(session.scalars(found))


def finish_of_batch(session: Session, seller_id: uuid.UUID, batch_id: uuid.UUID) -> None:
    """The import whose batch has ended is done."""
    session.execute(
        update(ImportFileRow)
        .where(
            ImportFileRow.seller_id == seller_id,
            ImportFileRow.batch_id == batch_id,
            ImportFileRow.state == "running",
        )
        .values(state="done", updated_at=text("clock_timestamp()"))
    )


def delete_import(session: Session, seller_id: uuid.UUID, import_id: uuid.UUID) -> None:
    """Forget an import with its chunks."""
    session.execute(
        text("DELETE FROM app.import_file WHERE seller_id = :seller AND id = :id"),
        {"seller": seller_id, "id": import_id},
    )


def list_made_up_keys(
    session: Session, import_id: uuid.UUID, *, limit: int
) -> list[tuple[str, int]]:
    """(key, line) of products without a key of their own, or with one that stood there before.

    Those get the number of their row, or a number behind it (``domain.files.products``).
    """
    found = session.execute(
        text(
            "SELECT source_key, line FROM app.import_item WHERE import_id = :id AND ("
            " source_key ~ ('^row-' || row_no || '(#[0-9]+)*$') OR (source_key ~ '#[0-9]+$' AND"
            "  regexp_replace(source_key, '(#[0-9]+)+$', '') IN ("
            "   SELECT source_key FROM app.import_item WHERE import_id = :id)))"
            " ORDER BY ordinal LIMIT :limit"
        ),
        {"id": import_id, "limit": limit},
    )
    return [(key, line) for key, line in found]


def load_item_listings(
    session: Session, items: Sequence[ImportItemRow]
) -> dict[int, tuple[ListingRow, ProductRow, RevisionRow]]:
    """The listing, its product and the item's revision, by the item's ordinal."""
    found = session.execute(
        select(ImportItemRow.ordinal, ListingRow, ProductRow, RevisionRow)
        .join(
            RevisionRow,
            (RevisionRow.seller_id == ImportItemRow.seller_id)
            & (RevisionRow.id == ImportItemRow.revision_id),
        )
        .join(
            ListingRow,
            (ListingRow.seller_id == ImportItemRow.seller_id)
            & (ListingRow.id == ImportItemRow.listing_id),
        )
        .join(
            ProductRow,
            (ProductRow.seller_id == ListingRow.seller_id)
            & (ProductRow.id == ListingRow.product_id),
        )
        .where(
            ImportItemRow.import_id == items[0].import_id,
            ImportItemRow.ordinal.in_([item.ordinal for item in items]),
        )
    )
    return {row[0]: (row[1], row[2], row[3]) for row in found}
