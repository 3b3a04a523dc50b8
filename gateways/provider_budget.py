"""The provider's limits and the sellers' caps, shared by all workers through Redis."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import OutOfMemoryError, ReadOnlyError
from redis.exceptions import TimeoutError as RedisTimeoutError

from core.clock import monotonic_s
from core.ids import new_id
from core.log import get_logger
from domain.budget.rules import SHARED
from domain.budget.values import (
    Booking,
    BudgetLimits,
    Cost,
    Purse,
    Reservation,
    Room,
    Seen,
    SpendAlert,
    Unit,
    UnknownPurseError,
    Wait,
    WaitReason,
    build_size_error,
)
from gateways.local_budget import LOCAL_PREFIX, LocalBudget

_SCRIPT = Path(__file__).with_suffix(".lua")
_ASK_AGAIN_AFTER_S: Final = 5.0
_AWAY = (RedisConnectionError, RedisTimeoutError, OutOfMemoryError, ReadOnlyError)
_OPTIONAL = ("in_flight_max", "day_max", "month_max", "spent_day", "spent_month")

log = get_logger("provider_budget")


class RedisBudget:
    """Implements ``domain.ports.ProviderBudget`` for every process that uses the same ``name``.

    ``name`` says whose budget it is (provider, organisation, model, tier); purses are the same for
    all names. While Redis is away each process goes on with ``fallback_share`` of the limits on its
    own and says so in the log; it asks Redis again every five seconds. Give ``client`` short
    timeouts. ``clock`` (seconds since 1970) stands in for Redis' own in tests.
    """

    def __init__(
        self,
        client: redis.Redis,
        *,
        name: str,
        limits: BudgetLimits,
        prefix: str = "listwright:budget",
        fallback_share: float = 0.25,
        clock: Callable[[], float] | None = None,
    ) -> None:
        # One hash tag for all: a call's bucket and its purses must meet in one slot.
        self._tag = f"{{{prefix}}}"
        self._keys = [f"{self._tag}:{name}:{part}" for part in ("state", "line", "open")]
        self._name, self._limits, self._share = name, limits, fallback_share
        self._set_up = build_set_up(limits)
        self._clock = clock
        self._script = client.register_script(_SCRIPT.read_text(encoding="utf-8"))
        self._away_lock = threading.Lock()
        self._away_until_s: float | None = None
        self._local = LocalBudget(limits=limits, share=fallback_share)

    def reserve(self, booking: Booking) -> Reservation | Wait:
        """As the port says."""
        key = new_id().hex
        asked = {"id": key, "ticket": booking.ticket, **_pack_cost(booking.cost)}
        answer = self._run("reserve", asked, purses=booking.purses, urgent=booking.urgent)
        if answer is None:
            return self._local.reserve(booking)
        return _read_answer(answer, booking, key)

    def leave(self, ticket: str) -> None:
        """As the port says."""
        self._local.leave(ticket)
        self._run("leave", {"ticket": ticket})

    def settle(self, reservation: Reservation, *, used: Cost, seen: Seen) -> list[SpendAlert]:
        """As the port says."""
        if reservation.id.startswith(LOCAL_PREFIX):
            return self._local.settle(reservation, used=used, seen=seen)
        booked = reservation.cost
        back = {unit.value: booked.count(unit) - used.count(unit) for unit in Unit}
        difference = used.picousd - booked.picousd
        tokens = {"booked_tokens": booked.tokens, "used_tokens": used.tokens}
        asked = {"id": reservation.id, "difference": difference, **tokens, **back}
        answer = self._run("settle", asked, purses=reservation.purses, seen=seen) or {}
        return [SpendAlert(**alert) for alert in answer.get("alerts", ())]

    def pause(self, seconds: float, *, seen: Seen) -> None:
        """As the port says."""
        self._local.pause(seconds, seen=seen)
        self._run("pause", {"seconds": seconds}, seen=seen)

    def measure_room(self) -> Room:
        """As the port says."""
        answer = self._run("measure", {})
        if answer is None:
            return self._local.measure_room()
        return Room(
            paused_s=float(answer["paused_s"]),
            line=int(answer["line"]),
            requests=answer["requests"],
            tokens=answer["tokens"],
            requests_per_s=answer["requests_per_s"],
            tokens_per_s=answer["tokens_per_s"],
        )

    def _run(
        self,
        operation: str,
        asked: dict[str, Any],
        *,
        purses: tuple[Purse, ...] = (),
        seen: Seen | None = None,
        urgent: bool = False,
    ) -> dict[str, Any] | None:
        """The script's answer; None while Redis is away."""
        if self._away_until_s is not None and monotonic_s() < self._away_until_s:
            return None
        keys = [*self._keys, *(key for purse in purses for key in self._name_keys(purse))]
        more = {
            "purses": [_pack_purse(one) for one in purses],
            "seen": seen or {},
            "urgent": urgent,
        }
        try:
            now = "" if self._clock is None else repr(self._clock())
            answer = self._script(
                keys=keys, args=[operation, self._set_up, json.dumps(asked | more), now]
            )
        except _AWAY as error:
            self._note_away(error)
            return None
        self._note_back()
        found: dict[str, Any] = dict(json.loads(answer))
        return found

    def _name_keys(self, purse: Purse) -> tuple[str, str]:
        return (
            f"{self._tag}:purse:{purse.name}:spend",
            f"{self._tag}:purse:{purse.name}:in_flight",
        )

    def _note_away(self, error: Exception) -> None:
        with self._away_lock:
            if self._away_until_s is None:
                # A fresh one: what it knew of an earlier outage is long untrue.
                self._local = LocalBudget(limits=self._limits, share=self._share)
                log.warning(
                    "budget_shared_no_more",
                    budget=self._name,
                    share=self._share,
                    reason=str(error),
                )
            self._away_until_s = monotonic_s() + _ASK_AGAIN_AFTER_S

    def _note_back(self) -> None:
        if self._away_until_s is None:
            return
        with self._away_lock:
            self._away_until_s = None
        log.info("budget_shared_again", budget=self._name)


def build_set_up(limits: BudgetLimits) -> str:
    """What the script must know of rules and limits, the same for every call."""
    buckets = [
        {
            "name": bucket.name,
            "unit": bucket.unit.value,
            "limit": bucket.limit,
            "whole": bucket.limit,
            "period_s": bucket.period_s,
        }
        for bucket in limits.list_buckets()
    ]
    return json.dumps({"rules": SHARED, "buckets": buckets})


def _pack_cost(cost: Cost) -> dict[str, int]:
    return {unit.value: cost.count(unit) for unit in Unit} | {"picousd": cost.picousd}


def _pack_purse(purse: Purse) -> dict[str, Any]:
    """Without what is None: Lua's JSON would take it for something."""
    told = {name: getattr(purse, name) for name in _OPTIONAL}
    return {"name": purse.name} | {name: value for name, value in told.items() if value is not None}


def _read_answer(answer: dict[str, Any], booking: Booking, key: str) -> Reservation | Wait:
    if "granted" in answer:
        return Reservation(id=key, cost=booking.cost, purses=booking.purses)
    if "unknown" in answer:
        raise UnknownPurseError(answer["unknown"])
    if "never" in answer:
        raise build_size_error(
            int(answer["needed"]), limit=int(answer["limit"]), name=answer["never"]
        )
    return Wait(
        seconds=float(answer["wait_s"]),
        reason=WaitReason(answer["reason"]),
        holds_place=bool(answer.get("holds_place")),
        purse=answer.get("purse", ""),
    )
