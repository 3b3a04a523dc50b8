"""``flask seller caps``: what a seller lets us spend, and what is spent."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from core.errors import NotFoundError
from domain.budget.values import Caps
from embedded.operator import open_deps
from services.access import find_seller
from services.caps import Spending, get_spending, set_caps

PICO_PER_USD = 10**12


def run_seller_caps(
    environ: Mapping[str, str],
    email: str,
    *,
    in_flight: int | None,
    day_usd: float | None,
    month_usd: float | None,
) -> int:
    """Change the caps that are not None (0 takes one away), then print them all."""
    with open_deps(environ) as deps:
        found = find_seller(deps, email)
        if found is None:
            raise NotFoundError(
                f"there is no seller {email}.", remedy="Make one: flask seller create EMAIL."
            )
        old = get_spending(deps, found.id).caps
        changed = Caps(
            in_flight_max=old.in_flight_max if in_flight is None else in_flight or None,
            day_pico=old.day_pico if day_usd is None else to_pico(day_usd),
            month_pico=old.month_pico if month_usd is None else to_pico(month_usd),
        )
        if changed != old:
            set_caps(deps, found.id, changed)
        sys.stdout.write(describe_spending(get_spending(deps, found.id)))
    return 0


def to_pico(usd: float) -> int | None:
    """Picodollars to the cent; None for nothing, which means no cap."""
    return round(usd * 100) * 10**10 or None


def describe_spending(spending: Spending) -> str:
    """Three lines for people."""
    caps = spending.caps
    return (
        f"calls at once: {caps.in_flight_max or 'no cap'}\n"
        f"today (UTC): {_usd(spending.day_pico)} of {_cap(caps.day_pico)}\n"
        f"this month (UTC): {_usd(spending.month_pico)} of {_cap(caps.month_pico)}\n"
    )


def _cap(pico: int | None) -> str:
    return "no cap" if pico is None else _usd(pico)


def _usd(pico: int) -> str:
    return f"{pico / PICO_PER_USD:.4f} USD"
