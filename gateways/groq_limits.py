"""What Groq says of its limits: in the headers of every answer, and in the words of a 429.

Source: console.groq.com/docs/rate-limits (``-requests`` are those of the day, ``-tokens`` those of
the minute), and eight error texts quoted in public issue trackers (2024-04 to 2026-04).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from domain.budget.values import Seen

_HEADERS: Final = {"requests": "requests_per_day", "tokens": "tokens_per_minute"}
_DIMENSIONS: Final = {
    "RPM": "requests_per_minute",
    "TPM": "tokens_per_minute",
    "RPD": "requests_per_day",
    "TPD": "tokens_per_day",
    "ITPM": "input_tokens_per_minute",
    "OTPM": "output_tokens_per_minute",
}
_BREACH = re.compile(r"\((I?O?[RT]P[MD])\): Limit (\d+), Used (\d+)")


def read_limit_headers(headers: Mapping[str, str]) -> Seen:
    """Limit and use by bucket; what is missing or no number is left out."""
    seen = {}
    for kind, name in _HEADERS.items():
        limit = headers.get(f"x-ratelimit-limit-{kind}", "")
        remaining = headers.get(f"x-ratelimit-remaining-{kind}", "")
        if limit.isdecimal() and remaining.isdecimal():
            seen[name] = (int(limit), max(0, int(limit) - int(remaining)))
    return seen


def read_limit_breach(message: str) -> Seen:
    """The limit that a 429 is about; nothing when its words are not the usual ones."""
    found = _BREACH.search(message)
    if found is None or found[1] not in _DIMENSIONS:
        return {}
    return {_DIMENSIONS[found[1]]: (int(found[2]), int(found[3]))}
