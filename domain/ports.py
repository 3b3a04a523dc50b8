"""The ports: what the product needs of the outside world, said without naming any library."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from domain.alarms import Alarm
from domain.budget.values import Booking, Cost, Reservation, Room, Seen, SpendAlert, Wait
from domain.job import Lane


@dataclass(frozen=True, slots=True, kw_only=True)
class LlmRequest:
    """One call to a language model.

    ``messages`` are role/content pairs; ``schema`` is a JSON schema in Groq's strict subset.
    """

    model: str
    messages: tuple[Mapping[str, str], ...]
    schema_name: str
    schema: Mapping[str, Any]
    max_completion_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LlmReply:
    """What came back, with what it cost in tokens and the provider's own id of the call.

    ``seen`` is what the provider said of its limits with the answer.
    """

    text: str
    model: str
    finish_reason: str
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    provider_request_id: str
    reasoning_tokens: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    seen: Seen = field(default_factory=dict)


class LanguageModel(Protocol):
    """A service that writes text."""

    def complete(self, request: LlmRequest, *, timeout_s: float) -> LlmReply:
        """Ask once, without retries.

        Raises LlmTransientError, LlmRefusedError, LlmRequestError (core.errors). An empty or cut
        answer is returned as it is: it was billed, so the caller records it before judging it.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedLlm:
    """A model as its provider lists it; prices are picodollars per token, None where not told."""

    id: str
    active: bool = True
    context_tokens: int | None = None
    max_output_tokens: int | None = None
    price_in: int | None = None
    price_cached: int | None = None
    price_out: int | None = None


class ModelList(Protocol):
    """What a provider offers just now."""

    def list_models(self, *, timeout_s: float) -> list[ListedLlm]:
        """Ask once; raises the errors of LanguageModel.complete."""
        ...


class ProviderBudget(Protocol):
    """What the provider and the purses allow, booked before a call and settled after it."""

    def reserve(self, booking: Booking) -> Reservation | Wait:
        """Book one call, or say how long to wait before asking again.

        A Wait that ``holds_place`` keeps the ticket's place in the line until some seconds after
        its turn. Raises LlmRequestError for a call larger than a whole period's limit, and
        UnknownPurseError where the purse must come with what the ledger says it has spent.
        """
        ...

    def leave(self, ticket: str) -> None:
        """Give a place in the line back."""
        ...

    def settle(self, reservation: Reservation, *, used: Cost, seen: Seen) -> list[SpendAlert]:
        """Give back what was booked and not used, once; shares of caps that are now passed.

        ``seen`` is the provider's own count, where its answer told it: we never stay above what it
        says is left.
        """
        ...

    def pause(self, seconds: float, *, seen: Seen) -> None:
        """No reservation is granted for so long (the provider answered 429)."""
        ...

    def measure_room(self) -> Room:
        """What could be granted now, for whoever decides how much work to admit."""
        ...


@dataclass(frozen=True, slots=True)
class Dispatch:
    """One message to send: the job and the how-manieth time it is sent.

    ``alone``: it runs in a process of its own, because it may have killed the others.
    """

    job_id: uuid.UUID
    dispatch_no: int
    lane: Lane
    alone: bool = False


class JobQueue(Protocol):
    """The road: carries job ids to workers. Losing everything on it loses no job."""

    def push(self, dispatches: Sequence[Dispatch]) -> None:
        """Send messages in one round trip; raises UnavailableError when the road is closed."""
        ...

    def find_missing(self, dispatches: Sequence[Dispatch]) -> list[Dispatch]:
        """Those whose message is no longer on the road."""
        ...

    def read_epoch(self) -> str:
        """What names this road: another name says that all messages before were lost.

        Raises UnavailableError when the road is closed.
        """
        ...

    def is_crowded(self) -> bool:
        """Whether the road is so full that nothing new should be taken in; False if unknown."""
        ...

    def count_messages(self) -> Mapping[Lane, int]:
        """Messages by lane, those in workers' hands included; raises UnavailableError."""
        ...

    def wake_dispatcher(self) -> None:
        """Say that there are jobs to choose from; silent when the road is closed."""
        ...

    def wait_for_wake(self) -> bool:
        """Wait about a second at most for ``wake_dispatcher``; whether it came."""
        ...

    def ping(self) -> None:
        """Raises UnavailableError when the road is closed."""
        ...

    def delete_all(self) -> None:
        """Take everything of this pool off the road."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaCount:
    """How many replicas are asked for and how many run; None where that is not known.

    ``busy`` says why no change may be made just now (a deployment is under way), "" when one may.
    """

    asked: int | None
    running: int | None = None
    busy: str = ""


class ReplicaTarget(Protocol):
    """What sets the number of worker replicas.

    ``name`` is unique to what is scaled: one scaler leads for each name. ``read_every_s`` is how
    old a reading may become before it is made anew; every reading may cost something.
    """

    @property
    def name(self) -> str:
        """Which adapter, and what of it."""
        ...

    @property
    def read_every_s(self) -> float:
        """Seconds."""
        ...

    def check(self) -> None:
        """Ask once whether this is the right target; raises SettingsError when it is not.

        Raises UnavailableError when nobody answers.
        """
        ...

    def read(self) -> ReplicaCount:
        """How many there are now; raises UnavailableError, UnauthorizedError, ConflictError."""
        ...

    def write(self, replicas: int) -> None:
        """Ask for that many; raises as ``read`` does."""
        ...


class AlarmHook(Protocol):
    """Where alarms go besides the database and the log."""

    def post(self, alarm: Alarm) -> None:
        """Have it sent; returns at once and raises nothing."""
        ...
