"""Schedules of re-optimization: what each seller wants for each store, and when the next look is.

Off until a seller says otherwise: a proposal costs money, and nothing is spent unasked.
"""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass
from typing import Any

from core.clock import today
from core.errors import NotFoundError
from core.ids import new_id
from domain.marketplaces.rulebook import load_rulebook
from domain.reoptimize.schedule import (
    Cadence,
    Schedule,
    describe_rules,
    find_next_day,
    find_rule_day,
    parse_schedule,
)
from models import listing as listings
from models import schedule as schedules
from models import store as stores
from services.deps import Deps


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreSchedule:
    """A store's schedule as people see it.

    ``next_on`` is the day of the next look: by the calendar, or for ``rules`` the next day on which
    a rule of the channel begins as far as is known today; None when nothing says so.
    """

    channel: str
    every: Cadence
    age_days: int | None
    looked_on: dt.date | None
    next_on: dt.date | None

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "channel": self.channel,
            "every": self.every.value,
            "age_days": self.age_days,
            "looked_on": self.looked_on,
            "next_on": self.next_on,
        }


def get_schedule(deps: Deps, seller_id: uuid.UUID, channel: str) -> StoreSchedule:
    """The schedule of the seller's store on a channel, off where there is none.

    Raises NotFoundError for a channel we do not know.
    """
    require_channel(channel)
    with deps.database.transaction(seller=seller_id) as session:
        store = stores.find_store(session, seller_id, channel)
        row = None if store is None else schedules.find_schedule(session, seller_id, store.id)
    return _show(channel, row)


def list_schedules(deps: Deps, seller_id: uuid.UUID) -> list[StoreSchedule]:
    """The schedules of all the seller's stores that have listings."""
    known = load_rulebook().channels
    with deps.database.transaction(seller=seller_id) as session:
        found = schedules.list_schedules(session, seller_id)
    return [_show(channel, row) for _, channel, row in found if channel in known]


def put_schedule(
    deps: Deps, seller_id: uuid.UUID, channel: str, *, every: str, age_days: int | None
) -> StoreSchedule:
    """Set the schedule of the seller's store on a channel; raises NotFoundError, InvalidFieldError.

    What the rules demand today is remembered: only what changes from now on is a change.
    """
    require_channel(channel)
    wanted = parse_schedule(every, age_days)
    rules = describe_rules(load_rulebook().rules_by_channel[channel], on=today())
    with deps.database.transaction(seller=seller_id) as session:
        store_id = listings.insert_store(
            session, seller_id=seller_id, new_id=new_id(), channel=channel
        )
        schedules.put_schedule(
            session,
            seller_id,
            store_id,
            cadence=(wanted.cadence or Cadence.OFF).value,
            age_days=wanted.age_days,
            known_rules=rules,
        )
        row = schedules.find_schedule(session, seller_id, store_id)
    return _show(channel, row)


def require_channel(channel: str) -> None:
    """Raises NotFoundError for a channel we have no rules for."""
    known = load_rulebook().channels
    if channel not in known:
        raise NotFoundError(
            f"there is no channel {channel!r}.", remedy=f"Use one of: {', '.join(known)}."
        )


def _show(channel: str, row: schedules.ScheduleRow | None) -> StoreSchedule:
    every = Cadence(row.cadence) if row is not None and row.cadence else Cadence.OFF
    looked_on = None if row is None else row.looked_on
    age_days = None if row is None else row.age_days
    next_on = find_next_day(
        Schedule(cadence=every, age_days=age_days), looked_on=looked_on, today=today()
    )
    if every is Cadence.RULES:
        next_on = find_rule_day(load_rulebook().rules_by_channel[channel], after=today())
    return StoreSchedule(
        channel=channel, every=every, age_days=age_days, looked_on=looked_on, next_on=next_on
    )
