"""The two budgets that every contract test of budgets runs on."""

import pytest
import redis

from domain.budget.values import BudgetLimits
from gateways.local_budget import LocalBudget
from gateways.provider_budget import RedisBudget


def make_local(request, limits):
    return LocalBudget(limits=limits)


def make_shared(request, limits):
    client = redis.Redis.from_url(request.getfixturevalue("redis_url"))
    request.addfinalizer(client.close)
    return RedisBudget(client, name="test", limits=limits)


@pytest.fixture(params=[make_local, pytest.param(make_shared, marks=pytest.mark.servers)])
def make(request):
    """Builds the budget under test; ``tokens`` and ``requests`` are what one may spend at once."""

    def build(*, requests=990, tokens=59_400, **more):
        limits = BudgetLimits(
            requests_per_minute=round(requests / 0.99),
            tokens_per_minute=round(tokens / 0.99),
            **more,
        )
        return request.param(request, limits)

    return build
