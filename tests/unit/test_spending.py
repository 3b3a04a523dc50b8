"""What the operator types as a cap is the cap: never rounded to none."""

from __future__ import annotations

import pytest

from core.errors import InvalidFieldError
from domain.catalogue import format_usd
from embedded.spending import to_pico


@pytest.mark.parametrize(
    ("usd", "pico"), [(0.0, None), (0.001, 10**9), (0.004, 4 * 10**9), (0.006, 6 * 10**9)]
)
def test_a_cap_is_kept_to_the_microdollar(usd, pico):
    assert to_pico(usd, field="--day-usd") == pico


def test_a_cap_that_cannot_be_kept_is_refused():
    with pytest.raises(InvalidFieldError, match="cannot be kept") as caught:
        to_pico(0.0000001, field="--day-usd")
    assert (caught.value.field, bool(caught.value.remedy)) == ("--day-usd", True)


def test_a_small_cap_is_shown_as_it_is():
    assert (format_usd(10**12), format_usd(10**9), format_usd(4 * 10**6)) == (
        "1.0000",
        "0.0010",
        "0.000004",
    )
