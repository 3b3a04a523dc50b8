"""Caps on spending hold for the batch lane too: before a file is made, and once it is billed."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from core.ids import new_id
from core.log import get_logger
from domain.budget.values import (
    Booking,
    Cost,
    Purse,
    Reservation,
    UnknownPurseError,
)
from domain.catalogue import BATCH, cost_picousd, get_llm
from models import provider_batch_item as items
from models.provider_batch_item import WaitingJob
from services.deps import Deps
from services.llm_budget import NOT_SEEN
from services.llm_purses import ORGANISATION

log = get_logger(__name__)


@dataclass(slots=True)
class CapBook:
    """What sellers and the organisation may still spend, less what lies with the provider."""

    deps: Deps
    _left_pico: dict[str, int] = field(default_factory=dict)

    def take(self, waiting: WaitingJob) -> int | None:
        """Set aside what a job's line may cost at most (returned); None where a cap forbids it."""
        est_pico = self._estimate(waiting)
        names = [purse.name for purse in self._list_purses(waiting.job.seller_id)]
        if any(self._left_pico[name] < est_pico for name in names):
            return None
        for name in names:
            self._left_pico[name] -= est_pico
        return est_pico

    def _estimate(self, waiting: WaitingJob) -> int:
        """All of it at the dearer output price: never low."""
        return cost_picousd(
            get_llm(self.deps.llm_model),
            prompt_tokens=0,
            cached_tokens=0,
            completion_tokens=waiting.job.est_tokens,
            tier=BATCH,
        )

    def _list_purses(self, seller_id: uuid.UUID) -> list[Purse]:
        purses = list_money_purses(self.deps, seller_id)
        for purse in purses:
            if purse.name not in self._left_pico:
                self._left_pico[purse.name] = self._find_left(purse)
        return purses

    def _find_left(self, purse: Purse) -> int:
        if self.deps.door is None:
            return 0
        [told] = self.deps.door.purses.tell_spent([purse], purse.name)
        owner = None if purse.name == ORGANISATION else uuid.UUID(purse.name)
        with self.deps.database.statements(system="sum what lies with the provider") as session:
            outstanding = items.sum_outstanding(session, owner)
        periods = ((told.day_max, told.spent_day), (told.month_max, told.spent_month))
        left = min(most - (spent or 0) for most, spent in periods if most is not None)
        return left - outstanding


def list_money_purses(deps: Deps, seller_id: uuid.UUID) -> list[Purse]:
    """Those with a cap on money that pay for a seller's calls."""
    if deps.door is None:
        return []
    return [purse for purse in deps.door.purses.list_for(seller_id) if purse.has_money_cap]


def charge_purses(deps: Deps, bills: Iterable[tuple[uuid.UUID, int]]) -> None:
    """Tell the shared budget what lines have cost; (seller, picodollars) of each.

    The ledger has it already. Where the budget has forgotten a purse, or grants nothing just now,
    it will ask the ledger the next time, or know a little less until the day is over.
    """
    sums: dict[uuid.UUID, int] = defaultdict(int)
    for seller_id, picousd in bills:
        sums[seller_id] += picousd
    for seller_id, picousd in sums.items():
        purses = tuple(list_money_purses(deps, seller_id))
        if purses and deps.door is not None:
            _charge(deps, purses, picousd)


def _charge(deps: Deps, purses: tuple[Purse, ...], picousd: int) -> None:
    if deps.door is None:
        return
    cost = Cost(requests=0, input_tokens=0, output_tokens=0, picousd=picousd)
    booking = Booking(ticket=new_id().hex, cost=cost, urgent=True, purses=purses)
    try:
        booked = deps.door.budget.reserve(booking)
    except UnknownPurseError:
        return
    if isinstance(booked, Reservation):
        alerts = deps.door.budget.settle(booked, used=cost, seen=NOT_SEEN)
        deps.door.purses.note_alerts(alerts, purses)
        return
    deps.door.budget.leave(booking.ticket)
    log.info("batch_bill_not_shared", picousd=picousd, reason=booked.reason.value)
