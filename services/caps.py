"""What a seller lets us spend, shown and set; at a cap, jobs wait instead of failing."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from domain.budget.values import Caps
from models import llm_call as ledger
from models import seller as sellers
from models import spend
from services.deps import Deps


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """A seller's caps, and picodollars spent this UTC day and month."""

    caps: Caps
    day_pico: int
    month_pico: int


def get_spending(deps: Deps, seller_id: uuid.UUID) -> Spending:
    """What the seller allows, and what is spent of it."""
    with deps.database.transaction(seller=seller_id) as session:
        day, month = ledger.sum_spent(session, seller_id=seller_id)
        return Spending(caps=sellers.get_caps(session, seller_id), day_pico=day, month_pico=month)


def set_caps(deps: Deps, seller_id: uuid.UUID, caps: Caps) -> None:
    """Replace the caps; jobs that wait for one are due at once and look again.

    Workers know it within seconds (``llm_purses.KEPT_S``).
    """
    with deps.database.transaction(seller=seller_id) as session:
        sellers.set_caps(session, seller_id, caps)
        spend.wake_capped(session, seller_id)
    deps.queue.wake_dispatcher()
