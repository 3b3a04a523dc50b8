"""Makes every identifier and secret the product uses."""

from __future__ import annotations

import hashlib
import os
import secrets
import time
import uuid

_VERSION_7 = 0x7 << 76
_VARIANT_RFC = 0x2 << 62


def new_id() -> uuid.UUID:
    """A UUIDv7 (RFC 9562, section 5.7): time-ordered to the millisecond, random below that."""
    unix_ms = time.time_ns() // 1_000_000
    random_bits = int.from_bytes(os.urandom(10), "big")
    low = random_bits & ((1 << 62) - 1)
    middle = (random_bits >> 62) & 0xFFF
    return uuid.UUID(int=(unix_ms << 80) | _VERSION_7 | (middle << 64) | _VARIANT_RFC | low)


def new_secret(nbytes: int = 32) -> str:
    """URL-safe random text with ``nbytes`` of entropy."""
    return secrets.token_urlsafe(nbytes)


def hash_secret(secret: str) -> str:
    """SHA-256 in hex of a high-entropy secret; only this is stored."""
    return hashlib.sha256(secret.encode()).hexdigest()


def hash_text(text: str) -> str:
    """SHA-256 in hex, for content addressing."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
