"""Jobs: one listing to optimize, taken in at once and done later."""

from __future__ import annotations

import uuid
from typing import Any, Final

from flask import request, url_for
from flask.typing import ResponseReturnValue

from core.errors import InvalidFieldError
from domain.files.cells import looks_like_html
from domain.listing import LIST_FIELDS, TEXT_FIELDS, Listing, TextValue
from services.intervene import SELLER, cancel_job, retry_job
from services.submit import Accepted, Order, Wish, get_job, hash_body, list_jobs, submit_job
from web.api.routes import POLL_S, PROBLEM_STATUSES, build_blueprint
from web.api.schemas import (
    AcceptedOut,
    JobIn,
    JobOut,
    JobsOut,
    ListingIn,
    PageQuery,
    refuse_control,
)
from web.auth import Access, access
from web.context import get_deps, get_seller

blueprint = build_blueprint("jobs", tag="Jobs")

IDEMPOTENCY_HEADER: Final = "Idempotency-Key"
MAX_KEY_CHARS: Final = 255


@blueprint.post("/jobs")
@access(Access.KEY)
@blueprint.input(JobIn)
@blueprint.output(AcceptedOut, status_code=202)
@blueprint.doc(security="key", responses=[*PROBLEM_STATUSES, 413])
def create_job(json_data: JobIn) -> ResponseReturnValue:
    """Optimize one listing.

    Answers 202 once the job is stored; from then on it reaches a final state whatever happens.
    With an `Idempotency-Key` header a repeated request gets the same answer and no second job.
    """
    accepted = submit_job(get_deps(), get_seller().id, build_order(json_data))
    return build_accepted(accepted)


def build_order(sent: JobIn) -> Order:
    """What the request asks for, in the services' words."""
    return Order(
        channel=sent.channel.value if sent.channel else "",
        wish=Wish(
            mode=sent.mode,
            engine=sent.engine,
            touch=tuple(sent.fields),
            variant=sent.variant,
        ),
        voice=_read_voice(sent),
        listing=None if sent.listing is None else build_listing(sent.listing),
        listing_id=sent.listing_id,
        idempotency_key=read_idempotency_key(),
        body_hash=hash_body(sent.model_dump(mode="json", exclude_unset=True)),
    )


def _read_voice(sent: JobIn) -> dict[str, Any]:
    said = sent.voice.model_dump(exclude_unset=True) if sent.voice else {}
    return said | ({"keywords": sent.keywords} if sent.keywords else {})


def build_listing(sent: ListingIn) -> Listing:
    """The listing as a value; fields that were not sent do not exist on it."""
    fields: dict[str, TextValue] = {}
    for name in TEXT_FIELDS:
        value = getattr(sent, name)
        if value is not None:
            fields[name] = tuple(value) if name in LIST_FIELDS else value
    given = {"sku": sent.sku} | ({"brand": sent.brand} if sent.brand else {})
    return Listing(
        key=sent.sku,
        fields=fields,
        attributes={**sent.attributes, **given},
        html_fields=_find_html(sent, fields),
    )


def _find_html(sent: ListingIn, fields: dict[str, TextValue]) -> frozenset[str]:
    if sent.html_fields is not None:
        return frozenset(sent.html_fields) & frozenset(fields)
    return frozenset(
        name for name, value in fields.items() if isinstance(value, str) and looks_like_html(value)
    )


def read_idempotency_key() -> str:
    """The header's value, "" when there is none; raises InvalidFieldError."""
    key = request.headers.get(IDEMPOTENCY_HEADER, "").strip()
    try:
        refuse_control(key)
    except ValueError as fault:
        raise InvalidFieldError(str(fault), field=IDEMPOTENCY_HEADER) from None
    if len(key) > MAX_KEY_CHARS:
        raise InvalidFieldError(
            f"the key is longer than {MAX_KEY_CHARS} characters.",
            field=IDEMPOTENCY_HEADER,
            remedy="Use a shorter one, a UUID for example.",
        )
    return key


def build_accepted(accepted: Accepted) -> ResponseReturnValue:
    """The answer to a job that was taken in, now or by an earlier request with the same key."""
    headers = {
        "Location": url_for("jobs.show_job", job_id=accepted.job_id),
        "Retry-After": str(POLL_S),
    }
    if accepted.replayed:
        headers["Idempotency-Replayed"] = "true"
    return {"id": accepted.job_id, "state": accepted.state}, 202, headers


@blueprint.get("/jobs")
@access(Access.KEY)
@blueprint.input(PageQuery, location="query")
@blueprint.output(JobsOut)
@blueprint.doc(security="key", responses=PROBLEM_STATUSES)
def show_jobs(query_data: PageQuery) -> dict[str, Any]:
    """List the newest jobs."""
    return {"items": list_jobs(get_deps(), get_seller().id, limit=query_data.limit)}


@blueprint.get("/jobs/<uuid:job_id>")
@access(Access.KEY)
@blueprint.output(JobOut)
@blueprint.doc(security="key", responses=PROBLEM_STATUSES)
def show_job(job_id: uuid.UUID) -> dict[str, Any]:
    """Show one job."""
    return get_job(get_deps(), get_seller().id, job_id)


@blueprint.post("/jobs/<uuid:job_id>/cancel")
@access(Access.KEY)
@blueprint.output(AcceptedOut, status_code=202)
@blueprint.doc(security="key", responses=[*PROBLEM_STATUSES, 409])
def cancel(job_id: uuid.UUID) -> ResponseReturnValue:
    """Cancel a job. One that waits never starts; one that runs ends at its next step.

    The job that reads an import takes the import with it.
    """
    state = cancel_job(get_deps(), job_id, seller_id=get_seller().id, actor=SELLER)
    return build_accepted(Accepted(job_id=job_id, state=state))


@blueprint.post("/jobs/<uuid:job_id>/retry")
@access(Access.KEY)
@blueprint.output(AcceptedOut, status_code=202)
@blueprint.doc(security="key", responses=[*PROBLEM_STATUSES, 409])
def retry(job_id: uuid.UUID) -> ResponseReturnValue:
    """Run a discarded job once more, with all its attempts."""
    deps, seller = get_deps(), get_seller()
    retry_job(deps, job_id, seller_id=seller.id, actor=SELLER)
    state = get_job(deps, seller.id, job_id)["state"]
    return build_accepted(Accepted(job_id=job_id, state=state))
