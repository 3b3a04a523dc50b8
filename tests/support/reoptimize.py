"""Builders for tests of re-optimization: listings worth a proposal, runs, days that pass."""

from __future__ import annotations

from typing import Any

from services.access import Seller
from services.deps import Deps
from services.reoptimize import RunWish, reoptimize
from services.reoptimize_report import Summary
from services.submit import submit_job
from tests.support.jobs import execute, make_listing, make_order

GOOD = "Northfold Merino Wool Beanie, Green"


def submit_listings(deps: Deps, seller: Seller) -> Seller:
    """Two listings that break a rule and one that does not, without any job or suggestion."""
    good = make_listing("GOOD", title=GOOD)
    for one in (make_listing("BAD-1"), make_listing("BAD-2"), good):
        submit_job(deps, seller.id, make_order(one))
    forget_work(deps)
    return seller


def forget_work(deps: Deps) -> None:
    """As if all this had been asked for long ago, by rules that are no more."""
    execute(deps, "DELETE FROM app.job")


def run(deps: Deps, *, everything: bool = True, **wish: Any) -> Summary:
    """One run over all stores, or those that are due."""
    return reoptimize(deps, RunWish(everything=everything, **wish))


def let_days_pass(deps: Deps, days: int) -> None:
    """As if everything had happened so many days earlier."""
    for statement in (
        "UPDATE app.suggestion SET created_at = created_at - :days * interval '1 day'",
        "UPDATE app.revision SET created_at = created_at - :days * interval '1 day'",
        "UPDATE app.schedule SET looked_on = looked_on - CAST(:days AS integer)",
    ):
        execute(deps, statement, days=days)
