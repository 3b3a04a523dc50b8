"""The page of schedules: one form for each store."""

from __future__ import annotations

from flask import make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue

from core.errors import InvalidFieldError
from domain.reoptimize.schedule import AGE_DAYS_MAX, AGE_DAYS_MIN, Cadence
from services.schedules import list_schedules, put_schedule
from web.auth import Access, access
from web.context import get_deps, get_seller
from web.dashboard.pages import build_blueprint, show_page

blueprint = build_blueprint("schedule_pages")


@blueprint.get("/schedules")
@access(Access.SESSION)
def show_schedules() -> str:
    """Show when each store is looked at again."""
    return _render(channel="", fault=None)


def _render(*, channel: str, fault: InvalidFieldError | None) -> str:
    return show_page(
        "schedules.html",
        schedules=list_schedules(get_deps(), get_seller().id),
        cadences=list(Cadence),
        age_min=AGE_DAYS_MIN,
        age_max=AGE_DAYS_MAX,
        wrong=channel,
        fault=fault,
        sent=request.form,
    )


@blueprint.post("/schedules/<channel>")
@access(Access.SESSION)
def save_schedule(channel: str) -> ResponseReturnValue:
    """Set the schedule of one store."""
    try:
        put_schedule(
            get_deps(),
            get_seller().id,
            channel,
            every=request.form.get("every", ""),
            age_days=_read_age(request.form.get("age_days", "")),
        )
    except InvalidFieldError as fault:
        return make_response(_render(channel=channel, fault=fault), fault.http_status)
    return redirect(url_for("schedule_pages.show_schedules", notice="scheduled"), code=303)


def _read_age(text: str) -> int | None:
    typed = text.strip()
    if not typed:
        return None
    if not typed.isascii() or not typed.isdigit() or len(typed) > len(str(AGE_DAYS_MAX)):
        raise InvalidFieldError(
            f"{typed[:20]!r} is no number of days.",
            field="age_days",
            remedy=f"Use {AGE_DAYS_MIN} to {AGE_DAYS_MAX} days, or leave it empty.",
        )
    return int(typed)
