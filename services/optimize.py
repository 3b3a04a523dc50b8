"""Runs one optimize job: claim, ask once, gate, finish. No connection is held during a call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from sqlalchemy.orm import Session

from core.errors import AppError, LlmError, LlmRefusedError, LlmTransientError
from core.log import get_logger
from domain.brief import Brief, EngineChoice
from domain.job import MAX_ATTEMPTS, JobState, Lane, retry_delay_s
from models import job as jobs
from models.provider_wait import FOR_PROVIDER
from models.spend import FOR_CAP
from services.deps import Deps
from services.finish import Result, add_counts, discard, finish_result
from services.llm_chain import OutageError
from services.llm_door import CapWaitError, PoolWaitError
from services.llm_step import Lease, StopError, retry_while_away
from services.llm_write import ask_llm
from services.work import Work, build_work, find_unmended, mend_by_rules

log = get_logger(__name__)

LONG_WAIT_S: Final = 120.0
"""An ``auto`` job whose provider asks for a longer wait (a daily quota, say) is done by rules."""

PATIENCE_S: Final = {Lane.INTERACTIVE: 10.0}
"""After so long an outage of all models an ``auto`` job is done by rules; elsewhere LONG_WAIT_S."""


def run_optimize(deps: Deps, job: jobs.JobRow, brief: Brief, lease: Lease) -> None:
    """Run a claimed job to its end, or give it back; never raises for a fault of the outside."""
    work = build_work(job, brief)
    try:
        if work.fields:
            write_fields(deps, work, lease)
        finish_result(deps, job, build_result(work))
    except OutageError as wait:
        release(deps, job, wait_s=wait.wait_s, waits_for=FOR_PROVIDER)
    except CapWaitError as wait:
        release(deps, job, wait_s=wait.wait_s, waits_for=FOR_CAP)
    except PoolWaitError as wait:
        release(deps, job, wait_s=wait.wait_s)
    except StopError:
        release(deps, job, wait_s=0.0)
    except AppError as fault:
        settle_fault(deps, job, fault, hops=[hop.to_json() for hop in work.hops])


def write_fields(deps: Deps, work: Work, lease: Lease) -> None:
    """Let the wanted engine write; what it cannot do well, the rules engine mends.

    A seller who asked for the language model alone keeps their own text instead.
    """
    if work.brief.engine is not EngineChoice.RULES and deps.door is not None:
        try:
            ask_llm(deps, work, lease)
        except (PoolWaitError, LlmError) as fault:
            work.fell_back = find_fallback_reason(work, fault)
            if not work.fell_back:
                raise
    elif work.brief.engine is EngineChoice.GROQ:
        raise LlmRefusedError("no key of the Groq API is set.", remedy="Set GROQ_API_KEY.")
    if work.brief.engine is not EngineChoice.GROQ:
        mend_by_rules(work)
    work.refused = (*work.refused, *find_unmended(work))


def find_fallback_reason(work: Work, fault: PoolWaitError | LlmError) -> str:
    """Why the rules engine may do what no language model could, "" when it may not (yet)."""
    if work.brief.engine is not EngineChoice.AUTO or isinstance(fault, CapWaitError):
        return ""
    if isinstance(fault, OutageError):
        patience_s = PATIENCE_S.get(Lane(work.job.lane), LONG_WAIT_S)
        return fault.reason if fault.open_for_s > patience_s else ""
    if isinstance(fault, PoolWaitError):
        long = fault.wait_s > LONG_WAIT_S
        return f"the provider's quota is spent for {fault.wait_s:.0f} s." if long else ""
    may = not fault.retryable or work.job.failures + 1 >= MAX_ATTEMPTS
    return fault.message if may else ""


def build_result(work: Work) -> Result:
    """What goes into the suggestion and the tallies."""
    return Result(
        brief=work.brief,
        rules=work.rules,
        findings=work.findings,
        accepted=work.accepted,
        proposed=work.proposed,
        refused=work.refused,
        fields=work.fields,
        engines=work.engines,
        outcome=work.outcome,
        model=work.model,
        simulated=work.simulated,
        note=work.fell_back,
        hops=tuple(hop.to_json() for hop in work.hops),
        partial=work.is_partial,
        too_long=work.too_long,
    )


def settle_fault(
    deps: Deps, job: jobs.JobRow, fault: AppError, *, hops: Sequence[dict[str, str]] = ()
) -> None:
    """Write a failure to the job's row: tried again later, or final with its reason."""
    detail = str(fault)[:2000]
    if not fault.retryable or job.failures + 1 >= MAX_ATTEMPTS:
        discard(deps, job, code=fault.code, detail=detail, hops=hops)
        return
    wait_s = retry_delay_s(job.failures + 1)
    if isinstance(fault, LlmTransientError) and fault.retry_after_s is not None:
        wait_s = max(wait_s, fault.retry_after_s)
    kept = give_back(
        deps,
        job,
        lambda session: jobs.retry_job(
            session, job, wait_s=wait_s, error_code=fault.code, error_detail=detail
        ),
    )
    log.warning("job_retried", job_id=str(job.id), code=fault.code, wait_s=wait_s, state=kept)


def release(deps: Deps, job: jobs.JobRow, *, wait_s: float, waits_for: str | None = None) -> None:
    """Give a job back that only has to wait; it costs no attempt."""
    kept = give_back(
        deps,
        job,
        lambda session: jobs.release_job(session, job, wait_s=wait_s, waits_for=waits_for),
    )
    log.info("job_released", job_id=str(job.id), wait_s=round(wait_s, 1), state=kept)


def give_back(
    deps: Deps, job: jobs.JobRow, put_back: Callable[[Session], JobState | None]
) -> JobState | None:
    """Put a claimed job back, and count it where its cancellation was asked for meanwhile.

    Tried until the database is back: left running by a process that lives on, the job would wait
    for its whole deadline.
    """

    def write() -> JobState | None:
        with deps.database.transaction(seller=job.seller_id) as session:
            state = put_back(session)
            if state is JobState.CANCELLED:
                add_counts(session, job, {state.value: 1})
            return state

    return retry_while_away(write)
