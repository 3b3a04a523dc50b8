"""Who gets how many proposals of a run: the best of each seller, shared evenly by cost."""

from __future__ import annotations

import heapq
import math
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from domain.brief import Mode
from domain.reoptimize.gain import LEAST_COST_PICO, Reason

NO_CAPS: Final[Mapping[uuid.UUID, int]] = MappingProxyType({})
KEPT_MOST: Final = 20_000
"""Candidates remembered over all sellers, beyond what the limit itself needs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A listing worth a proposal; ``rate`` is gain per dollar, ``cost_pico`` its cost at most."""

    listing_id: uuid.UUID
    revision_id: uuid.UUID
    store_id: uuid.UUID
    channel: str
    mode: Mode
    reasons: tuple[Reason, ...]
    rate: float
    cost_pico: int


def find_keep(*, limit: int, sellers: int) -> int:
    """How many candidates of each seller are worth remembering; at least their even share."""
    sellers = max(1, sellers)
    return max(-(-limit // sellers), min(limit, KEPT_MOST // sellers), 1)


@dataclass(slots=True)
class BestFew:
    """The ``keep`` best candidates of one seller, in memory that does not grow beyond them."""

    keep: int
    dropped: int = 0
    _heap: list[tuple[float, bytes, Candidate]] = field(default_factory=list)

    def add(self, candidate: Candidate) -> None:
        """Remember it if it is among the best; equal ones in the order of their ids."""
        # Ids are unique, so candidates themselves are never compared.
        entry = (candidate.rate, bytes(255 - b for b in candidate.listing_id.bytes), candidate)
        if len(self._heap) < self.keep:
            heapq.heappush(self._heap, entry)
        else:
            heapq.heappushpop(self._heap, entry)
            self.dropped += 1

    def list_best(self) -> list[Candidate]:
        """Best first."""
        return [entry[2] for entry in sorted(self._heap, reverse=True)]


def share_out(
    offers: Mapping[uuid.UUID, Sequence[Candidate]],
    *,
    limit: int,
    budget_pico: int | None = None,
    own_pico: Mapping[uuid.UUID, int] = NO_CAPS,
) -> dict[uuid.UUID, list[Candidate]]:
    """Choose at most ``limit`` for at most ``budget_pico``: each time the seller with least so far.

    ``offers`` are best first; ``own_pico`` is what sellers with a cap of their own have left. One
    that does not fit any more is left out; a cheaper one of the same seller may still fit. The same
    offers always give the same choice.
    """
    chosen: dict[uuid.UUID, list[Candidate]] = {}
    left_pico = math.inf if budget_pico is None else budget_pico
    own_left = {seller: max(0, own_pico.get(seller, math.inf)) for seller in offers}
    queues = {seller: iter(offers[seller]) for seller in sorted(offers)}
    turns = [(0, seller) for seller in queues]
    while turns and limit > 0:
        spent, seller = heapq.heappop(turns)
        most_pico = min(left_pico, own_left[seller])
        candidate = next((one for one in queues[seller] if one.cost_pico <= most_pico), None)
        if candidate is None:
            continue
        chosen.setdefault(seller, []).append(candidate)
        limit -= 1
        left_pico -= candidate.cost_pico
        own_left[seller] -= candidate.cost_pico
        heapq.heappush(turns, (spent + max(candidate.cost_pico, LEAST_COST_PICO), seller))
    return chosen
