"""Prompt caching: whole blocks of a conversation's beginning that were seen lately."""

from __future__ import annotations

import hashlib
import threading
from typing import Final

from simulators.groq.tokens import BYTES_PER_TOKEN

BLOCK_TOKENS: Final = 128
LEAST_TOKENS: Final = 1_024
"""Not published; assumed to be as elsewhere."""

LIFE_S: Final = 7_200.0
_MOST_BLOCKS: Final = 200_000


class PrefixCache:
    """Remembers the blocks of every conversation, each with all that stands before it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen_s: dict[bytes, float] = {}

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._seen_s.clear()

    def take_in(self, model: str, conversation: str, *, now_s: float) -> int:
        """Tokens of the beginning that were there already; the whole is there from now on."""
        blocks = _hash_blocks(model, conversation)
        found = 0
        with self._lock:
            for digest in blocks:
                seen_s = self._seen_s.get(digest)
                if seen_s is None or now_s - seen_s >= LIFE_S:
                    break
                found += 1
            for digest in blocks:
                self._seen_s.pop(digest, None)
                self._seen_s[digest] = now_s
            while len(self._seen_s) > _MOST_BLOCKS:
                del self._seen_s[next(iter(self._seen_s))]
        tokens = found * BLOCK_TOKENS
        return tokens if tokens >= LEAST_TOKENS else 0


def _hash_blocks(model: str, conversation: str) -> list[bytes]:
    size = int(BLOCK_TOKENS * BYTES_PER_TOKEN)
    content = conversation.encode("utf-8", "surrogatepass")
    state = hashlib.blake2b(model.encode(), digest_size=16)
    digests = []
    for start in range(0, len(content) - size + 1, size):
        state.update(content[start : start + size])
        digests.append(state.digest())
    return digests
