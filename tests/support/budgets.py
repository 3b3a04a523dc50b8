"""Budgets under test, and short words for asking them."""

from __future__ import annotations

from typing import Any

from core.clock import epoch_s
from domain.budget.values import Booking, Cost
from domain.ports import ProviderBudget


def book(
    budget: ProviderBudget, tokens: int, *, ticket: str = "", pico: int = 0, **more: Any
) -> Any:
    """Ask for a call of so many tokens; every call is another one unless a ticket is named.

    The Reservation or the Wait that came of it.
    """
    cost = Cost(input_tokens=tokens, output_tokens=0, picousd=pico)
    return budget.reserve(Booking(ticket=ticket or f"t{epoch_s()}", cost=cost, **more))


def used(tokens: int, *, pico: int = 0) -> Cost:
    """What a call took."""
    return Cost(input_tokens=tokens, output_tokens=0, picousd=pico)
