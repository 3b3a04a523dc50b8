"""What the operator has to hear of: kinds of alarms, how bad each is, how often it may repeat."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final


class AlarmLevel(StrEnum):
    """How soon somebody should look."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class AlarmKind(StrEnum):
    """What happened; ``WINDOWS_S`` says how long the same alarm is not raised anew."""

    PROVIDER_REFUSED = "provider_refused"
    BREAKER_OPENED = "breaker_opened"
    BREAKER_CLOSED = "breaker_closed"
    MODEL_RETIRED = "model_retired"
    PRICE_DRIFT = "price_drift"
    BUDGET = "budget"
    DEAD_LETTERS = "dead_letters"
    NO_WORKERS = "no_workers"
    REPLICAS = "replicas"


HOUR_S: Final = 3600.0
WINDOWS_S: Final[Mapping[AlarmKind, float]] = {
    AlarmKind.PROVIDER_REFUSED: HOUR_S,
    AlarmKind.BREAKER_OPENED: 600.0,
    AlarmKind.BREAKER_CLOSED: 600.0,
    AlarmKind.MODEL_RETIRED: 24 * HOUR_S,
    AlarmKind.PRICE_DRIFT: 24 * HOUR_S,
    # The key names the share and its day or month, so that once is enough.
    AlarmKind.BUDGET: 31 * 24 * HOUR_S,
    AlarmKind.DEAD_LETTERS: HOUR_S,
    AlarmKind.NO_WORKERS: HOUR_S,
    AlarmKind.REPLICAS: HOUR_S,
}
"""Within it an alarm of the same kind and key only raises the count of the first one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """One thing to tell the operator.

    ``key`` names what it is about (a model, a seller's budget): alarms of the same kind and key are
    the same alarm. ``message`` is one sentence for people, with the remedy where there is one.
    ``details`` is JSON and holds no listing text and no secret.
    """

    kind: AlarmKind
    key: str
    message: str
    level: AlarmLevel = AlarmLevel.WARNING
    details: Mapping[str, Any] = field(default_factory=dict)
