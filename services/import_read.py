"""Reads a file into the catalogue: its products, their problems, and what they would cost.

Each claim works for a bounded time and then goes back to the queue with a cursor, so that two
imports take turns and a crash costs little.
"""

from __future__ import annotations

import itertools
import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Final

from sqlalchemy.orm import Session

from core.clock import monotonic_s
from core.errors import InvalidFieldError
from core.log import get_logger
from domain.batch_lane import Speed
from domain.files.choices import EarlierChoice, find_earlier
from domain.files.forms import Form
from domain.files.inspection import inspect_file
from domain.files.products import iter_products
from domain.files.source import FileLimits, FileShape, RowProblem, SourceProduct, excerpt
from domain.job import JobState
from domain.listing import Channel, Listing
from domain.marketplaces.checker import check_listing, list_unchecked
from domain.marketplaces.mutes import require_channel
from domain.ports import LlmRequest
from domain.prompts.request import build_request, estimate_request_tokens
from domain.touchable import find_touchable
from domain.voice import Voice
from models import import_file as imports
from models import job as jobs
from models.llm_call import find_paid
from services.batch_wait import estimate_wait, is_open
from services.catalogue import build_listing
from services.catalogue_store import get_shops, store_listings
from services.deps import Deps
from services.export import choose_form, note_made_up_keys
from services.import_options import ImportOptions
from services.imports import CLAIM_S, PARSING, PROBLEMS_KEPT, open_stream
from services.llm_step import hash_request
from services.measures import get_rules
from services.mutes import list_muted
from services.run_estimate import estimate_cost_microusd, estimate_duration
from services.submit import build_brief, uses_llm
from services.voice import load_wishes

log = get_logger(__name__)

READ_CHUNK: Final = 200
CHOICES_KEPT: Final = 50


@dataclass(slots=True)
class Reading:
    """How far a file is read: what is stored, and what it comes to so far.

    ``tokens`` are those of all calls, ``largest`` those of the largest one; ``refused`` are
    products that are not worked on for their problems.
    """

    done: int = 0
    refused: int = 0
    seen: int = 0
    problems: int = 0
    calls: int = 0
    tokens: int = 0
    largest: int = 0

    def to_json(self) -> str:
        """As the job's cursor."""
        return json.dumps({spec.name: getattr(self, spec.name) for spec in fields(self)})


@dataclass(frozen=True, slots=True, kw_only=True)
class FileWork:
    """A file being read."""

    deps: Deps
    row: imports.ImportFileRow
    shape: FileShape
    options: ImportOptions
    reading: Reading
    muted: tuple[str, ...] = ()


def read_file(deps: Deps, job: jobs.JobRow, row: imports.ImportFileRow) -> None:
    """Recognise the file, store its products, count its problems and estimate its cost.

    Raises InputError when the file cannot be worked on at all.
    """
    stream = open_stream(deps, row.seller_id, row.id)
    limits = FileLimits(max_bytes=deps.settings.max_upload_bytes)
    work = _begin(deps, row, limits, Reading(**(job.cursor or {})))
    deadline_s = monotonic_s() + CLAIM_S
    everything = iter_products(stream, work.shape, limits=limits)
    products = itertools.islice(everything, work.reading.seen, None)
    while chunk := list(itertools.islice(products, READ_CHUNK)):
        _store_chunk(work, chunk)
        if monotonic_s() > deadline_s:
            with deps.database.transaction(seller=job.seller_id) as session:
                jobs.release_job(session, job, wait_s=0.0, cursor=work.reading.to_json())
            return
    _finish_reading(work, job)


def _begin(
    deps: Deps, row: imports.ImportFileRow, limits: FileLimits, reading: Reading
) -> FileWork:
    options = ImportOptions.from_json(row.options)
    if row.shape:
        shape = FileShape.from_json(row.shape)
    else:
        shape, options = _inspect(deps, row, limits, options)
        row = _recognise(deps, row, shape, options)
        options = ImportOptions.from_json(row.options)
    with deps.database.transaction(seller=row.seller_id) as session:
        muted = list_muted(session, row.seller_id, row.channel, more=options.mutes)
    return FileWork(deps=deps, row=row, shape=shape, options=options, reading=reading, muted=muted)


def _inspect(
    deps: Deps, row: imports.ImportFileRow, limits: FileLimits, options: ImportOptions
) -> tuple[FileShape, ImportOptions]:
    """What the file is, with format and columns as chosen now or, when nothing was said, before."""
    stream = open_stream(deps, row.seller_id, row.id)
    earlier = None
    if options.mapping is None or not options.profile:
        earlier = find_earlier(stream, _list_choices(deps, row), limits=limits)
    notes = []
    if earlier is not None and options.mapping is None:
        options = replace(options, mapping=earlier.columns)
        if earlier.columns:
            notes.append(
                f"Columns taken as you chose them for {earlier.origin}; send others to change that."
            )
    if earlier is not None and not options.profile:
        options = replace(options, profile=earlier.profile)
        if options.own_profile:
            notes.append(
                f"Read as {earlier.profile}, as you chose for {earlier.origin}; send another"
                " format, or auto, to change that."
            )
    shape = inspect_file(
        stream, limits=limits, profile=options.own_profile, mapping=options.mapping
    )
    return replace(shape, notes=(*shape.notes, *notes)), options


def _list_choices(deps: Deps, row: imports.ImportFileRow) -> list[EarlierChoice]:
    with deps.database.transaction(seller=row.seller_id) as session:
        return [
            EarlierChoice(
                header=FileShape.from_json(one.shape or {}).header,
                columns=ImportOptions.from_json(one.options).mapping or {},
                profile=ImportOptions.from_json(one.options).profile,
                origin=f"{excerpt(one.name)} on {one.created_at:%Y-%m-%d}",
            )
            for one in imports.list_mapped(session, row.seller_id, limit=CHOICES_KEPT)
        ]


def _recognise(
    deps: Deps, row: imports.ImportFileRow, shape: FileShape, options: ImportOptions
) -> imports.ImportFileRow:
    channel = row.channel or shape.channel
    if not channel:
        raise InvalidFieldError(
            "nothing in the file says for which marketplace it is, so that has to be chosen.",
            field="channel",
            remedy=f"Send it again and choose the channel to optimize for: {', '.join(Channel)}.",
        )
    require_channel(options.mutes, channel)
    with deps.database.transaction(seller=row.seller_id) as session:
        if not row.channel:
            options = _heed_store(session, row.seller_id, channel, options)
        imports.move_import(
            session,
            row.seller_id,
            row.id,
            since=PARSING,
            state="parsing",
            channel=channel,
            shape=shape.to_json(),
            options=options.to_json(),
            rows_total=shape.rows,
        )
        return imports.lock_import(session, row.seller_id, row.id)


def _heed_store(
    session: Session, seller_id: uuid.UUID, channel: str, options: ImportOptions
) -> ImportOptions:
    """The options of a file whose channel nobody named, with the wishes of its store."""
    wishes = load_wishes(session, seller_id, channel)
    more = {name: value for name, value in wishes.items() if name not in options.own_wishes}
    voice = Voice.from_json(options.voice).with_wishes(more)
    return replace(options, voice=voice.to_json())


def _store_chunk(work: FileWork, chunk: Sequence[SourceProduct]) -> None:
    reading, limit = work.reading, work.options.limit
    left = None if limit is None else max(limit - reading.done, 0)
    usable = [product for product in chunk if product.usable][:left]
    problems = [problem for product in chunk for problem in product.problems]
    with work.deps.database.transaction(seller=work.row.seller_id) as session:
        _store_problems(session, work, problems)
        if usable:
            _store_products(session, work, usable)
    for tokens in estimate_products(work, usable):
        reading.calls += bool(tokens)
        reading.tokens += tokens
        reading.largest = max(reading.largest, tokens)
    reading.problems += len(problems)
    reading.refused += sum(not product.usable for product in chunk)
    reading.done += len(usable)
    reading.seen += len(chunk)


def estimate_products(work: FileWork, products: Sequence[SourceProduct]) -> list[int]:
    """What the job of each product will be charged at most; 0 when it will make no call.

    That holds for a call that is paid for already, too.
    """
    if not uses_llm(work.deps, work.options.engine):
        return [0] * len(products)
    requests = [build_product_request(work, product) for product in products]
    hashes = ["" if one is None else hash_request(one) for one in requests]
    with work.deps.database.transaction(seller=work.row.seller_id) as session:
        paid = find_paid(
            session,
            work.row.seller_id,
            hashes,
            variant=work.options.wish.variant,
        )
    return [
        0 if one is None or digest in paid else estimate_request_tokens(one)
        for one, digest in zip(requests, hashes, strict=True)
    ]


def build_product_request(work: FileWork, product: SourceProduct) -> LlmRequest | None:
    """The first call of a product's job; None when nothing is to be written."""
    rules = get_rules(work.row.channel, product.listing, work.muted)
    brief = build_brief(
        product.listing, channel=work.row.channel, wish=work.options.wish, rules=rules
    )
    fields = find_touchable(brief, check_listing(product.listing, rules))
    return build_request(brief, rules, fields, model=work.deps.llm_model) if fields else None


def _store_problems(session: Session, work: FileWork, problems: Sequence[RowProblem]) -> None:
    values = [
        {
            "import_id": work.row.id,
            "seq": seq,
            "seller_id": work.row.seller_id,
            "line": problem.line,
            "column_name": problem.column,
            "code": problem.code,
            "message": problem.message,
            "value": problem.value,
        }
        for seq, problem in enumerate(problems, start=work.reading.problems)
        if seq < PROBLEMS_KEPT
    ]
    if values:
        imports.insert_problems(session, values)


def _store_products(session: Session, work: FileWork, products: Sequence[SourceProduct]) -> None:
    row = work.row
    shops = get_shops(session, row.seller_id, source=work.shape.channel, target=row.channel)
    stored = store_listings(
        session,
        row.seller_id,
        shops,
        [product.listing for product in products],
        channel=row.channel,
        origin="import",
    )
    places = enumerate(zip(products, stored, strict=True), start=work.reading.done)
    imports.insert_items(
        session,
        [
            {
                "import_id": row.id,
                "ordinal": ordinal,
                "seller_id": row.seller_id,
                "row_no": product.row_no,
                "line": product.line,
                "source_key": product.key,
                "listing_id": to.listing_id,
                "revision_id": to.revision_id,
            }
            for ordinal, (product, to) in places
        ],
    )


def _finish_reading(work: FileWork, job: jobs.JobRow) -> None:
    row, reading = work.row, work.reading
    with work.deps.database.transaction(seller=row.seller_id) as session:
        finished = jobs.finish_job(session, job, state=JobState.COMPLETED, values={})
        if finished is None or finished.state is not JobState.COMPLETED:
            return
        imports.move_import(
            session,
            row.seller_id,
            row.id,
            since=PARSING,
            state="ready",
            notes=[*work.shape.notes, *_list_unchecked(session, work), *_note_keys(session, work)],
            estimate=build_estimate(session, work),
            products_total=reading.seen,
            problems_total=reading.problems,
        )
    log.info("import_read", import_id=str(row.id), products=reading.seen)


def _list_unchecked(session: Session, work: FileWork) -> list[str]:
    first = imports.list_items(session, work.row.id, after=-1, limit=1)
    if not first:
        return []
    rules = get_rules(work.row.channel, load_item(session, first[0]), work.muted)
    return list(list_unchecked(rules, work.shape.mapping))


def _note_keys(session: Session, work: FileWork) -> list[str]:
    """Keys we made up matter where the file comes back as a supplement."""
    if choose_form(work.shape, work.row.channel) is not Form.SUPPLEMENT:
        return []
    return note_made_up_keys(session, work.row.id)


def load_item(session: Session, item: imports.ImportItemRow) -> Listing:
    """The listing of one item."""
    _, product, revision = imports.load_item_listings(session, [item])[item.ordinal]
    return build_listing(product, revision)


def build_estimate(session: Session, work: FileWork) -> dict[str, Any]:
    """What confirming would cost and take at most, and which engine would write."""
    calls, tokens = work.reading.calls, work.reading.tokens
    top = work.options.llm_top
    if top is not None and top < calls:
        # Which ones they are is not looked at yet: none is larger than the largest.
        calls, tokens = top, min(tokens, top * work.reading.largest)
    may_wait = work.options.speed is Speed.BATCH and is_open(work.deps, session)
    return {
        "jobs": work.reading.done,
        "refused": work.reading.refused,
        "calls": calls,
        "tokens": tokens,
        "engine": "groq" if uses_llm(work.deps, work.options.engine) else "rules",
        "cost_microusd": estimate_cost_microusd(work.deps, tokens, may_wait=may_wait),
        **(
            estimate_wait(work.deps)
            if may_wait and calls
            else estimate_duration(work.deps, session, calls=calls, tokens=tokens)
        ),
    }
