"""Keeps what is counted often for a few seconds; without Redis everything is counted anew."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from cachelib.serializers import RedisSerializer
from flask import Flask, current_app
from flask_caching import Cache
from flask_caching.backends.rediscache import RedisCache
from redis.exceptions import RedisError

from core.clock import monotonic_s
from core.log import get_logger

log = get_logger(__name__)

KEEP_S: Final = 5
REST_S: Final = 10.0
"""After Redis failed, no page asks it again for so long: each would wait for the timeout."""

_TIMEOUT_S: Final = 0.25
_EXTENSION: Final = "listwright-cache"

cache = Cache()


class JsonSerializer(RedisSerializer):
    """JSON instead of pickle: what stands in Redis can be read, never run."""

    def dumps(self, value: Any, protocol: int = 0) -> bytes:  # noqa: ANN401, ARG002 - the parent's
        """To bytes."""
        return json.dumps(value).encode()

    def loads(self, bvalue: bytes | None) -> Any:  # noqa: ANN401 - the parent's signature
        """From bytes."""
        return None if bvalue is None else json.loads(bvalue)


class JsonRedisCache(RedisCache):
    """The Redis backend of flask-caching, with values as JSON."""

    serializer = JsonSerializer()


def register_cache(app: Flask, url: str) -> None:
    """Connect (lazily) to the cache's Redis; "" keeps nothing."""
    options = {"socket_timeout": _TIMEOUT_S, "socket_connect_timeout": _TIMEOUT_S}
    backend = f"{__name__}.JsonRedisCache" if url else "NullCache"
    cache.init_app(
        app,
        config={
            "CACHE_TYPE": backend,
            "CACHE_REDIS_URL": url,
            "CACHE_KEY_PREFIX": "listwright:web:",
            "CACHE_OPTIONS": options if url else {},
            "CACHE_NO_NULL_WARNING": True,
        },
    )


@dataclass(slots=True)
class _Rest:
    """Until when Redis is left alone, on the monotonic clock."""

    until_s: float = 0.0


def remember(name: str, seller_id: uuid.UUID, make: Callable[[], Any]) -> Any:  # noqa: ANN401 - JSON
    """What ``make`` returned for this seller within the last seconds; values must be JSON.

    Nothing ({}, 0, "") is not kept: whoever has just begun sees the first thing at once.
    """
    key = f"{name}:{seller_id}"
    found = _quietly(lambda: cache.get(key))
    if found is None:
        found = make()
        if found:
            _quietly(lambda: cache.set(key, found, timeout=KEEP_S))
    return found


def forget(name: str, seller_id: uuid.UUID) -> None:
    """Count anew next time: the seller has just changed something."""
    _quietly(lambda: cache.delete(f"{name}:{seller_id}"))


def _quietly(act: Callable[[], Any]) -> Any:  # noqa: ANN401 - whatever the cache holds
    rest: _Rest = current_app.extensions.setdefault(_EXTENSION, _Rest())
    if monotonic_s() < rest.until_s:
        return None
    try:
        return act()
    except (RedisError, ValueError) as fault:
        log.warning("cache_away", reason=type(fault).__name__)
        rest.until_s = monotonic_s() + REST_S
        return None
