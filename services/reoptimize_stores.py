"""Which stores a run of re-optimization looks at, and what their sellers still allow."""

from __future__ import annotations

import datetime as dt
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from domain.marketplaces.rulebook import load_rulebook
from domain.reoptimize.gain import Wanted
from domain.reoptimize.schedule import (
    Cadence,
    Schedule,
    describe_rules,
    is_due,
    list_changed,
)
from models import schedule as schedules
from models.llm_call import sum_spent
from models.schedule import StoreLook
from models.seller import get_caps
from services.deps import Deps
from services.reoptimize_look import DueStore
from services.reoptimize_report import StorePass

PAGE: Final = 500
_NEVER: Final = dt.datetime(2100, 1, 1, tzinfo=dt.UTC)


@dataclass(slots=True)
class DueStores:
    """The stores to look at on a day; ``everything``: whatever their schedule, but for "off"."""

    deps: Deps
    day: dt.date
    everything: bool = field(kw_only=True)

    def list_all(self, stores_left: Counter[StorePass]) -> list[DueStore]:
        """Those that wait longest first; the others are counted in ``stores_left``."""
        return list(self._iter(stores_left))

    def _iter(self, stores_left: Counter[StorePass]) -> Iterator[DueStore]:
        known = {
            channel: describe_rules(rules, on=self.day)
            for channel, rules in load_rulebook().rules_by_channel.items()
        }
        after = schedules.FIRST
        while True:
            with self.deps.database.statements(system="reoptimize") as session:
                page = schedules.list_stores(session, before=_NEVER, after=after, limit=PAGE)
            for store in page:
                changed = list_changed(store.known_rules, known.get(store.channel, {}))
                left = self._find_pass(store, changed=bool(changed))
                if left is None:
                    yield self._build_due(store, changed)
                else:
                    stores_left[left] += 1
            if len(page) < PAGE:
                return
            after = page[-1].order

    def _find_pass(self, store: StoreLook, *, changed: bool) -> StorePass | None:
        if store.paused:
            return StorePass.PAUSED
        if store.cadence == Cadence.OFF:
            return StorePass.OFF
        if self.everything:
            return None
        if store.cadence is None:
            return StorePass.UNSAID
        due = is_due(
            Schedule(cadence=Cadence(store.cadence)),
            looked_on=store.looked_on,
            today=self.day,
            rules_changed=changed,
        )
        return None if due else StorePass.NOT_DUE

    def _build_due(self, store: StoreLook, changed: frozenset[str]) -> DueStore:
        rules_only = store.cadence == Cadence.RULES and not self.everything
        return DueStore(
            seller_id=store.seller_id,
            store_id=store.store_id,
            channel=store.channel,
            wanted=Wanted(rules_only=rules_only, age_days=store.age_days),
            changed_rules=changed,
            is_first=store.known_rules is None,
        )


def find_own_budgets(deps: Deps, sellers: Iterable[uuid.UUID]) -> dict[uuid.UUID, int]:
    """What sellers who set a cap have left of their day or month, whichever is less."""
    left: dict[uuid.UUID, int] = {}
    for seller_id in sellers:
        with deps.database.statements(seller=seller_id) as session:
            caps = get_caps(session, seller_id)
            if caps.day_pico is None and caps.month_pico is None:
                continue
            day, month = sum_spent(session, seller_id=seller_id)
        most = ((caps.day_pico, day), (caps.month_pico, month))
        left[seller_id] = max(0, min(cap - spent for cap, spent in most if cap is not None))
    return left
