"""What an optimize job works on: what it may change, what was proposed, what passed the gate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from domain.brief import Brief, Engine
from domain.findings import Check, Finding, Level, Refusal
from domain.gate import judge
from domain.job import Outcome
from domain.listing import TextValue
from domain.marketplaces.checker import check_listing
from domain.marketplaces.rulebook import RuleSet, load_rulebook
from domain.prompts.request import list_cut_fields
from domain.rewrite import mend_proposal, propose
from domain.touchable import find_touchable
from models import job as jobs
from services.llm_chain import Hop


@dataclass(slots=True)
class Work:
    """A claimed job with what it works from, and what has come of it so far.

    ``too_long`` are fields that a model was not asked for, since it would see them only in part.
    """

    job: jobs.JobRow
    brief: Brief
    rules: RuleSet
    findings: tuple[Finding, ...]
    fields: tuple[str, ...]
    accepted: dict[str, TextValue] = field(default_factory=dict)
    proposed: dict[str, TextValue] = field(default_factory=dict)
    engines: dict[str, Engine] = field(default_factory=dict)
    refused: tuple[Refusal, ...] = ()
    hops: list[Hop] = field(default_factory=list)
    model: str = ""
    simulated: bool = False
    fell_back: str = ""
    too_long: tuple[str, ...] = ()

    def take(self, proposal: Mapping[str, TextValue], engine: Engine) -> None:
        """Pass a proposal through the gate; what passes is kept, what fails is remembered.

        A text that only breaks rules is mended by rules first, which costs nothing.
        """
        verdict = judge(proposal, self.brief, self.rules)
        accepted, refused = dict(verdict.accepted), verdict.refused
        broken = {one.field for one in refused if one.check is Check.RULE}
        if broken:
            texts = {name: proposal[name] for name in broken}
            mended = judge(mend_proposal(texts, self.brief, self.rules), self.brief, self.rules)
            accepted |= mended.accepted
            refused = tuple(one for one in refused if one.field not in mended.accepted)
        self.proposed |= proposal
        self.accepted |= accepted
        self.engines |= dict.fromkeys(accepted, engine)
        kept = [one for one in self.refused if one.field not in proposal]
        self.refused = (*kept, *refused)

    @property
    def refused_fields(self) -> tuple[str, ...]:
        """Fields refused and not offered in another form, in the order they were asked for."""
        names = {one.field for one in self.refused} - set(self.accepted)
        return tuple(name for name in self.fields if name in names)

    @property
    def is_partial(self) -> bool:
        """Whether some fields are offered while others stay as the seller wrote them."""
        return bool(self.accepted and self.refused_fields)

    @property
    def outcome(self) -> Outcome:
        """How the job came out."""
        if self.accepted and self.fell_back:
            return Outcome.RULES_FALLBACK
        if self.accepted:
            return Outcome.PARTLY_REFUSED if self.refused_fields else Outcome.IMPROVED
        return Outcome.REFUSED if self.refused_fields else Outcome.ALREADY_GOOD


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


def list_asked_fields(work: Work) -> tuple[str, ...]:
    """The fields that a model is asked for: one it would see only in part is not its to rewrite."""
    unseen = set(list_cut_fields(work.brief, work.fields))
    return tuple(name for name in work.fields if name not in unseen)


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
            message=f"{one.message.rstrip('.')}. {_explain_unmended(work, one.field)}",
        )
        for one in work.findings
        if one.level is Level.HARD and one.field in work.fields and one.field not in explained
    ]


def _explain_unmended(work: Work, field_name: str) -> str:
    if field_name in work.too_long:
        return "It is too long to be shown to a language model whole, so none rewrote it."
    return "It cannot be mended from what the row says."
