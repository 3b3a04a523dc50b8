"""What a run of many calls will cost and how long it will take, before anybody confirms it."""

from __future__ import annotations

import math
from typing import Any

from sqlalchemy.orm import Session

from core.clock import today
from core.settings import Settings
from domain.budget.values import BudgetLimits
from domain.catalogue import BATCH, ON_DEMAND, cost_picousd, get_llm, list_chain
from domain.run_time import TYPICAL_SHARE, describe_duration, estimate_run_s, find_daily_calls
from models import llm_use
from services.deps import Deps


def read_limits(settings: Settings) -> BudgetLimits:
    """What the organisation may use of one model."""
    return BudgetLimits(
        requests_per_minute=settings.groq_requests_per_minute,
        tokens_per_minute=settings.groq_tokens_per_minute,
        requests_per_day=settings.groq_requests_per_day or None,
        tokens_per_day=settings.groq_tokens_per_day or None,
    )


def estimate_cost_microusd(deps: Deps, tokens: int, *, may_wait: bool) -> int:
    """The most that so many tokens cost: all of them at the dearer price, that of the output.

    So it covers the second and third calls that some listings need: twice the cost of each first
    call at its real prices, which a job never exceeds, is below it where the prompt is the longer
    half. And at the price of the dearest model of the chain, which may be asked in the place of the
    configured one; files of the batch lane are that one's alone.
    """
    chain = list_chain(deps.llm_model, as_of=today())
    models, tier = (chain[:1], BATCH) if may_wait else (chain, ON_DEMAND)
    cost_pico = max(
        cost_picousd(
            get_llm(model),
            prompt_tokens=0,
            cached_tokens=0,
            completion_tokens=tokens,
            tier=tier,
        )
        for model in models
    )
    return -(-cost_pico // 1_000_000)


def estimate_duration(deps: Deps, session: Session, *, calls: int, tokens: int) -> dict[str, Any]:
    """How long the calls take within the provider's limits, and how many a day allows.

    ``tokens`` are those that will be booked; what is used in the end is taken from the newest lines
    of the ledger, else from experience.
    """
    if not calls:
        return {"duration_s": 0, "duration": "minutes", "calls_a_day": None}
    share = llm_use.find_used_share(session) or TYPICAL_SHARE
    limits, used = read_limits(deps.settings), tokens * share
    needed_s = math.ceil(estimate_run_s(calls=calls, tokens=used, limits=limits))
    return {
        "duration_s": needed_s,
        "duration": describe_duration(needed_s),
        "calls_a_day": find_daily_calls(tokens_per_call=used / calls, limits=limits),
    }
