"""What a job is: its states, the moves between them, lanes and kinds."""

from __future__ import annotations

import random
from enum import StrEnum


class JobState(StrEnum):
    """Where a job stands (the words of River and Oban)."""

    AVAILABLE = "available"
    RUNNING = "running"
    RETRYABLE = "retryable"
    COMPLETED = "completed"
    DISCARDED = "discarded"
    CANCELLED = "cancelled"


PENDING = (JobState.AVAILABLE, JobState.RETRYABLE)
FINAL = (JobState.COMPLETED, JobState.DISCARDED, JobState.CANCELLED)

MOVES: dict[JobState, frozenset[JobState]] = {
    JobState.AVAILABLE: frozenset({JobState.RUNNING, JobState.CANCELLED}),
    JobState.RETRYABLE: frozenset({JobState.RUNNING, JobState.CANCELLED}),
    JobState.RUNNING: frozenset(
        {
            JobState.AVAILABLE,
            JobState.RETRYABLE,
            JobState.COMPLETED,
            JobState.DISCARDED,
            JobState.CANCELLED,
        }
    ),
    JobState.COMPLETED: frozenset(),
    JobState.DISCARDED: frozenset({JobState.AVAILABLE}),
    JobState.CANCELLED: frozenset(),
}
"""Every legal move; a discarded job comes back only when a person retries it."""


class Outcome(StrEnum):
    """What a completed optimize job came to, apart from its state."""

    IMPROVED = "improved"
    ALREADY_GOOD = "already_good"
    PARTLY_REFUSED = "partly_refused"
    REFUSED = "refused"
    RULES_FALLBACK = "rules_fallback"


class Lane(StrEnum):
    """Which line a job waits in."""

    INTERACTIVE = "interactive"
    BULK = "bulk"
    SCHEDULED = "scheduled"
    FILES = "files"


class JobKind(StrEnum):
    """What a job does."""

    OPTIMIZE = "optimize"
    IMPORT = "import"
    REMEASURE = "remeasure"
    """Measure a store's listings anew: its rules or search terms have changed."""
    ACCEPT = "accept"
    """Accept every open suggestion of an import."""


MAX_ATTEMPTS = 5
MAX_CRASHES = 2
"""A job that was running in this many processes that died is under suspicion.

From then on it runs alone, in a process of its own; at the next death it is discarded.
"""


def retry_delay_s(failures: int, *, jitter: float | None = None) -> float:
    """Seconds before the next try after ``failures`` failures (>= 1): 2 s doubling to 5 min.

    ``jitter`` in [0, 1) spreads the tries over the second half of the interval.
    """
    spread = random.random() if jitter is None else jitter  # noqa: S311 - not a secret
    ceiling: float = min(300.0, 2.0 * 2 ** (failures - 1))
    return ceiling / 2 + spread * ceiling / 2
