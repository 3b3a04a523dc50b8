"""``flask seller caps``: what a seller lets us spend, and what is spent."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from core.errors import InvalidFieldError, NotFoundError
from domain.budget.values import Caps
from domain.catalogue import format_usd
from embedded.operator import open_deps
from services.access import find_seller
from services.caps import Spending, get_spending, set_caps

MICRO_PER_USD = 10**6
PICO_PER_MICRO = 10**6


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
            day_pico=old.day_pico if day_usd is None else to_pico(day_usd, field="--day-usd"),
            month_pico=(
                old.month_pico if month_usd is None else to_pico(month_usd, field="--month-usd")
            ),
        )
        if changed != old:
            set_caps(deps, found.id, changed)
        sys.stdout.write(describe_spending(get_spending(deps, found.id)))
    return 0


def to_pico(usd: float, *, field: str) -> int | None:
    """Picodollars to the microdollar; None for 0, which means no cap.

    Raises InvalidFieldError for less than a microdollar: a cap never becomes none by rounding.
    """
    pico = round(usd * MICRO_PER_USD) * PICO_PER_MICRO
    if usd and not pico:
        raise InvalidFieldError(
            "a cap below 0.000001 USD cannot be kept.",
            field=field,
            remedy="Name a higher one; 0 takes the cap away.",
        )
    return pico or None


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
    return f"{format_usd(pico)} USD"
