"""Grounding on real and written rows: mutations are caught, true rewordings pass."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from bench.grounding import list_rows, list_written, measure
from domain.facts import find_unsupported
from domain.listing import Listing


@settings(deadline=None, max_examples=150)
@given(text=st.text(max_size=80), html=st.booleans())
def test_a_text_never_contradicts_itself(text: str, *, html: bool) -> None:
    shown = f"<p>{text}</p>" if html else text
    row = Listing(key="1", fields={"title": text, "description": shown})
    assert find_unsupported({"title": text}, row) == ()


@settings(deadline=None, max_examples=150)
@given(number=st.integers(2, 5000), unit=st.sampled_from(["ml", "g", "mm"]))
def test_exact_conversions_are_true_and_others_are_not(number: int, unit: str) -> None:
    larger = {"ml": "l", "g": "kg", "mm": "m"}[unit]
    row = Listing(key="1", fields={"title": f"Thing {number} {unit}"})
    assert find_unsupported({"title": f"Thing {number / 1000:.3f} {larger}"}, row) == ()
    assert find_unsupported({"title": f"Thing {number + 1} {unit}"}, row) != ()


def test_mutations_are_caught_and_rewordings_pass() -> None:
    result = measure(list_rows(per_file=6))
    assert result.mutations.total.total() > 1500
    assert len(result.mutations.total) >= 12
    assert result.mutations.share >= 0.99, result.mutations.surprises
    assert result.mutations.worst() >= 0.97, result.mutations.surprises
    assert result.rewordings.total.total() > 700
    assert result.rewordings.share <= 0.02, result.rewordings.surprises


def test_written_rows_of_each_language() -> None:
    result = measure(list_written()[::4])
    assert set(result.by_language) == {"de", "fr", "es"}
    for found in result.by_language.values():
        assert found.mutations.total.total() > 300
        assert found.mutations.share >= 0.99, found.mutations.surprises
        assert found.rewordings.share <= 0.02, found.rewordings.surprises
