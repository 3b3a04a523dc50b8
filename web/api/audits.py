"""Audits: a file held against the marketplaces' rules while its sender waits; nothing is kept."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import IO, Any, Final

from apiflask.fields import UploadFile
from pydantic import BaseModel

from domain.files.source import ByteStream
from services.audit import MAX_NOW_BYTES, AuditWish, audit_now
from services.import_receive import CHUNK_BYTES
from services.muting import get_reasons
from web.api.routes import PROBLEM_STATUSES, build_blueprint
from web.api.schemas import Input
from web.auth import Access, access
from web.context import get_deps, get_seller
from web.requests import limit_file

blueprint = build_blueprint("audits", tag="Audits")

_STATUSES: Final = [*PROBLEM_STATUSES, 413]


class AuditIn(Input):
    """A seller's file as a form.

    ``channel`` left out is the file's own platform, ``all`` is every one; ``category`` left out is
    each listing's own; ``on`` (YYYY-MM-DD) left out is today; ``profile`` is the file's format
    where we recognise another one.
    """

    file: UploadFile
    channel: str = ""
    store: str = "US"
    category: str = ""
    on: str = ""
    profile: str = ""


class AuditFindingOut(BaseModel):
    """One breach; ``line`` is that of the product's first row, ``column`` the file's own header."""

    channel: str
    line: int
    product: str
    field: str
    column: str
    rule: str
    level: str
    message: str
    remedy: str
    source: str


class CountsOut(BaseModel):
    """How many findings there are."""

    hard: int
    advice: int
    by_rule: dict[str, int]


class MutedRuleOut(BaseModel):
    """A rule that you override, and how much it would have found."""

    rule: str
    reason: str
    findings: int


class ExampleOut(BaseModel):
    """One place where a pack's findings stand."""

    line: int
    product: str
    excerpt: str


class PackOut(BaseModel):
    """Findings that are mended together; ``value_minor`` is price times quantity in hundredths.

    It is null where prices are in several currencies; ``values_minor`` has a sum for each.
    """

    id: str
    title: str
    level: str
    channels: list[str]
    listings: int
    findings: int
    consequence: str
    value_minor: int | None
    values_minor: dict[str, int]
    examples: list[ExampleOut]


class AuditOut(BaseModel):
    """An audit. ``truncated``: not every finding is listed; counts and packs are of all."""

    channel: str
    as_of: str
    rows: int
    products: int
    findings: list[AuditFindingOut]
    truncated: bool
    counts: CountsOut
    muted: list[MutedRuleOut]
    packs: list[PackOut]
    notes: list[str]


@blueprint.post("/audits")
@access(Access.KEY)
@limit_file(MAX_NOW_BYTES)
@blueprint.input(AuditIn, location="form_and_files")
@blueprint.output(AuditOut)
@blueprint.doc(security="key", responses=_STATUSES)
def create_audit(form_and_files_data: AuditIn) -> dict[str, Any]:
    """Say what breaks the rules in a file. Costs nothing; for large files use an import.

    Rules that you muted in a store are counted apart.
    """
    sent = form_and_files_data
    wish = AuditWish(
        channel=sent.channel,
        store=sent.store,
        category=sent.category,
        on=sent.on,
        profile=sent.profile,
        mutes=get_reasons(get_deps(), get_seller().id),
    )
    stream = sent.file.stream
    return audit_now(_open_again(stream), wish, size_bytes=stream.seek(0, os.SEEK_END))


def _open_again(stream: IO[bytes]) -> ByteStream:
    """Every reader has a place of its own in the one stream."""

    def read() -> Iterator[bytes]:
        at = stream.seek(0)
        while piece := stream.read(CHUNK_BYTES):
            at += len(piece)
            yield piece
            stream.seek(at)

    return read
