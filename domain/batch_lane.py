"""The batch lane: calls handed to the provider in files, at half price, within a day.

Facts: Groq's Batch API costs half of the synchronous prices, does not touch the rate limits, and
answers within the window asked for, 24 hours to 7 days (console.groq.com/docs/batch, read 2026-09).
Whether its discount and that for cached prompts add up is not published: they are taken not to.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from domain.ports import LlmReply, LlmRequest

MAX_FILE_BYTES: Final = 20_000_000
"""Groq takes 100 MB; smaller files are surer to arrive, and fit into a worker's memory."""

MAX_FILE_LINES: Final = 10_000

RECALL_SHARE: Final = 0.8
"""At this share of the window the rest is recalled, and sent on demand."""

FALLBACK_SHARE: Final = 0.9
"""At this share a waiting job becomes due by itself, even if nobody works the lane any more."""

_NAME: Final = "listwright-"
_HASH_CHARS: Final = 16


class Speed(StrEnum):
    """How soon a seller wants an import: ``now``, or by tomorrow at half the price."""

    NOW = "now"
    BATCH = "batch"


class WaitsFor(StrEnum):
    """What a job of the batch lane waits for: to be put into a file, or for the answer."""

    BATCH = "batch"
    ANSWER = "answer"


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchStatus:
    """A batch as the provider sees it; ``error`` says why it failed as a whole."""

    id: str
    status: str
    output_file_id: str = ""
    error_file_id: str = ""
    error: str = ""

    @property
    def is_over(self) -> bool:
        """Whether its files will not grow any more."""
        return self.status in {"completed", "failed", "expired", "cancelled"}


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchAnswer:
    """One line of an output or error file; ``reply`` is None where there is no answer."""

    custom_id: str
    reply: LlmReply | None
    error: str = ""


class BatchProvider(Protocol):
    """A service that takes calls in files.

    Every method is one call, without retries. Raises BatchUnavailableError when the plan does not
    allow batches, else as LanguageModel.complete does.
    """

    def write_line(self, custom_id: str, request: LlmRequest) -> bytes:
        """A call as a line of a file; makes no call."""
        ...

    def upload(self, name: str, body: bytes) -> str:
        """Store a file; its id."""
        ...

    def find_file(self, name: str) -> str:
        """The id of the file stored under a name, "" when there is none."""
        ...

    def create(self, file_id: str, *, label: str, window_h: int) -> BatchStatus:
        """Submit a stored file; ``label`` is what ``find`` knows it by."""
        ...

    def find(self, label: str, *, file_id: str) -> BatchStatus | None:
        """The batch with this label, or else made from this file."""
        ...

    def get(self, batch_id: str) -> BatchStatus:
        """How far it is."""
        ...

    def cancel(self, batch_id: str) -> None:
        """Ask the provider to stop; what is done by then stays, and is billed."""
        ...

    def read_answers(self, file_id: str) -> Iterator[BatchAnswer]:
        """The lines of an output or error file."""
        ...

    def delete_file(self, file_id: str) -> None:
        """Have the provider forget a file."""
        ...

    def close(self) -> None:
        """Close the connections."""
        ...


def build_custom_id(job_id: uuid.UUID, *, claim_no: int, request_hash: str) -> str:
    """What names a line: job, attempt and the beginning of the request's hash."""
    return f"{job_id}.{claim_no}.{request_hash[:_HASH_CHARS]}"


def build_file_name(batch_id: uuid.UUID) -> str:
    """What names a file at the provider, so that it is found again after a crash."""
    return f"{_NAME}{batch_id}.jsonl"
