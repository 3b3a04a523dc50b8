"""Looks at a store's listings for those that are worth another proposal; submits nothing."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import Any, Final

from sqlalchemy.orm import Session

from core.clock import today
from domain.brief import Brief
from domain.catalogue import cost_picousd, get_llm
from domain.findings import Finding, Level
from domain.job import Lane
from domain.listing import Listing
from domain.marketplaces.checker import check_listing
from domain.marketplaces.rulebook import RuleSet
from domain.prompts.request import PROMPT_VERSION
from domain.reoptimize.gain import (
    REST_DAYS,
    Reason,
    Signs,
    Skip,
    Wanted,
    choose_mode,
    estimate_gain,
    list_reasons,
    rate,
)
from domain.reoptimize.share import BestFew, Candidate
from domain.touchable import find_touchable
from domain.voice import Voice
from models import reoptimize_look as looks
from models.reoptimize_look import ListingSigns
from services.catalogue import build_listing
from services.deps import Deps
from services.measures import Measures, count_hard, get_rules, measure_listing
from services.mutes import list_muted
from services.submit import Wish, build_brief, job_values
from services.voice import load_voice

PAGE: Final = 200
ACCEPTED: Final = "accepted"
REFUSED_STATUSES: Final = frozenset({"rejected", "partly_accepted"})


@dataclass(frozen=True, slots=True, kw_only=True)
class DueStore:
    """A store to look at: which reasons count, which rules changed since the last look.

    ``is_first``: nobody has looked before, so the stored measures may be of older rules.
    """

    seller_id: uuid.UUID
    store_id: uuid.UUID
    channel: str
    wanted: Wanted
    changed_rules: frozenset[str]
    is_first: bool


@dataclass(slots=True)
class Tally:
    """What was seen: listings, those worth a proposal, and why the others are left alone."""

    looked_at: int = 0
    due: Counter[uuid.UUID] = field(default_factory=Counter)
    skips: Counter[Skip] = field(default_factory=Counter)


@dataclass(slots=True)
class Look:
    """One look at one store. ``refresh`` stores new measures; a dry run changes nothing."""

    deps: Deps
    store: DueStore
    few: BestFew
    tally: Tally
    refresh: bool
    voice: Voice = field(default_factory=Voice)
    mutes: Collection[str] = ()

    def run(self, may_go_on: Callable[[], bool]) -> bool:
        """Look at every listing; False when it had to stop before the last."""
        after = uuid.UUID(int=0)
        with self._read() as session:
            self.voice = load_voice(session, self.store.seller_id, self.store.channel)
            self.mutes = list_muted(session, self.store.seller_id, self.store.channel)
        while may_go_on():
            page = self._list_page(after)
            self._look_at(page)
            if len(page) < PAGE:
                return True
            after = page[-1].id
        return False

    def _read(self) -> AbstractContextManager[Session]:
        # Single statements: weighing texts takes its time, and a transaction held open meanwhile
        # would keep every dead version of a job from being cleared away.
        return self.deps.database.statements(seller=self.store.seller_id)

    def _list_page(self, after: uuid.UUID) -> list[ListingSigns]:
        store = self.store
        with self._read() as session:
            return looks.list_signs(
                session, store.seller_id, store.store_id, after=after, limit=PAGE
            )

    def _look_at(self, page: Sequence[ListingSigns]) -> None:
        self.tally.looked_at += len(page)
        asked = []
        for signs in page:
            skip = self._find_skip(signs)
            if skip is None:
                asked.append(signs)
            else:
                self.tally.skips[skip] += 1
        if asked:
            self._weigh(asked)

    def _find_skip(self, signs: ListingSigns) -> Skip | None:
        """Why the listing is left alone, as far as it shows without its text."""
        if signs.has_open:
            return Skip.OPEN_SUGGESTION
        if signs.is_busy:
            return Skip.UNDER_WAY
        if signs.suggested_days is not None and signs.suggested_days < REST_DAYS:
            return Skip.RESTING
        if self.store.changed_rules or self.store.is_first or signs.hard is None:
            return None
        if was_rejected(signs):
            return Skip.DECIDED
        return None if self._is_promising(signs) else Skip.NOTHING

    def _is_promising(self, signs: ListingSigns) -> bool:
        known = build_signs(signs, broken=frozenset({"?"} if signs.hard else ()))
        return bool(list_reasons(known, self.store.wanted, prompt_version=PROMPT_VERSION))

    def _weigh(self, asked: Sequence[ListingSigns]) -> None:
        """Read the texts, and remember those that are worth a proposal."""
        with self._read() as session:
            texts = looks.load_texts(session, self.store.seller_id, [one.id for one in asked])
        weighed = [
            self._weigh_one(signs, build_listing(texts[signs.id][1], texts[signs.id][2]))
            for signs in asked
            if signs.id in texts
        ]
        if self.refresh:
            self._refresh(weighed)
        self.tally.skips.update(one.skip for one in weighed if one.skip is not None)
        for candidate in self._without_done([one for one in weighed if one.plan is not None]):
            self.tally.due[self.store.store_id] += 1
            self.few.add(candidate)

    def _weigh_one(self, signs: ListingSigns, listing: Listing) -> Weighed:
        rules = get_rules(self.store.channel, listing, self.mutes)
        findings = check_listing(listing, rules)
        measures = self._measure(signs, listing, rules, findings)
        known = build_signs(
            signs,
            broken=frozenset(one.rule for one in findings if one.level is Level.HARD),
            score=measures.score,
            changed_rules=self.store.changed_rules,
        )
        reasons = list_reasons(known, self.store.wanted, prompt_version=PROMPT_VERSION)
        weighed = Weighed(signs=signs, measures=measures, limit=find_revision_limit(rules))
        if not reasons:
            return replace(weighed, skip=Skip.NOTHING)
        if was_rejected(signs) and Reason.RULE_CHANGED not in reasons:
            return replace(weighed, skip=Skip.DECIDED)
        wish = Wish(mode=choose_mode(known, reasons), voice=self.voice)
        brief = build_brief(listing, channel=self.store.channel, wish=wish, rules=rules)
        fields = find_touchable(brief, findings)
        if not fields:
            return replace(weighed, skip=Skip.NOTHING)
        return replace(weighed, plan=self._plan(weighed, (brief, rules, fields), reasons))

    def _plan(
        self,
        weighed: Weighed,
        work: tuple[Brief, RuleSet, tuple[str, ...]],
        reasons: tuple[Reason, ...],
    ) -> tuple[str, Candidate]:
        """The hash of the work, and what it is worth at which cost."""
        signs = weighed.signs
        brief, rules, fields = work
        subject = (signs.id, signs.revision_id)
        values = job_values(
            self.deps, brief, rules, subject=subject, lane=Lane.SCHEDULED, fields=fields
        )
        cost_pico = estimate_cost_pico(self.deps, values["est_tokens"])
        gain = estimate_gain(reasons, score=weighed.measures.score, value_minor=signs.value_minor)
        candidate = Candidate(
            listing_id=signs.id,
            revision_id=signs.revision_id,
            store_id=self.store.store_id,
            channel=self.store.channel,
            mode=brief.mode,
            reasons=reasons,
            rate=rate(gain, cost_pico),
            cost_pico=cost_pico,
        )
        return values["work_hash"], candidate

    def _measure(
        self, signs: ListingSigns, listing: Listing, rules: RuleSet, findings: Sequence[Finding]
    ) -> Measures:
        """As stored, where nothing hints at other rules since; scoring is the dear part."""
        hard = count_hard(findings)
        advice = len(findings) - hard
        if signs.score is not None and (signs.hard, signs.advice) == (hard, advice):
            return Measures(hard=hard, advice=advice, score=signs.score)
        return measure_listing(listing, rules, keywords=self.voice.keywords)

    def _refresh(self, weighed: Sequence[Weighed]) -> None:
        changed = [self._measure_values(one) for one in weighed if one.is_newly_measured]
        if changed:
            with self.deps.database.transaction(seller=self.store.seller_id) as session:
                looks.refresh_measures(session, changed)

    def _measure_values(self, one: Weighed) -> dict[str, Any]:
        return {
            "seller": self.store.seller_id,
            "listing": one.signs.id,
            "revision": one.signs.revision_id,
            "hard": one.measures.hard,
            "advice": one.measures.advice,
            "score": one.measures.score,
            "state": "hard" if one.measures.hard else "good",
        }

    def _without_done(self, weighed: Sequence[Weighed]) -> Iterator[Candidate]:
        """Leave out what was done before, and what its channel lets nobody change again today."""
        seller_id = self.store.seller_id
        plans = [(one, *one.plan) for one in weighed if one.plan is not None]
        work = [(candidate.listing_id, work_hash) for _, work_hash, candidate in plans]
        limited = [one.signs.id for one, _, _ in plans if one.limit is not None]
        with self._read() as session:
            known = looks.list_known_work(session, seller_id, work) if work else set()
            changed: Mapping[uuid.UUID, int] = {}
            if limited:
                changed = looks.count_revisions(session, seller_id, limited, day=today())
        for one, work_hash, candidate in plans:
            if work_hash in known:
                self.tally.skips[Skip.UNCHANGED] += 1
            elif one.limit is not None and changed.get(one.signs.id, 0) >= one.limit:
                self.tally.skips[Skip.REVISIONS] += 1
            else:
                yield candidate


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """A listing whose text was read: left alone (``skip``), or a ``plan``: its work, what for.

    ``limit`` is how often a day its channel lets a listing be changed.
    """

    signs: ListingSigns
    measures: Measures
    limit: int | None
    skip: Skip | None = None
    plan: tuple[str, Candidate] | None = None

    @property
    def is_newly_measured(self) -> bool:
        """Whether the stored measures are of other rules."""
        stored = (self.signs.hard, self.signs.advice)
        return stored != (self.measures.hard, self.measures.advice) or self.signs.score is None


def build_signs(
    stored: ListingSigns,
    *,
    broken: frozenset[str],
    score: float | None = None,
    changed_rules: frozenset[str] = frozenset(),
) -> Signs:
    """What is known of a listing, from its last measures where nothing newer is."""
    is_same_text = stored.base_revision_id == stored.revision_id
    refused = stored.status == "refused" and is_same_text
    return Signs(
        broken=broken,
        changed_rules=changed_rules,
        score=stored.score if score is None else score,
        source_changed=stored.origin != ACCEPTED
        and stored.asked_revision not in (None, stored.revision_id),
        refused_prompt=(stored.prompt_version or "") if refused else "",
        age_days=stored.age_days,
    )


def was_rejected(signs: ListingSigns) -> bool:
    """Whether the seller has rejected something that was proposed for this very text."""
    same = signs.base_revision_id in (signs.revision_id, signs.parent_id)
    return same and signs.base_revision_id is not None and signs.status in REFUSED_STATUSES


def find_revision_limit(rules: RuleSet) -> int | None:
    """How often a day the channel lets a listing be changed; None where it says nothing."""
    limits = (rule.limit for rule in rules.rules if rule.kind == "max_revisions_per_day")
    return min((limit for limit in limits if limit is not None), default=None)


def estimate_cost_pico(deps: Deps, tokens: int) -> int:
    """What so many tokens cost at most: all of them at the dearer output price."""
    if not tokens:
        return 0
    return cost_picousd(
        get_llm(deps.llm_model), prompt_tokens=0, cached_tokens=0, completion_tokens=tokens
    )
