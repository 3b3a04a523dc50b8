"""Takes in one optimize job: the row is the promise, the message only a hint."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.clock import today
from core.errors import IdempotencyMismatchError, InvalidFieldError, NotFoundError, UnavailableError
from core.ids import hash_text, new_id
from domain.brief import Brief, EngineChoice, Mode, canonical_json
from domain.job import JobKind, JobState, Lane
from domain.listing import Listing
from domain.marketplaces.checker import check_listing
from domain.marketplaces.rulebook import RuleSet
from domain.ports import Dispatch
from domain.prompts.request import PROMPT_VERSION, build_request, estimate_request_tokens
from domain.touchable import find_touchable
from domain.voice import Voice, find_spellings
from models import brief as briefs
from models import idempotency, job_reads, provider_batch_item
from models import job as jobs
from services.catalogue import load_listing
from services.catalogue_store import Stored, get_shops, store_listings
from services.deps import Deps
from services.measures import SITE, get_rules
from services.mutes import list_muted
from services.pressure import require_room
from services.push import push_quietly
from services.voice import load_voice

DIRECT_INTERACTIVE_JOBS: Final = 4
"""A seller with so many unfinished interactive jobs waits for the fair pick like anybody else."""

ROUTE: Final = "jobs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """How a listing should be optimized.

    Equal work is answered by what was paid for before; another ``variant`` asks anew.
    """

    mode: Mode = Mode.FIX
    engine: EngineChoice = EngineChoice.AUTO
    touch: tuple[str, ...] = ()
    variant: int = 0
    voice: Voice = field(default_factory=Voice)


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """A job that was taken in; ``replayed`` when an earlier request with this key did it."""

    job_id: uuid.UUID
    state: str
    replayed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a request asks for: a listing sent along, or one we have.

    ``voice`` are wishes of this order alone, instead of those of the seller's voice.
    """

    channel: str
    wish: Wish
    listing: Listing | None = None
    listing_id: uuid.UUID | None = None
    voice: Mapping[str, Any] = field(default_factory=dict)
    idempotency_key: str = ""
    body_hash: str = ""


def submit_job(deps: Deps, seller_id: uuid.UUID, order: Order) -> Accepted:
    """Take an order in; once this returns, the job reaches a final state whatever happens.

    The same work asked for again while it is under way is the same job. Raises InvalidFieldError,
    NotFoundError, IdempotencyMismatchError, TooManyError, UnavailableError: then nothing was
    taken in.
    """
    crowded = deps.queue.is_crowded()
    with deps.database.transaction(seller=seller_id) as session:
        replayed = _find_replay(session, seller_id, order)
        if replayed is not None:
            return replayed
        require_room(deps, session, seller_id, crowded=crowded)
        job_id, state, dispatch = _insert_order(deps, session, seller_id, order)
        if order.idempotency_key:
            idempotency.insert_key(
                session,
                seller_id=seller_id,
                route=ROUTE,
                key=order.idempotency_key,
                body_hash=order.body_hash,
                response={"id": str(job_id), "state": state},
            )
    if dispatch is not None:
        push_quietly(deps, dispatch)
    else:
        deps.queue.wake_dispatcher()
    return Accepted(job_id=job_id, state=state)


def _find_replay(session: Session, seller_id: uuid.UUID, order: Order) -> Accepted | None:
    if not order.idempotency_key:
        return None
    idempotency.lock_key(session, seller_id, ROUTE, order.idempotency_key)
    earlier = idempotency.find_key(session, seller_id, ROUTE, order.idempotency_key)
    if earlier is None:
        return None
    if earlier.body_hash != order.body_hash:
        raise IdempotencyMismatchError(
            "this key was used before with another body.",
            field="Idempotency-Key",
            remedy="Use a new key for a new request.",
        )
    return Accepted(
        job_id=uuid.UUID(earlier.response["id"]), state=earlier.response["state"], replayed=True
    )


def _insert_order(
    deps: Deps, session: Session, seller_id: uuid.UUID, order: Order
) -> tuple[uuid.UUID, str, Dispatch | None]:
    listing, stored_ids, channel = _resolve_listing(session, seller_id, order)
    rules = get_rules(channel, listing, list_muted(session, seller_id, channel))
    voice = load_voice(session, seller_id, channel).with_wishes(order.voice)
    wish = replace(order.wish, voice=voice)
    brief = build_brief(listing, channel=channel, wish=wish, rules=rules)
    values = {
        **job_values(deps, brief, rules, subject=stored_ids, lane=Lane.INTERACTIVE),
        "seller_id": seller_id,
    }
    busy = job_reads.count_unfinished(session, seller_id, Lane.INTERACTIVE)
    direct = busy < DIRECT_INTERACTIVE_JOBS
    if direct:
        # Marked in the same INSERT, so that the dispatcher's next tick sends no twin.
        values |= {"dispatched_at": text("clock_timestamp()"), "dispatch_no": 1}
    briefs.insert_briefs(session, seller_id, {brief.digest: brief.to_json()})
    if jobs.insert_jobs(session, [values]):
        sent = Dispatch(values["id"], 1, Lane.INTERACTIVE) if direct else None
        return values["id"], JobState.AVAILABLE.value, sent
    provider_batch_item.hurry_work(session, seller_id, [values["work_hash"]])
    twin = job_reads.find_unfinished(session, seller_id, values["work_hash"])
    if twin is None:
        raise UnavailableError("the same work ended this moment.", remedy="Send it again.")
    return twin.id, twin.state, None


def _resolve_listing(
    session: Session, seller_id: uuid.UUID, order: Order
) -> tuple[Listing, tuple[uuid.UUID, uuid.UUID], str]:
    """The listing, its id with that of its revision, and its channel."""
    if order.listing is not None:
        shops = get_shops(session, seller_id, source=order.channel, target=order.channel)
        stored: Stored = store_listings(
            session, seller_id, shops, [order.listing], channel=order.channel, origin="api"
        )[0]
        return order.listing, (stored.listing_id, stored.revision_id), order.channel
    if order.listing_id is None:
        raise InvalidFieldError(
            "neither a listing nor a listing_id was sent.",
            field="listing",
            remedy="Send exactly one of them.",
        )
    row, listing, channel = load_listing(session, seller_id, order.listing_id)
    if order.channel and order.channel != channel:
        raise InvalidFieldError(
            f"the listing is on {channel}, not on {order.channel}.",
            field="channel",
            remedy="Leave the channel out, or name the listing's own.",
        )
    if row.current_revision_id is None:
        raise NotFoundError("there is no such listing.", field="listing_id")
    return listing, (row.id, row.current_revision_id), channel


def build_brief(listing: Listing, *, channel: str, wish: Wish, rules: RuleSet) -> Brief:
    """Freeze what a job works from; of the brands, those that the row names."""
    voice = wish.voice
    row = "\n".join([*map(listing.text, listing.fields), *listing.attributes.values()])
    return Brief(
        listing=listing,
        channel=channel,
        as_of=today(),
        rules_digest=rules.digest,
        prompt_version=PROMPT_VERSION,
        mode=wish.mode,
        engine=wish.engine,
        store=SITE,
        touch=wish.touch,
        locks=voice.locks,
        keywords=voice.keywords,
        tone=voice.tone,
        brands=tuple(brand for brand in voice.brands if find_spellings(brand, row)),
        prefer=voice.prefer,
        avoid=voice.avoid,
        mutes=tuple(rule.id for rule in rules.muted),
        style_version=voice.version,
        variant=wish.variant,
    )


def job_values(
    deps: Deps,
    brief: Brief,
    rules: RuleSet,
    *,
    subject: tuple[uuid.UUID, uuid.UUID],
    lane: Lane,
    fields: tuple[str, ...] | None = None,
) -> dict[str, Any]:
    """The columns of a new optimize job.

    ``subject`` is listing and revision; ``fields`` those to be written, None when not known yet.
    """
    if fields is None:
        fields = find_touchable(brief, check_listing(brief.listing, rules))
    listing_id, revision_id = subject
    return {
        "id": new_id(),
        "kind": JobKind.OPTIMIZE.value,
        "lane": lane.value,
        "pool": deps.pool,
        "subject_id": listing_id,
        "revision_id": revision_id,
        "brief_hash": brief.digest,
        "work_hash": hash_text(
            f"{listing_id}:{revision_id}:{brief.digest}:{choose_model(deps, brief.engine)}"
        ),
        "as_of": brief.as_of,
        "est_tokens": estimate_job_tokens(deps, brief, rules, fields),
    }


def estimate_job_tokens(deps: Deps, brief: Brief, rules: RuleSet, fields: tuple[str, ...]) -> int:
    """Tokens the first call will be charged at most; 0 when no call will be made."""
    if not fields or not uses_llm(deps, brief.engine):
        return 0
    return estimate_request_tokens(build_request(brief, rules, fields, model=deps.llm_model))


def uses_llm(deps: Deps, engine: EngineChoice) -> bool:
    """Whether a job with this choice of engine asks the language model first."""
    return engine is not EngineChoice.RULES and deps.has_llm


def choose_model(deps: Deps, engine: EngineChoice) -> str:
    """The language model a job asks first, "" when it asks none."""
    return deps.llm_model if uses_llm(deps, engine) else ""


def get_job(deps: Deps, seller_id: uuid.UUID, job_id: uuid.UUID) -> dict[str, Any]:
    """A job as the API shows it; raises NotFoundError."""
    with deps.database.transaction(seller=seller_id) as session:
        row = job_reads.find_job(session, seller_id, job_id)
    if row is None:
        raise NotFoundError("there is no such job.", field="id")
    return job_to_json(row)


def list_jobs(deps: Deps, seller_id: uuid.UUID, *, limit: int = 50) -> list[dict[str, Any]]:
    """The seller's newest jobs."""
    with deps.database.transaction(seller=seller_id) as session:
        return [
            job_to_json(row) for row in job_reads.list_seller_jobs(session, seller_id, limit=limit)
        ]


def job_to_json(row: jobs.JobRow) -> dict[str, Any]:
    """A job as people and programs see it; cost in microdollars, rounded once."""
    error: Mapping[str, str] | None = None
    if row.error_code:
        error = {"code": row.error_code, "message": row.error_detail or ""}
    return {
        "id": row.id,
        "kind": row.kind,
        "lane": row.lane,
        "state": row.state,
        "outcome": row.outcome,
        "failures": row.failures,
        "error": error,
        "listing_id": row.subject_id if row.kind == JobKind.OPTIMIZE else None,
        "suggestion_id": row.suggestion_id,
        "engine": row.engine,
        "hops": row.hops or [],
        "reused": row.reused,
        "cost_microusd": round(row.cost_pico / 1_000_000),
        "created_at": row.created_at,
        "scheduled_at": row.scheduled_at,
        "attempted_at": row.attempted_at,
        "finalized_at": row.finalized_at,
        "waits_for": row.waits_for if row.state == JobState.AVAILABLE else None,
    }


def hash_body(body: Mapping[str, Any]) -> str:
    """The fingerprint of a request's body: the same content in another order is the same."""
    return hash_text(canonical_json(body))
