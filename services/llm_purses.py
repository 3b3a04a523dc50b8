"""Who pays for a call: the seller's purse and the organisation's, and what each has spent."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from core.clock import monotonic_s, utc_now
from domain.alarms import Alarm, AlarmKind, AlarmLevel
from domain.budget.values import Purse, SpendAlert
from domain.catalogue import format_usd
from models import llm_call as ledger
from models import seller as sellers
from models.session import Database
from services.alarm_bell import AlarmBell

ORGANISATION: Final = "organisation"
KEPT_S: Final = 10.0
"""A seller's caps are looked up again after so long: a new cap holds within it."""

ERROR_PERCENT: Final = 90


@dataclass(slots=True)
class Purses:
    """The purses of every seller, remembered for some seconds; thread-safe."""

    database: Database
    alarms: AlarmBell
    organisation: Purse
    _kept: dict[uuid.UUID, tuple[float, Purse]] = field(default_factory=dict)

    def list_for(self, seller_id: uuid.UUID) -> tuple[Purse, ...]:
        """Those that pay for a seller's call and have a cap; the narrower one first."""
        kept_s, purse = self._kept.get(seller_id, (0.0, self.organisation))
        if monotonic_s() - kept_s > KEPT_S or seller_id not in self._kept:
            purse = self._load(seller_id)
            self._kept[seller_id] = (monotonic_s(), purse)
        return tuple(one for one in (purse, self.organisation) if one.is_capped)

    def tell_spent(self, purses: Sequence[Purse], name: str) -> tuple[Purse, ...]:
        """The same purses, the named one with what the ledger says of its day and month."""
        owner = None if name == ORGANISATION else uuid.UUID(name)
        with self.database.transaction(system="sum what was spent") as session:
            day, month = ledger.sum_spent(session, seller_id=owner)
        return tuple(
            replace(one, spent_day=day, spent_month=month) if one.name == name else one
            for one in purses
        )

    def note_alerts(self, alerts: Sequence[SpendAlert], purses: Sequence[Purse]) -> None:
        """Tell the operator that a share of a cap is spent."""
        caps = {one.name: one for one in purses}
        for alert in alerts:
            cap = caps[alert.purse]
            most = cap.day_max if alert.period == "day" else cap.month_max
            now = utc_now()
            stamp = f"{now:%Y-%m-%d}" if alert.period == "day" else f"{now:%Y-%m}"
            whose = "the organisation" if alert.purse == ORGANISATION else f"seller {alert.purse}"
            self.alarms.ring(
                Alarm(
                    kind=AlarmKind.BUDGET,
                    key=f"{alert.purse}:{stamp}:{alert.percent}",
                    message=(
                        f"{alert.percent} % of the {alert.period}'s cap of {whose} are spent"
                        f" ({format_usd(most or 0)} USD). At the cap, jobs wait."
                    ),
                    level=AlarmLevel.ERROR
                    if alert.percent >= ERROR_PERCENT
                    else AlarmLevel.WARNING,
                    details={"period": alert.period, "percent": alert.percent},
                )
            )

    def forget(self) -> None:
        """Look every seller's caps up again."""
        self._kept.clear()

    def _load(self, seller_id: uuid.UUID) -> Purse:
        with self.database.transaction(seller=seller_id) as session:
            caps = sellers.get_caps(session, seller_id)
        return Purse(
            name=str(seller_id),
            in_flight_max=caps.in_flight_max,
            day_max=caps.day_pico,
            month_max=caps.month_pico,
        )
