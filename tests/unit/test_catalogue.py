"""The catalogue: exact money, never-low estimates, and a clear word about what is gone."""

import copy
import datetime as dt

import pytest

from core.errors import InvalidFieldError
from domain import catalogue
from domain.catalogue import (
    BATCH,
    DEFAULT_LLM,
    cost_picousd,
    get_llm,
    get_llm_at_price,
    is_on,
    list_chain,
    list_llms,
)

TODAY = dt.date(2026, 11, 22)
LARGER = "openai/gpt-oss-120b"


@pytest.fixture
def entries(monkeypatch):
    """The catalogue's models, to be changed by a test."""
    content = copy.deepcopy(catalogue._load())
    monkeypatch.setattr(catalogue, "_load", lambda: content)
    return content["models"]


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


def test_a_model_whose_day_has_come_is_refused_and_the_next_one_named(entries):
    entries[DEFAULT_LLM]["shut_off_on"] = TODAY
    assert get_llm(DEFAULT_LLM, as_of=TODAY - dt.timedelta(days=1)).shut_off_on == TODAY
    with pytest.raises(InvalidFieldError, match="2026-11-22") as caught:
        get_llm(DEFAULT_LLM, as_of=TODAY)
    assert LARGER in caught.value.remedy


def test_what_a_model_cost_is_known_after_its_end_and_after_new_prices(entries):
    entries[DEFAULT_LLM]["shut_off_on"] = TODAY
    old = get_llm(DEFAULT_LLM).price_id
    entries[DEFAULT_LLM]["prices"].append(
        {"effective_from": TODAY, "in": 1, "cached": 1, "out": 1, "source": "x"}
    )
    assert get_llm(DEFAULT_LLM).price_in == 1
    assert get_llm_at_price(old).price_in == 75_000
    with pytest.raises(InvalidFieldError, match="no price"):
        get_llm_at_price(f"{DEFAULT_LLM}@1999-01-01")


def test_a_price_of_tomorrow_is_not_today_s(entries):
    tomorrow = TODAY + dt.timedelta(days=1)
    entries[DEFAULT_LLM]["prices"].append(
        {"effective_from": tomorrow, "in": 1, "cached": 1, "out": 1, "source": "x"}
    )
    assert get_llm(DEFAULT_LLM, as_of=TODAY).price_in == 75_000
    assert get_llm(DEFAULT_LLM, as_of=tomorrow).price_in == 1


def test_the_chain_begins_with_the_model_wanted():
    assert list_chain(DEFAULT_LLM, as_of=TODAY) == (DEFAULT_LLM, LARGER)
    assert list_chain(LARGER, as_of=TODAY) == (LARGER, DEFAULT_LLM)
    assert list_chain(DEFAULT_LLM, as_of=TODAY, without=[DEFAULT_LLM]) == (LARGER,)


@pytest.mark.parametrize("change", [{"status": "preview"}, {"strict": False}])
def test_the_chain_leaves_out_what_is_not_good_enough(entries, change):
    entries[LARGER].update(change)
    assert list_chain(DEFAULT_LLM, as_of=TODAY) == (DEFAULT_LLM,)


def test_the_chain_leaves_out_what_is_shut_off(entries):
    entries[LARGER]["shut_off_on"] = TODAY
    assert list_chain(DEFAULT_LLM, as_of=TODAY) == (DEFAULT_LLM,)


def test_what_is_not_proven_is_off():
    assert is_on("tiers", "on_demand")
    assert is_on("providers", "groq")
    assert not is_on("tiers", "flex")
    assert not is_on("providers", "second")


def test_a_batch_costs_half_and_has_no_second_discount():
    cost = cost_picousd(
        get_llm(DEFAULT_LLM),
        prompt_tokens=1_400,
        cached_tokens=1_000,
        completion_tokens=600,
        tier=BATCH,
    )
    assert cost == (1_400 * 75_000 + 600 * 300_000) // 2
