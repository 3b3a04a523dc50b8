"""Every row of the fault table in its small size; ``make chaos`` runs the full figures."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.chaos.stage import Stage, open_stage
from tests.chaos.table import ROWS, Row

pytestmark = [pytest.mark.servers, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    """Servers for chaos alone: some rows kill them."""
    with open_stage() as opened:
        yield opened


@pytest.mark.parametrize("row", ROWS, ids=[f"{row.number}: {row.fault}" for row in ROWS])
def test_what_was_promised_holds(stage: Stage, row: Row):
    verdict = row.run(stage, row.small)
    assert verdict.breaches == (), verdict
