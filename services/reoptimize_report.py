"""What a run of re-optimization saw, chose and left alone, in figures and in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final, TypeVar

from domain.reoptimize.gain import Reason, Skip

T = TypeVar("T", bound=StrEnum)


class StorePass(StrEnum):
    """Why a store is not looked at."""

    OFF = "off"
    UNSAID = "unsaid"
    NOT_DUE = "not_due"
    PAUSED = "paused"
    TIME_UP = "time_up"


REASON_WORDS: Final[Mapping[Reason, str]] = MappingProxyType(
    {
        Reason.RULE_CHANGED: "break a rule that took effect or changed since the last look",
        Reason.HARD: "break a rule",
        Reason.SOURCE_CHANGED: "have another text than the one that was worked on",
        Reason.OLDER_PROMPT: "were refused under an older prompt",
        Reason.LOW_SCORE: "have a low score",
        Reason.AGE: "are as old as their seller wants them looked at again",
    }
)
SKIP_WORDS: Final[Mapping[Skip, str]] = MappingProxyType(
    {
        Skip.NOTHING: "keep the rules, or have nothing that may be changed",
        Skip.UNCHANGED: "unchanged since this very work was done: nothing to ask, 0 calls",
        Skip.OPEN_SUGGESTION: "wait for their seller's decision",
        Skip.UNDER_WAY: "have a job under way",
        Skip.DECIDED: "were rejected by their seller for this text",
        Skip.RESTING: "had a proposal in the last two days",
        Skip.REVISIONS: "were changed as often today as their channel allows",
        Skip.BEYOND: "are worth less than what fits into limit and budget: next time",
        Skip.OUT_OF_BUDGET: "belong to sellers whose own budget is spent",
        Skip.GONE: "were changed or asked for meanwhile",
    }
)
STORE_WORDS: Final[Mapping[StorePass, str]] = MappingProxyType(
    {
        StorePass.UNSAID: "have no schedule (--all looks at them too)",
        StorePass.OFF: "are switched off by their seller",
        StorePass.NOT_DUE: "are not due today (--all looks at them too)",
        StorePass.PAUSED: "belong to paused sellers",
        StorePass.TIME_UP: "were not reached in time: they come first next time",
    }
)


@dataclass(slots=True)
class Summary:
    """What a run did. ``cost_pico`` is what the submitted jobs cost at most.

    ``reasons`` count each submitted listing once for each of its reasons. ``troubles`` say what
    went wrong, ``busy`` that another run was under way, so that this one did nothing.
    """

    dry_run: bool = False
    busy: bool = False
    stores: int = 0
    stores_left: Counter[StorePass] = field(default_factory=Counter)
    looked_at: int = 0
    due: int = 0
    submitted: int = 0
    sellers: int = 0
    cost_pico: int = 0
    reasons: Counter[Reason] = field(default_factory=Counter)
    skips: Counter[Skip] = field(default_factory=Counter)
    troubles: list[str] = field(default_factory=list)

    @property
    def cost_microusd(self) -> int:
        """Microdollars, rounded once."""
        return round(self.cost_pico / 1_000_000)

    @property
    def exit_code(self) -> int:
        """0 done, 1 some trouble, 3 another run is under way."""
        return 3 if self.busy else 1 if self.troubles else 0

    def __str__(self) -> str:
        """One line for the log of a cron service."""
        if self.busy:
            return "another run is under way: nothing done"
        did = "would submit" if self.dry_run else "submitted"
        cost = f" (at most ${self.cost_pico / 1e12:.4f})" if self.cost_pico else ""
        line = f"looked at {self.looked_at}, due {self.due}, {did} {self.submitted}{cost}"
        return "; ".join([line, *self.troubles])

    def list_lines(self) -> list[str]:
        """Why what was chosen was chosen, and why the rest was left alone."""
        lines = [f"  {n:>7,}  {REASON_WORDS[why]}" for why, n in _ordered(self.reasons)]
        if lines:
            lines.insert(0, "chosen, because they")
        left = [f"  {n:>7,}  {SKIP_WORDS[why]}" for why, n in _ordered(self.skips)]
        stores = [f"  {n:>7,}  {STORE_WORDS[why]}" for why, n in _ordered(self.stores_left)]
        lines += ["left alone, listings that", *left] if left else []
        return lines + (["left alone, stores that", *stores] if stores else [])

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "dry_run": self.dry_run,
            "busy": self.busy,
            "stores": self.stores,
            "stores_left": {why.value: n for why, n in _ordered(self.stores_left)},
            "looked_at": self.looked_at,
            "due": self.due,
            "submitted": self.submitted,
            "sellers": self.sellers,
            "cost_microusd": self.cost_microusd,
            "reasons": {why.value: n for why, n in _ordered(self.reasons)},
            "left_alone": {why.value: n for why, n in _ordered(self.skips)},
            "troubles": list(self.troubles),
            "exit_code": self.exit_code,
        }


def _ordered(counts: Counter[T]) -> list[tuple[T, int]]:
    return [(why, n) for why, n in counts.most_common() if n]
