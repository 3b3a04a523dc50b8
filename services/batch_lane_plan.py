"""Puts jobs that wait for the batch lane into files of calls."""

from __future__ import annotations

import uuid
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from core.ids import new_id
from core.log import get_logger
from domain.batch_lane import (
    FALLBACK_SHARE,
    MAX_FILE_BYTES,
    MAX_FILE_LINES,
    BatchProvider,
    build_custom_id,
)
from domain.brief import Brief
from domain.prompts.request import build_request
from models import provider_batch as lane
from models import provider_batch_bill as bills
from models import provider_batch_item as items
from models.provider_batch_item import WaitingJob
from services.batch_lane_caps import CapBook
from services.batch_wait import find_window_s
from services.deps import Deps
from services.llm_step import hash_request
from services.work import build_work, list_asked_fields

log = get_logger(__name__)

PAGE: Final = 200
Work = tuple[uuid.UUID, str, int]
"""Seller, hash of the request, variant: what makes two orders one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """The first call of one job."""

    job_id: uuid.UUID
    seller_id: uuid.UUID
    claim_no: int
    custom_id: str
    request_hash: str
    variant: int
    est_pico: int
    content: bytes

    @property
    def work(self) -> Work:
        """What another job's line may be equal in."""
        return self.seller_id, self.request_hash, self.variant


@dataclass(slots=True)
class Draft:
    """The lines of a file to be."""

    lines: list[Line] = field(default_factory=list)
    size_bytes: int = 0

    def has_room(self, line: Line) -> bool:
        """Whether a line may be added."""
        fits = self.size_bytes + len(line.content) <= MAX_FILE_BYTES
        return not self.lines or (fits and len(self.lines) < MAX_FILE_LINES)

    def add(self, line: Line) -> None:
        """Add a line."""
        self.lines.append(line)
        self.size_bytes += len(line.content)


def is_ripe(deps: Deps) -> bool:
    """Whether what waits should be put into a file: the rest of an import may be still to come."""
    with deps.database.statements(system="measure the batch lane") as session:
        waiting, oldest_s = items.measure_waiting(session, deps.pool)
    return waiting >= MAX_FILE_LINES or (
        waiting > 0 and oldest_s >= deps.settings.groq_batch_poll_s
    )


def plan_batches(deps: Deps, provider: BatchProvider, *, keep: Callable[[], None]) -> int:
    """Put all that waits into files, each committed at once; how many lines that were.

    No transaction is open while prompts are built. What was answered before goes without a line;
    what lies with the provider already, or in this draft, waits for that answer. ``keep`` is called
    now and then; what it raises ends the work.
    """
    draft, planned = Draft(), 0
    for line in _iter_lines(deps, provider):
        if not draft.has_room(line):
            keep()
            planned += _commit(deps, draft)
            draft = Draft()
        draft.add(line)
    return planned + _commit(deps, draft)


def _iter_lines(deps: Deps, provider: BatchProvider) -> Iterator[Line]:
    after, drafted, caps = None, set[Work](), CapBook(deps)
    while True:
        with deps.database.statements(system="list what waits") as session:
            page = items.list_waiting(session, deps.pool, after=after, limit=PAGE)
        if not page:
            return
        after = page[-1].job.id
        lines, needless = _build_lines(deps, provider, page, caps)
        lines, answered, busy = _split_known(deps, lines)
        _release(deps, [*needless, *answered])
        for line in lines:
            if line.work not in drafted | busy:
                drafted.add(line.work)
                yield line


def _build_lines(
    deps: Deps, provider: BatchProvider, page: Sequence[WaitingJob], caps: CapBook
) -> tuple[list[Line], list[uuid.UUID]]:
    """The lines of these jobs, and the jobs that turn out to need no call.

    A job whose seller's cap is reached has no line yet: it waits for another day.
    """
    lines, needless = [], []
    for one in page:
        est_pico = caps.take(one)
        if est_pico is None:
            continue
        line = _try_line(deps, provider, one, est_pico)
        if line is None:
            needless.append(one.job.id)
        else:
            lines.append(line)
    return lines, needless


def _try_line(
    deps: Deps, provider: BatchProvider, waiting: WaitingJob, est_pico: int
) -> Line | None:
    """A job that our own code cannot order for runs on demand, where its fault is seen."""
    try:
        return _build_line(deps, provider, waiting, est_pico)
    except Exception:
        log.exception("line_not_built", job_id=str(waiting.job.id))
        return None


def _build_line(
    deps: Deps, provider: BatchProvider, waiting: WaitingJob, est_pico: int
) -> Line | None:
    job, brief = waiting.job, Brief.from_json(waiting.brief)
    work = build_work(job, brief)
    fields = list_asked_fields(work)
    if not fields:
        return None
    request = build_request(brief, work.rules, fields, model=deps.llm_model)
    digest = hash_request(request)
    custom_id = build_custom_id(job.id, claim_no=job.claim_no, request_hash=digest)
    return Line(
        job_id=job.id,
        seller_id=job.seller_id,
        claim_no=job.claim_no,
        custom_id=custom_id,
        request_hash=digest,
        variant=brief.variant,
        est_pico=est_pico,
        content=provider.write_line(custom_id, request),
    )


def _split_known(deps: Deps, lines: list[Line]) -> tuple[list[Line], list[uuid.UUID], set[Work]]:
    """The lines without a paid answer, the jobs with one, and what lies with the provider."""
    hashes = [line.request_hash for line in lines]
    with deps.database.statements(system="find what is known") as session:
        answered = bills.list_answered(session, hashes)
        busy = items.list_sent_hashes(session, hashes)
    new = [line for line in lines if line.work not in answered]
    return new, [line.job_id for line in lines if line.work in answered], busy


def _release(deps: Deps, job_ids: list[uuid.UUID]) -> None:
    if not job_ids:
        return
    with deps.database.transaction(system="release from the batch lane") as session:
        items.release_waiting(session, job_ids)
    deps.queue.wake_dispatcher()


def _commit(deps: Deps, draft: Draft) -> int:
    """Write a file down, of the lines whose jobs still wait; how many those are."""
    if not draft.lines:
        return 0
    window_s = find_window_s(deps)
    with deps.database.transaction(system="plan a batch") as session:
        taken = items.take_waiting(
            session,
            [line.job_id for line in draft.lines],
            until_s=window_s * FALLBACK_SHARE,
        )
        lines = [line for line in draft.lines if line.job_id in taken]
        if not lines:
            return 0
        row = lane.insert_batch(
            session,
            {
                "id": new_id(),
                "pool": deps.pool,
                "model": deps.llm_model,
                "lines": len(lines),
                "body": zlib.compress(b"".join(line.content for line in lines)),
                "window_s": window_s,
            },
            [_to_item(line) for line in lines],
        )
    log.info("batch_planned", provider_batch=str(row.id), lines=len(lines))
    return len(lines)


def _to_item(line: Line) -> dict[str, Any]:
    return {
        "custom_id": line.custom_id,
        "seller_id": line.seller_id,
        "job_id": line.job_id,
        "claim_no": line.claim_no,
        "request_hash": line.request_hash,
        "variant": line.variant,
        "est_pico": line.est_pico,
    }
