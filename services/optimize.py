"""Runs one optimize job: claim, ask once, gate, finish. No connection is held during a call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from sqlalchemy.orm import Session

from core.errors import (
    AppError,
    LlmOutputError,
    LlmRefusedError,
    LlmRequestError,
    LlmTransientError,
)
from core.log import get_logger
from domain.brief import Brief, Engine, EngineChoice
from domain.findings import Check, Finding, Level, Refusal
from domain.gate import judge, list_avoided_left
from domain.job import MAX_ATTEMPTS, JobState, Outcome, retry_delay_s
from domain.listing import TextValue
from domain.marketplaces.checker import check_listing
from domain.marketplaces.rulebook import RuleSet, load_rulebook
from domain.ports import LlmRequest
from domain.prompts.request import build_repair_request, build_request, list_cut_fields
from domain.rewrite import propose
from domain.touchable import find_touchable
from models import job as jobs
from services.deps import Deps
from services.finish import Result, add_counts, discard, finish_result
from services.llm_door import PoolWaitError
from services.llm_step import (
    Answer,
    Asker,
    Lease,
    StopError,
    UnusableAnswersError,
    retry_while_away,
)

log = get_logger(__name__)

MAX_CALLS: Final = 3
LONG_WAIT_S: Final = 120.0
"""An ``auto`` job whose provider asks for a longer wait (a daily quota, say) is done by rules."""

LARGER_CAP: Final = 1.6


@dataclass(slots=True)
class Work:
    """A claimed job with what it works from, and what has come of it so far."""

    job: jobs.JobRow
    brief: Brief
    rules: RuleSet
    findings: tuple[Finding, ...]
    fields: tuple[str, ...]
    accepted: dict[str, TextValue] = field(default_factory=dict)
    proposed: dict[str, TextValue] = field(default_factory=dict)
    engines: dict[str, Engine] = field(default_factory=dict)
    refused: tuple[Refusal, ...] = ()
    model: str = ""
    simulated: bool = False
    fell_back: str = ""

    def take(self, proposal: dict[str, TextValue], engine: Engine) -> None:
        """Pass a proposal through the gate; what passes is kept, what fails is remembered."""
        verdict = judge(proposal, self.brief, self.rules)
        self.proposed |= proposal
        self.accepted |= verdict.accepted
        self.engines |= dict.fromkeys(verdict.accepted, engine)
        answered = set(proposal)
        kept = [one for one in self.refused if one.field not in answered]
        self.refused = (*kept, *verdict.refused)

    @property
    def refused_fields(self) -> tuple[str, ...]:
        """Fields refused and not offered in another form, in the order they were asked for."""
        names = {one.field for one in self.refused} - set(self.accepted)
        return tuple(name for name in self.fields if name in names)


def run_optimize(deps: Deps, job: jobs.JobRow, brief: Brief, lease: Lease) -> None:
    """Run a claimed job to its end, or give it back; never raises for a fault of the outside."""
    work = build_work(job, brief)
    try:
        if work.fields:
            write_fields(deps, work, lease)
        finish_result(deps, job, build_result(work))
    except PoolWaitError as wait:
        release(deps, job, wait_s=wait.wait_s)
    except StopError:
        release(deps, job, wait_s=0.0)
    except AppError as fault:
        settle_fault(deps, job, fault)


def build_work(job: jobs.JobRow, brief: Brief) -> Work:
    """See what has to be done, by the rules of the day on which the job was submitted."""
    rules = load_rulebook().select(
        brief.channel,
        as_of=job.as_of or brief.as_of,
        store=brief.store,
        category=brief.listing.category,
        mutes=brief.mutes,
    )
    findings = check_listing(brief.listing, rules)
    return Work(
        job=job,
        brief=brief,
        rules=rules,
        findings=findings,
        fields=find_touchable(brief, findings),
    )


def write_fields(deps: Deps, work: Work, lease: Lease) -> None:
    """Let the wanted engine write; what it cannot do well, the rules engine mends.

    A seller who asked for the language model alone keeps their own text instead.
    """
    if work.brief.engine is not EngineChoice.RULES and deps.door is not None:
        try:
            ask_llm(deps, work, lease)
        except (LlmRefusedError, LlmRequestError, LlmTransientError, LlmOutputError) as fault:
            if not may_fall_back(work, fault):
                raise
            work.fell_back = fault.message
    elif work.brief.engine is EngineChoice.GROQ:
        raise LlmRefusedError("no key of the Groq API is set.", remedy="Set GROQ_API_KEY.")
    if work.brief.engine is not EngineChoice.GROQ:
        mend_by_rules(work)
    work.refused = (*work.refused, *find_unmended(work), *list_left_by_rules(work))


def may_fall_back(work: Work, fault: AppError) -> bool:
    """Whether the rules engine may do what the language model could not."""
    if work.brief.engine is not EngineChoice.AUTO:
        return False
    return not fault.retryable or work.job.failures + 1 >= MAX_ATTEMPTS


def ask_llm(deps: Deps, work: Work, lease: Lease) -> None:
    """Ask, judge, and ask once more for what failed; at most three calls."""
    asker = Asker(deps, work.job, work.brief, lease)
    fields = list_asked_fields(work)
    if not fields:
        return
    cut = repaired = False
    request = build_request(work.brief, work.rules, fields, model=deps.llm_model)
    for step in range(1, MAX_CALLS + 1):
        answer = ask_or_wait(asker, work, request, step=step, fields=fields)
        work.model, work.simulated = answer.model, work.simulated or answer.simulated
        try:
            work.take(answer.read(fields), Engine.GROQ)
        except LlmOutputError as fault:
            if cut and work.proposed:
                return
            if cut:
                raise UnusableAnswersError(fault.message) from fault
            cut, request = True, with_larger_cap(request)
            continue
        fields = work.refused_fields
        if not fields or repaired:
            return
        repaired = True
        request = build_repair_request(
            work.brief,
            work.rules,
            fields,
            refusals=work.refused,
            previous=answer.body,
            model=deps.llm_model,
        )


def list_asked_fields(work: Work) -> tuple[str, ...]:
    """What the model is asked for: a field that it would see only in part is not its to rewrite."""
    unseen = set(list_cut_fields(work.brief, work.fields))
    return tuple(name for name in work.fields if name not in unseen)


def ask_or_wait(
    asker: Asker, work: Work, request: LlmRequest, *, step: int, fields: tuple[str, ...]
) -> Answer:
    """One step; a long wait turns into the rules engine for a seller who left us the choice."""
    try:
        return asker.ask(step, request, fields)
    except PoolWaitError as wait:
        if work.brief.engine is EngineChoice.AUTO and wait.wait_s > LONG_WAIT_S:
            raise LlmRefusedError(
                f"the provider's quota is spent for {wait.wait_s:.0f} s."
            ) from wait
        raise


def with_larger_cap(request: LlmRequest) -> LlmRequest:
    """The same request with more room for the answer."""
    cap = int(request.max_completion_tokens * LARGER_CAP)
    return replace(request, max_completion_tokens=cap)


def mend_by_rules(work: Work) -> None:
    """Write by rules what is still open: everything, or the fields that were refused."""
    open_fields = [name for name in work.fields if name not in work.accepted]
    if not open_fields:
        return
    asked = set(work.proposed)
    proposal = {
        name: value
        for name, value in propose(work.brief, work.rules).items()
        if name in open_fields and (name not in asked or name in work.refused_fields)
    }
    earlier = work.refused
    if proposal:
        verdict = judge(proposal, work.brief, work.rules)
        work.accepted |= verdict.accepted
        work.engines |= dict.fromkeys(verdict.accepted, Engine.RULES)
        work.proposed = {**proposal, **work.proposed}
        work.refused = (*earlier, *(one for one in verdict.refused if one.field not in asked))


def find_unmended(work: Work) -> list[Refusal]:
    """Hard findings that no engine could mend without inventing something."""
    explained = {one.field for one in work.refused} | set(work.accepted)
    return [
        Refusal(
            field=one.field,
            check=Check.RULE,
            rule=one.rule,
            message=f"{one.message.rstrip('.')}. It cannot be mended from what the row says.",
        )
        for one in work.findings
        if one.level is Level.HARD and one.field in work.fields and one.field not in explained
    ]


def list_left_by_rules(work: Work) -> list[Refusal]:
    """Words that the seller avoids and the rules engine could not take out of what it offers."""
    engines = work.engines
    ours = {n: value for n, value in work.accepted.items() if engines.get(n) is Engine.RULES}
    return list_avoided_left(work.brief, ours)


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
        outcome=choose_outcome(work),
        model=work.model,
        simulated=work.simulated,
        note=work.fell_back,
    )


def choose_outcome(work: Work) -> Outcome:
    """How the job came out."""
    refused = bool(work.refused_fields)
    if work.accepted and work.fell_back:
        return Outcome.RULES_FALLBACK
    if work.accepted:
        return Outcome.PARTLY_REFUSED if refused else Outcome.IMPROVED
    return Outcome.REFUSED if refused else Outcome.ALREADY_GOOD


def settle_fault(deps: Deps, job: jobs.JobRow, fault: AppError) -> None:
    """Write a failure to the job's row: tried again later, or final with its reason."""
    detail = str(fault)[:2000]
    if not fault.retryable or job.failures + 1 >= MAX_ATTEMPTS:
        discard(deps, job, code=fault.code, detail=detail)
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


def release(deps: Deps, job: jobs.JobRow, *, wait_s: float) -> None:
    """Give a job back that only has to wait; it costs no attempt."""
    kept = give_back(deps, job, lambda session: jobs.release_job(session, job, wait_s=wait_s))
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
