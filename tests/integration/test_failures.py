"""What went wrong in a batch, in words for people."""

from __future__ import annotations

import pytest

from services.failures import find_fallback_reason, list_failures
from tests.support.jobs import execute, import_all, make_csv, make_seller, query

pytestmark = pytest.mark.servers

QUOTA = "the provider's quota is spent for 3600 s."


@pytest.fixture
def batch_id(deps, seller):
    import_all(deps, seller, make_csv(3))
    [(found,)] = query(deps, "SELECT id FROM app.batch")
    return found


def fall_back(deps, number: int, reason: str | None) -> None:
    """Make the batch's n-th job one that rules wrote for this reason."""
    execute(
        deps,
        "UPDATE app.job SET outcome = 'rules_fallback', error_detail = :reason WHERE id ="
        " (SELECT id FROM app.job WHERE kind = 'optimize' ORDER BY id OFFSET :n LIMIT 1)",
        reason=reason,
        n=number,
    )


def test_without_a_fallback_there_is_no_reason(deps, seller, batch_id):
    assert find_fallback_reason(deps, seller.id, batch_id) == ""
    execute(deps, "UPDATE app.job SET error_detail = 'something else'")
    assert find_fallback_reason(deps, seller.id, batch_id) == ""


def test_the_first_reason_given_stands_for_all(deps, seller, batch_id):
    fall_back(deps, 0, None)
    fall_back(deps, 1, QUOTA)
    fall_back(deps, 2, "another")
    assert find_fallback_reason(deps, seller.id, batch_id) == QUOTA


def test_another_seller_is_told_nothing(deps, seller, batch_id):
    fall_back(deps, 1, QUOTA)
    other = make_seller(deps, "other@example.com").id
    assert find_fallback_reason(deps, other, batch_id) == ""
    assert list_failures(deps, other, batch_id) == []


def test_failures_name_the_listing_and_the_reason(deps, seller, batch_id):
    execute(
        deps,
        "UPDATE app.job SET state = 'discarded', error_code = 'llm_error', error_detail = 'no'"
        " WHERE kind = 'optimize'",
    )
    found = list_failures(deps, seller.id, batch_id)
    assert sorted(one.pop("listing") for one in found) == ["SKU-0", "SKU-1", "SKU-2"]
    assert found == [{"state": "discarded", "code": "llm_error", "message": "no"}] * 3
