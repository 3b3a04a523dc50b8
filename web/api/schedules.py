"""Schedules: when a store's listings are looked at again, for proposals and never for changes."""

from __future__ import annotations

import datetime as dt
from typing import Any

from pydantic import BaseModel, Field

from domain.reoptimize.schedule import AGE_DAYS_MAX, AGE_DAYS_MIN, Cadence
from services.schedules import get_schedule, list_schedules, put_schedule
from web.api.routes import PROBLEM_STATUSES, build_blueprint
from web.api.schemas import Input
from web.auth import Access, access
from web.context import get_deps, get_seller

blueprint = build_blueprint("schedules", tag="Stores")


class ScheduleIn(Input):
    """How often to look again. Each look only proposes; you decide on every text."""

    every: Cadence = Field(
        description="`off`; `weekly`; `monthly`; `rules`: when a rule of the channel begins or"
        " changes, and only for listings that break it."
    )
    age_days: int | None = Field(
        default=None,
        strict=True,
        ge=AGE_DAYS_MIN,
        le=AGE_DAYS_MAX,
        description="With weekly or monthly: texts this old are a reason too. Null: age is none.",
    )


class ScheduleOut(BaseModel):
    """A store's schedule. ``next_on``: the next look as far as is known today, in UTC."""

    channel: str
    every: Cadence
    age_days: int | None
    looked_on: dt.date | None
    next_on: dt.date | None


class SchedulesOut(BaseModel):
    """The schedules of your stores."""

    items: list[ScheduleOut]


@blueprint.get("/schedules")
@access(Access.KEY)
@blueprint.output(SchedulesOut)
@blueprint.doc(security="key", responses=PROBLEM_STATUSES)
def show_schedules() -> dict[str, Any]:
    """List the schedules of your stores that have listings."""
    return {"items": [one.to_json() for one in list_schedules(get_deps(), get_seller().id)]}


@blueprint.get("/stores/<channel>/schedule")
@access(Access.KEY)
@blueprint.output(ScheduleOut)
@blueprint.doc(security="key", responses=PROBLEM_STATUSES)
def show_schedule(channel: str) -> dict[str, Any]:
    """Show when your listings on a channel are looked at again: off until you say otherwise."""
    return get_schedule(get_deps(), get_seller().id, channel).to_json()


@blueprint.put("/stores/<channel>/schedule")
@access(Access.KEY)
@blueprint.input(ScheduleIn)
@blueprint.output(ScheduleOut)
@blueprint.doc(security="key", responses=PROBLEM_STATUSES)
def replace_schedule(channel: str, json_data: ScheduleIn) -> dict[str, Any]:
    """Say when your listings on a channel are looked at again."""
    return put_schedule(
        get_deps(),
        get_seller().id,
        channel,
        every=json_data.every.value,
        age_days=json_data.age_days,
    ).to_json()
