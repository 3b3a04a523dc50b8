"""The worker process with Dramatiq's own consumer, to compare with."""

from __future__ import annotations

from dramatiq.brokers.redis import RedisBroker

from gateways.bell import BellBroker

BellBroker.consumer_class = RedisBroker.consumer_class  # type: ignore[method-assign]

from workers.main import broker  # noqa: E402

__all__ = ["broker"]
