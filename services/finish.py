"""Ends a job: one transaction guarded by the claim's fence, so that a late loser writes nothing."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from core.ids import new_id
from core.log import get_logger
from domain.brief import Brief, Engine
from domain.findings import Finding, Level, Refusal
from domain.job import JobKind, JobState, Outcome
from domain.listing import Listing, TextValue
from domain.marketplaces.checker import check_muted
from domain.marketplaces.rulebook import RuleSet
from models import batch as batches
from models import import_file as imports
from models import job as jobs
from models import listing as listings
from models import suggestion as suggestions
from models.session import Moves
from services.catalogue import finding_to_json
from services.deps import Deps
from services.llm_step import retry_while_away
from services.measures import Measures, count_hard, measure_listing

log = get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of an optimize job."""

    brief: Brief
    rules: RuleSet
    findings: tuple[Finding, ...]
    accepted: Mapping[str, TextValue]
    proposed: Mapping[str, TextValue]
    refused: tuple[Refusal, ...]
    fields: tuple[str, ...]
    engines: Mapping[str, Engine]
    outcome: Outcome
    model: str
    simulated: bool
    note: str
    hops: tuple[dict[str, str], ...] = ()
    partial: bool = False
    too_long: tuple[str, ...] = ()

    @property
    def engine(self) -> Engine | None:
        """Which engine wrote (most of) it, None when nothing was written."""
        if not self.engines:
            return Engine.GROQ if self.model and self.proposed else None
        used = list(self.engines.values())
        return Engine.GROQ if Engine.GROQ in used else Engine.RULES


def finish_result(deps: Deps, job: jobs.JobRow, result: Result) -> None:
    """Write the suggestion, the measures and the counts, and complete the job."""
    before = Measures(
        hard=count_hard(result.findings),
        advice=len(result.findings) - count_hard(result.findings),
        score=_measure(result, result.brief.listing).score,
    )
    after = before
    if result.accepted:
        after = _measure(result, result.brief.listing.with_fields(result.accepted))

    def write() -> None:
        with deps.database.moves(seller=job.seller_id) as moves:
            _write(moves, job, result, before=before, after=after)

    retry_while_away(write)


def _measure(result: Result, listing: Listing) -> Measures:
    return measure_listing(listing, result.rules, keywords=result.brief.keywords)


def _write(
    moves: Moves, job: jobs.JobRow, result: Result, *, before: Measures, after: Measures
) -> None:
    offers = bool(result.accepted or result.refused)
    suggestion_id = new_id() if offers else None
    finished = jobs.finish_job(
        moves,
        job,
        state=JobState.COMPLETED,
        values={
            "outcome": result.outcome.value,
            "engine": None if result.engine is None else result.engine.value,
            "suggestion_id": suggestion_id,
            "error_code": "rules_fallback" if result.note else None,
            "error_detail": result.note or None,
            "hops": list(result.hops),
        },
    )
    if finished is None:
        log.warning("job_overtaken", job_id=str(job.id), claim_no=job.claim_no)
        return
    counts: dict[str, float] = {finished.state.value: 1, "cost_pico": finished.cost_pico}
    if finished.state is JobState.COMPLETED:
        if suggestion_id is not None:
            _write_suggestion(moves, job, suggestion_id, result, before=before, after=after)
        counts |= _count(result, reused=finished.reused, before=before, after=after)
    add_counts(moves, job, counts)
    log.info("job_finished", job_id=str(job.id), state=finished.state, outcome=result.outcome)


def _count(result: Result, *, reused: bool, before: Measures, after: Measures) -> dict[str, float]:
    counts: dict[str, float] = {
        result.outcome.value: 1,
        "reused": int(reused),
        "refused_fields": len({one.field for one in result.refused} - set(result.accepted)),
        "hard_before": before.hard,
        "hard_after": after.hard,
        "hard_left_alone": count_hard(
            [one for one in result.findings if one.field not in result.fields]
        ),
        "score_before": before.score,
        "score_after": after.score,
        "simulated": int(result.simulated),
        "partial": int(result.partial),
        "hopped": int(bool(result.hops) and result.engine is Engine.GROQ),
        "muted": len(check_muted(result.brief.listing, result.rules)),
    }
    if result.engine is not None:
        counts[f"engine_{result.engine.value}"] = 1
    counts |= {f"too_long_{name}": 1 for name in result.too_long}
    return counts


def add_counts(session: Session | Moves, job: jobs.JobRow, counts: Mapping[str, float]) -> None:
    """Count a job's end in its batch, in one of the shards."""
    if job.batch_id is not None:
        batches.add_tally(
            session,
            seller_id=job.seller_id,
            batch_id=job.batch_id,
            shard=job.id.int % batches.SHARDS,
            counts=counts,
        )


def _write_suggestion(
    moves: Moves,
    job: jobs.JobRow,
    suggestion_id: uuid.UUID,
    result: Result,
    *,
    before: Measures,
    after: Measures,
) -> None:
    if job.subject_id is None or job.revision_id is None:
        message = f"optimize job {job.id} names no listing"
        raise ValueError(message)
    status = "open" if result.accepted else "refused"
    if listings.lock_revision(moves, job.seller_id, job.subject_id) != job.revision_id:
        status = "stale"
    suggestions.insert_suggestion(
        moves,
        {
            "seller_id": job.seller_id,
            "id": suggestion_id,
            "listing_id": job.subject_id,
            "job_id": job.id,
            "base_revision_id": job.revision_id,
            "brief_hash": job.brief_hash,
            "wanted_engine": result.brief.engine.value,
            "used_engine": (result.engine or Engine.RULES).value,
            "llm": result.model,
            "simulated": result.simulated,
            "hops": list(result.hops),
            "partial": result.partial,
            "prompt_version": result.brief.prompt_version,
            "rules_digest": result.rules.digest,
            "status": status,
            "score_before": before.score,
            "score_after": after.score,
            "hard_before": before.hard,
            "hard_after": after.hard,
            "advice_after": after.advice,
        },
        _field_values(job.seller_id, suggestion_id, result),
    )


def _field_values(
    seller_id: uuid.UUID, suggestion_id: uuid.UUID, result: Result
) -> list[dict[str, Any]]:
    names = dict.fromkeys([*result.accepted, *(one.field for one in result.refused)])
    return [
        {
            "seller_id": str(seller_id),
            "suggestion_id": str(suggestion_id),
            "field": name,
            "engine": (result.engines.get(name) or result.engine or Engine.RULES).value,
            "before": _plain(result.brief.listing.fields.get(name, "")),
            "proposed": _plain(result.proposed.get(name)),
            "after": _plain(result.accepted.get(name)),
            "refusals": [_refusal_to_json(one) for one in result.refused if one.field == name],
            "findings": _hard_findings(result.findings, name),
        }
        for name in names
    ]


def _plain(value: TextValue | None) -> str | list[str] | None:
    return list(value) if isinstance(value, tuple) else value


def _hard_findings(findings: Sequence[Finding], name: str) -> list[dict[str, Any]]:
    return [
        finding_to_json(one) for one in findings if one.field == name and one.level is Level.HARD
    ]


def _refusal_to_json(refusal: Refusal) -> dict[str, str]:
    return {
        "check": refusal.check.value,
        "rule": refusal.rule,
        "message": refusal.message,
        "excerpt": refusal.excerpt,
    }


def discard(
    deps: Deps,
    job: jobs.JobRow,
    *,
    code: str,
    detail: str,
    hops: Sequence[dict[str, str]] = (),
) -> None:
    """End a job that cannot succeed, with the reason people will read.

    A refusal that holds for every call (a wrong key, the spend cap) halts the rest of its batch.
    """

    def write() -> None:
        with deps.database.transaction(seller=job.seller_id) as session:
            finished = jobs.finish_job(
                session,
                job,
                state=JobState.DISCARDED,
                values={"error_code": code, "error_detail": detail, "hops": list(hops)},
            )
            if finished is None:
                return
            add_counts(session, job, {finished.state.value: 1, "cost_pico": finished.cost_pico})
            if finished.state is JobState.DISCARDED:
                fail_import_of(session, job, code=code, detail=detail)
            if code == "llm_refused" and job.batch_id is not None:
                batches.halt_batch(session, job.seller_id, job.batch_id, detail)

    retry_while_away(write)
    log.warning("job_discarded", job_id=str(job.id), code=code)


def fail_import_of(session: Session, job: jobs.JobRow, *, code: str, detail: str) -> None:
    """An import whose own job is discarded has failed, and says so."""
    if job.kind == JobKind.IMPORT and job.subject_id is not None:
        error = {"code": code, "message": detail}
        imports.fail_import(session, job.seller_id, job.subject_id, error)
