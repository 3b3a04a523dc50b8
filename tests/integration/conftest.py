"""What tests of services begin with: deps on real servers, and a seller."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from services.access import Seller
from services.deps import Deps
from tests.support.jobs import make_seller, open_deps


@pytest.fixture
def deps(database_url: str, redis_url: str) -> Iterator[Deps]:
    """A worker's deps without a language model."""
    with open_deps(database_url, redis_url) as made:
        yield made


@pytest.fixture
def seller(deps: Deps) -> Seller:
    """A seller."""
    return make_seller(deps)
