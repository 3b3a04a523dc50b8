"""Pages of listings: all of them, and one with its suggestion."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping
from typing import Any, Final

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from core.errors import InvalidFieldError
from domain.brief import Mode
from domain.marketplaces.mutes import MAX_REASON_CHARS, list_mutable
from services.catalogue import count_listings, get_listing, list_listings
from services.import_options import parse_channel
from services.submit import Order, Wish, get_job, submit_job
from web.api.cursors import format_cursor, parse_cursor
from web.auth import Access, access
from web.cache import remember
from web.context import get_deps, get_seller
from web.dashboard.pages import build_blueprint, show_page
from web.dashboard.views import Trouble, build_field_views, list_other_findings
from web.dashboard.wording import JOB_STATES, NOTHING_MENDABLE, OUTCOMES, name_of

blueprint = build_blueprint("listing_pages")

PAGE: Final = 50
COUNTS: Final = "listing-counts"
STATES: Final = ("", "suggested", "hard")
OVER: Final = frozenset({"completed", "discarded", "cancelled"})


@blueprint.get("/")
@access(Access.SESSION)
def show_home() -> Response:
    """Lead to the listings."""
    return redirect(url_for("listing_pages.show_listings"))


@blueprint.get("/listings")
@access(Access.SESSION)
def show_listings() -> str:
    """Show a page of listings, newest first."""
    deps, seller = get_deps(), get_seller()
    channel, state = parse_channel(request.args.get("channel", "")), _read_state()
    page = list_listings(
        deps,
        seller.id,
        limit=PAGE,
        after=parse_cursor(request.args.get("cursor", "")),
        channel=channel,
        state=state,
    )
    counts = remember(COUNTS, seller.id, lambda: count_listings(deps, seller.id))
    return show_page(
        "listings.html",
        listings=page.items,
        next_cursor=format_cursor(page.next_after),
        counts=counts,
        totals=_sum_counts(counts, channel),
        channel=channel,
        state=state,
        is_first="cursor" not in request.args,
    )


def _read_state() -> str:
    state = request.args.get("state", "")
    if state not in STATES:
        raise InvalidFieldError(f"there is no state {state!r}.", field="state")
    return state


def _sum_counts(counts: dict[str, dict[str, int]], channel: str) -> dict[str, int]:
    chosen = [one for name, one in counts.items() if channel in ("", name)]
    return {name: sum(one[name] for one in chosen) for name in ("listings", "suggested", "hard")}


@blueprint.get("/listings/<uuid:listing_id>")
@access(Access.SESSION)
def show_listing(listing_id: uuid.UUID) -> str:
    """Show one listing with what is proposed for it."""
    return render_listing(listing_id)


def render_listing(listing_id: uuid.UUID, *, trouble: Trouble | None = None) -> str:
    """The page of a listing; ``trouble`` is a decision that could not be taken."""
    shown = get_listing(get_deps(), get_seller().id, listing_id)
    suggestion = shown["suggestion"]
    fields = build_field_views(shown, suggestion, trouble) if suggestion else []
    return show_page(
        "listing.html",
        listing=shown,
        suggestion=suggestion,
        fields=fields,
        findings=list_other_findings(shown["findings"], fields),
        is_decided=any(one.stored["action"] for one in fields),
        open_count=sum(one.can_decide and one.stored["after"] is not None for one in fields),
        mutable=set(list_mutable(shown["channel"])),
        muted=list_muted_rules(shown),
        outdated=sorted({rule for one in fields for rule in one.outdated_by}),
        max_reason_chars=MAX_REASON_CHARS,
        trouble=trouble,
        work=_find_work(shown),
        modes=list(Mode),
    )


def list_muted_rules(shown: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The reason and the day of each muted rule that the listing breaks."""
    return {
        one["rule"]: {"reason": one["reason"], "since": dt.date.fromisoformat(one["since"])}
        for one in shown["muted"]
    }


def _find_work(shown: Mapping[str, Any]) -> dict[str, Any] | None:
    """How the job asked for on this page goes; ``?job=`` names it."""
    try:
        job_id = uuid.UUID(request.args.get("job", ""))
    except ValueError:
        return None
    job = get_job(get_deps(), get_seller().id, job_id)
    if job["listing_id"] != shown["id"]:
        return None
    work = summarize_work(job)
    left = any(one["left_alone"] and one["level"] == "hard" for one in shown["findings"])
    if left and job["outcome"] == "already_good":
        work["said"] = NOTHING_MENDABLE
    return work


def summarize_work(job: dict[str, Any]) -> dict[str, Any]:
    """A job in the page's words."""
    is_over = job["state"] in OVER
    said = name_of(OUTCOMES, job["outcome"]) if job["outcome"] else ""
    if job["error"] and job["state"] == "discarded":
        said = job["error"]["message"]
    return {
        "id": str(job["id"]),
        "state": job["state"],
        "label": name_of(JOB_STATES, job["state"]),
        "said": said,
        "over": is_over,
    }


@blueprint.post("/listings/<uuid:listing_id>/optimize")
@access(Access.SESSION)
def ask_for_suggestion(listing_id: uuid.UUID) -> ResponseReturnValue:
    """Submit a job for a listing."""
    mode = request.form.get("mode", Mode.FIX.value)
    if mode not in list(Mode):
        raise InvalidFieldError(f"there is no mode {mode!r}.", field="mode")
    order = Order(channel="", wish=Wish(mode=Mode(mode)), listing_id=listing_id)
    accepted = submit_job(get_deps(), get_seller().id, order)
    address = url_for(
        "listing_pages.show_listing", listing_id=listing_id, job=accepted.job_id, _anchor="work"
    )
    return redirect(address, code=303)


@blueprint.get("/jobs/<uuid:job_id>/progress")
@access(Access.SESSION)
def show_job_progress(job_id: uuid.UUID) -> dict[str, Any]:
    """How a job goes, for the script of the page."""
    return summarize_work(get_job(get_deps(), get_seller().id, job_id))
