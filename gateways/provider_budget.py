"""The provider's requests and tokens per minute, shared by all workers through Redis."""

from __future__ import annotations

import threading
from pathlib import Path

import redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import OutOfMemoryError, ReadOnlyError
from redis.exceptions import TimeoutError as RedisTimeoutError

from core.clock import monotonic_s
from core.ids import new_id
from core.log import get_logger
from domain.ports import Reservation
from gateways.local_budget import LOCAL_PREFIX, LocalBudget, require_fit

_SCRIPT = Path(__file__).with_suffix(".lua")
_ASK_AGAIN_AFTER_S = 5.0
_AWAY = (RedisConnectionError, RedisTimeoutError, OutOfMemoryError, ReadOnlyError)

log = get_logger("provider_budget")


class RedisBudget:
    """Implements ``domain.ports.ProviderBudget`` for every process that uses the same ``name``.

    ``name`` says whose budget it is (provider, organisation, model). While Redis is away each
    process goes on with ``fallback_share`` of the limits on its own and says so in the log; it asks
    Redis again every five seconds. Give ``client`` short timeouts.
    """

    def __init__(
        self,
        client: redis.Redis,
        *,
        name: str,
        requests_per_minute: int,
        tokens_per_minute: int,
        prefix: str = "listwright:budget",
        fallback_share: float = 0.25,
    ) -> None:
        tag = f"{{{prefix}:{name}}}"
        self._keys = (f"{tag}:state", f"{tag}:open")
        self._name = name
        self._limits = (requests_per_minute, tokens_per_minute)
        self._script = client.register_script(_SCRIPT.read_text(encoding="utf-8"))
        self._local = LocalBudget(
            requests_per_minute=requests_per_minute,
            tokens_per_minute=tokens_per_minute,
            share=fallback_share,
        )
        self._away_lock = threading.Lock()
        self._away_until_s: float | None = None

    def reserve(self, *, tokens: int) -> Reservation | float:
        """Book one request of ``tokens``, or say how many seconds to wait.

        Raises LlmRequestError for more tokens than a whole minute has.
        """
        require_fit(tokens, tokens_per_minute=self._limits[1])
        wanted = Reservation(new_id().hex, tokens)
        wait_s = self._run("reserve", booking=wanted)
        if wait_s is None:
            return self._local.reserve(tokens=tokens)
        return wait_s if wait_s > 0 else wanted

    def settle(self, reservation: Reservation, *, used_tokens: int) -> None:
        """Give back what was not used, once; ``used_tokens`` 0 gives the request back too."""
        if reservation.id.startswith(LOCAL_PREFIX):
            self._local.settle(reservation, used_tokens=used_tokens)
        else:
            self._run("settle", booking=reservation, amount=used_tokens)

    def pause(self, seconds: float) -> None:
        """Grant nothing to anybody for so long."""
        self._local.pause(seconds)
        self._run("pause", amount=seconds)

    def _run(
        self, operation: str, *, booking: Reservation | None = None, amount: float = 0
    ) -> float | None:
        """The script's answer; None while Redis is away."""
        if self._away_until_s is not None and monotonic_s() < self._away_until_s:
            return None
        booked = booking or Reservation("", 0)
        try:
            answer = float(
                self._script(
                    keys=self._keys,
                    args=[operation, *self._limits, booked.id, booked.tokens, amount],
                )
            )
        except _AWAY as error:
            self._note_away(error)
            return None
        self._note_back()
        return answer

    def _note_away(self, error: Exception) -> None:
        with self._away_lock:
            if self._away_until_s is None:
                log.warning("budget_shared_no_more", budget=self._name, reason=str(error))
            self._away_until_s = monotonic_s() + _ASK_AGAIN_AFTER_S

    def _note_back(self) -> None:
        if self._away_until_s is None:
            return
        with self._away_lock:
            self._away_until_s = None
        log.info("budget_shared_again", budget=self._name)
