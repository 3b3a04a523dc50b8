"""Takes the answers of a file of calls in: bill and answer first, then the jobs may run."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Final

from sqlalchemy.orm import Session

from core.errors import AppError
from core.log import get_logger
from domain.batch_lane import BatchAnswer, BatchProvider
from domain.catalogue import BATCH
from domain.ports import LlmReply
from models import llm_call as ledger
from models import provider_batch as lane
from models import provider_batch_bill as books
from models import provider_batch_item as items
from models.provider_batch import ProviderBatchRow
from models.provider_batch_bill import BilledLine
from models.provider_batch_item import ProviderBatchItemRow
from services.batch_lane_caps import charge_purses
from services.deps import Deps
from services.finish import add_counts
from services.llm_step import build_bill

log = get_logger(__name__)

CHUNK: Final = 200
FIRST_STEP: Final = 1
KEPT_FOR: Final = dt.timedelta(days=30)
"""How long the operator can look up what became of a file; the ledger keeps what it cost."""


def ingest(
    deps: Deps, provider: BatchProvider, row: ProviderBatchRow, *, keep: Callable[[], None]
) -> None:
    """Read the files of a batch that is over; done twice, it changes nothing the second time.

    Each line's bill, answer and end are one transaction with those around it. A job whose answer
    is there, or will not come, becomes due: it runs as any other, and finds its own answer.
    ``keep`` is called now and then; what it raises ends the work.
    """
    for file_id in (row.output_file_id, row.error_file_id):
        if file_id:
            for answers in _chunk(provider.read_answers(file_id)):
                keep()
                _take_in(deps, row, answers)
    close(deps, row, error=row.error)
    forget_files(provider, row)


def close(deps: Deps, row: ProviderBatchRow, *, error: str = "") -> None:
    """End a batch; every line without an answer goes on demand."""
    with deps.database.transaction(system="end a batch") as session:
        rest = items.settle_rest(session, row.id)
        items.release_waiting(session, rest)
        lane.move_batch(session, row, {"state": "ingested", "error": error})
        lane.delete_old(session, before=KEPT_FOR)
    deps.queue.wake_dispatcher()
    log.info("batch_ingested", provider_batch=str(row.id), lines=row.lines, unanswered=len(rest))


def forget_files(provider: BatchProvider, row: ProviderBatchRow) -> None:
    """Sellers' texts need not lie with the provider any longer; if they do, nothing is lost."""
    for file_id in filter(None, (row.file_id, row.output_file_id, row.error_file_id)):
        try:
            provider.delete_file(file_id)
        except AppError as fault:
            log.warning("file_not_deleted", file_id=file_id, reason=fault.message)


def _chunk(answers: Iterator[BatchAnswer]) -> Iterator[list[BatchAnswer]]:
    while chunk := list(islice(answers, CHUNK)):
        yield chunk


def _take_in(deps: Deps, row: ProviderBatchRow, answers: Sequence[BatchAnswer]) -> None:
    replies = {one.custom_id: one.reply for one in answers if one.reply is not None}
    failed = [one.custom_id for one in answers if one.reply is None]
    with deps.database.transaction(system="take answers in") as session:
        answered = items.settle_items(session, row.id, list(replies), state="answered")
        lines = [_bill(row, item, replies[item.custom_id]) for item in answered]
        books.insert_billed_lines(session, lines)
        _add_late_costs(session, lines)
        ended = [*answered, *items.settle_items(session, row.id, failed, state="failed")]
        items.release_waiting(session, [item.job_id for item in ended])
    charge_purses(deps, [(one.key.seller_id, one.bill.cost_pico) for one in lines])
    deps.queue.wake_dispatcher()
    if failed:
        why = next(one.error for one in answers if one.reply is None)
        log.warning("lines_failed", provider_batch=str(row.id), lines=len(failed), first=why)


def _bill(row: ProviderBatchRow, item: ProviderBatchItemRow, reply: LlmReply) -> BilledLine:
    key = ledger.AnswerKey(
        seller_id=item.seller_id,
        job_id=item.job_id,
        step=FIRST_STEP,
        request_hash=item.request_hash,
        variant=item.variant,
    )
    bill = build_bill(reply, wanted=row.model, tier=BATCH)
    return BilledLine(key=key, claim_no=item.claim_no, reply=reply, bill=bill)


def _add_late_costs(session: Session, lines: Sequence[BilledLine]) -> None:
    """Where a job has ended meanwhile, its sum and its import's."""
    costs = {one.key.job_id: one.bill.cost_pico for one in lines}
    for job_id in items.list_ended(session, list(costs)):
        ended = items.add_late_cost(session, job_id, costs[job_id])
        if ended is not None:
            add_counts(session, ended, {"cost_pico": costs[job_id]})
