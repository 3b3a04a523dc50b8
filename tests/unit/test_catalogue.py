"""The catalogue: exact money, never-low estimates, and a clear word about what is gone."""

import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import InvalidFieldError
from domain.catalogue import DEFAULT_LLM, cost_picousd, estimate_tokens, get_llm, list_llms


def test_the_default_model_can_do_what_the_product_needs():
    spec = get_llm(DEFAULT_LLM)
    assert spec.strict
    assert spec.status == "production"
    assert "low" in spec.efforts
    assert (spec.price_in, spec.price_cached, spec.price_out) == (75_000, 37_500, 300_000)
    assert (spec.requests_per_minute, spec.tokens_per_minute) == (30, 8_000)
    assert spec.limits["developer"].tokens_per_minute == 250_000


def test_every_model_of_the_catalogue_can_be_read():
    for name in list_llms():
        spec = get_llm(name)
        assert 0 < spec.max_output_tokens < spec.context_tokens
        assert 0 < spec.price_cached < spec.price_in < spec.price_out
        assert spec.price_id.startswith(f"{name}@20")


def test_a_day_before_the_first_known_price_uses_that_price():
    assert get_llm(DEFAULT_LLM, as_of=dt.date(2020, 1, 1)).price_in == 75_000


def test_a_retired_model_names_the_day_and_the_one_to_use_instead():
    with pytest.raises(InvalidFieldError, match=r"llama-3.1-8b-instant.*2026-08-16") as caught:
        get_llm("llama-3.1-8b-instant")
    assert "openai/gpt-oss-20b" in caught.value.remedy


def test_an_unknown_model_names_the_known_ones_that_are_good_enough():
    with pytest.raises(InvalidFieldError, match="gpt-9") as caught:
        get_llm("gpt-9")
    assert "openai/gpt-oss-120b" in caught.value.remedy
    assert "qwen" not in caught.value.remedy


def test_the_cost_of_a_listing_is_exact():
    spec = get_llm(DEFAULT_LLM)
    cost = cost_picousd(spec, prompt_tokens=1_400, cached_tokens=1_000, completion_tokens=600)
    assert cost == 400 * 75_000 + 1_000 * 37_500 + 600 * 300_000 == 247_500_000


@pytest.mark.parametrize(
    ("text", "real"),
    [
        ("Stainless steel water bottle, 750 ml, keeps drinks cold for 24 hours.", 18),
        ("ステンレス製の水筒、750ml、保冷24時間。", 17),
        ('{"color":"red","size":"XL"}', 10),
        ("", 0),
    ],
)
def test_an_estimate_is_never_low(text, real):
    assert real <= estimate_tokens(text)


@settings(max_examples=50, deadline=None)
@given(st.text(), st.text())
def test_an_estimate_never_shrinks_when_text_is_added(text, more):
    assert estimate_tokens(text) <= estimate_tokens(text + more)
