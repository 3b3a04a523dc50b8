"""Takes the answers of a file of calls in: bill and answer first, then the jobs may run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
from models.provider_batch_item import ProviderBatchItemRow
from services.batch_lane_caps import charge_purses
from services.deps import Deps
from services.finish import add_counts
from services.llm_step import build_bill

log = get_logger(__name__)

CHUNK: Final = 200
FIRST_STEP: Final = 1


def ingest(deps: Deps, provider: BatchProvider, row: ProviderBatchRow) -> None:
    """Read the files of a batch that is over; done twice, it changes nothing the second time.

    Each line's bill, answer and end are one transaction with those around it. A job whose answer
    is there, or will not come, becomes due: it runs as any other, and finds its own answer.
    """
    for file_id in (row.output_file_id, row.error_file_id):
        if file_id:
            for answers in _chunk(provider.read_answers(file_id)):
                _take_in(deps, row, answers)
    close(deps, row, error=row.error)
    forget_files(provider, row)


def close(deps: Deps, row: ProviderBatchRow, *, error: str = "") -> None:
    """End a batch; every line without an answer goes on demand."""
    with deps.database.transaction(system="end a batch") as session:
        rest = items.settle_rest(session, row.id)
        items.release_waiting(session, rest)
        lane.move_batch(session, row, {"state": "ingested", "error": error})
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
        bills = [
            (item.seller_id, _write(session, row, item, replies[item.custom_id]))
            for item in answered
        ]
        ended = [*answered, *items.settle_items(session, row.id, failed, state="failed")]
        items.release_waiting(session, [item.job_id for item in ended])
    charge_purses(deps, bills)
    deps.queue.wake_dispatcher()
    if failed:
        why = next(one.error for one in answers if one.reply is None)
        log.warning("lines_failed", provider_batch=str(row.id), lines=len(failed), first=why)


def _write(
    session: Session, row: ProviderBatchRow, item: ProviderBatchItemRow, reply: LlmReply
) -> int:
    """The bill, the answer, and where the job has ended meanwhile, its sum; picodollars."""
    key = ledger.AnswerKey(
        seller_id=item.seller_id,
        job_id=item.job_id,
        step=FIRST_STEP,
        request_hash=item.request_hash,
        variant=item.variant,
    )
    bill = build_bill(reply, wanted=row.model, tier=BATCH)
    books.insert_billed_line(session, key, claim_no=item.claim_no, reply=reply, bill=bill)
    books.keep_answer(session, key, reply=reply, simulated=bill.simulated)
    ended = items.add_late_cost(session, item.job_id, bill.cost_pico)
    if ended is not None:
        add_counts(session, ended, {"cost_pico": bill.cost_pico})
    return bill.cost_pico
