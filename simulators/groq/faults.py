"""Which request goes wrong, and how: by script, number, probability, or a mark in its text."""

from __future__ import annotations

import random
import re
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Fault(StrEnum):
    """Everything that can be made to go wrong."""

    NONE = "ok"
    BAD_KEY = "401"
    FORBIDDEN = "403"
    MODEL_GONE = "404"
    RATE_LIMIT = "429"
    FLEX_FULL = "498"
    SERVER_ERROR = "500"
    BAD_GATEWAY = "502"
    OVERLOADED = "503"
    SPEND_CAP = "blocked"
    JSON_VALIDATE_FAILED = "json_failed"
    HANG = "timeout"
    SLOW = "slow"
    RESET = "reset"
    LOST = "lost"
    HTML = "html"
    CUT = "cut"
    EMPTY = "empty"
    PROSE = "prose"
    LENGTH = "length"
    REFUSAL = "refusal"
    INVENT = "invent"
    LEAK = "leak"


BILLED = frozenset(
    {
        Fault.NONE,
        Fault.SLOW,
        Fault.LOST,
        Fault.CUT,
        Fault.EMPTY,
        Fault.PROSE,
        Fault.LENGTH,
        Fault.REFUSAL,
        Fault.INVENT,
        Fault.LEAK,
    }
)
"""Faults whose answer is paid for: it comes back with status 200, or (``lost``) not at all."""

_MARK = re.compile(r"\[\[fault:(\w+)(?::(\d+))?\]\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultRule:
    """``kind`` happens with ``probability``, or to the requests numbered ``first`` to ``last``."""

    kind: Fault
    probability: float = 0.0
    first: int = 0
    last: int = 0


def parse_fault(text: str) -> FaultRule:
    """Read ``KIND:0.05`` (probability), ``KIND@3`` or ``KIND@3-9`` (request numbers from 1).

    Raises ValueError with the reason.
    """
    head, numbered, numbers = text.partition("@")
    kind, _, probability = head.partition(":")
    try:
        if numbered:
            first, _, last = numbers.partition("-")
            return FaultRule(kind=Fault(kind), first=int(first), last=int(last or first))
        return FaultRule(kind=Fault(kind), probability=float(probability or 1.0))
    except ValueError as error:
        known = ", ".join(Fault)
        message = f"{text!r} is no fault: write KIND:0.05 or KIND@3 or KIND@3-9, KIND of {known}."
        raise ValueError(message) from error


def strip_marks(text: str) -> str:
    """The text without its fault marks."""
    return _MARK.sub("", text)


class FaultPlan:
    """Decides the fault of each request; the same seed and requests give the same faults."""

    def __init__(self, *, seed: int, faults: Sequence[str], script: Sequence[str]) -> None:
        self._random = random.Random(seed)
        self._lock = threading.Lock()
        self._rules = [parse_fault(text) for text in faults]
        self._script = [Fault(kind) for kind in script]
        self._requests = 0
        self._marked: Counter[str] = Counter()

    def replace(self, faults: Sequence[str]) -> None:
        """Use other rules from now on; the script and the count of requests stay."""
        rules = [parse_fault(text) for text in faults]
        with self._lock:
            self._rules = rules

    def choose(self, prompt: str) -> Fault:
        """The fault of the next request; ``prompt`` is what the user's messages say.

        A mark ``[[fault:KIND]]`` in the text wins; ``[[fault:KIND:2]]`` strikes only the first two
        requests with that text.
        """
        with self._lock:
            self._requests += 1
            marked = self._find_marked(prompt)
            if marked is not None:
                return marked
            if self._requests <= len(self._script):
                return self._script[self._requests - 1]
            return self._draw()

    def _find_marked(self, prompt: str) -> Fault | None:
        mark = _MARK.search(prompt)
        if mark is None or mark[1] not in set(Fault):
            return None
        identity = prompt[prompt.rfind('"', 0, mark.start()) : mark.end()]
        self._marked[identity] += 1
        limit = int(mark[2]) if mark[2] else None
        return None if limit is not None and self._marked[identity] > limit else Fault(mark[1])

    def _draw(self) -> Fault:
        for rule in self._rules:
            if rule.first <= self._requests <= rule.last:
                return rule.kind
        for rule in self._rules:
            if rule.probability and self._random.random() < rule.probability:
                return rule.kind
        return Fault.NONE
