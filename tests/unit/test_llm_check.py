"""The catalogue against a provider's list: every way in which they can differ."""

from __future__ import annotations

import copy
import datetime as dt
import json
from dataclasses import replace

import pytest

from domain import catalogue
from domain.catalogue import DEFAULT_LLM, get_llm, list_llms
from domain.llm_check import CheckState, compare_models
from domain.ports import ListedLlm
from gateways.groq_models import parse_model_list

TODAY = dt.date(2026, 11, 22)


def list_as_catalogued() -> list[ListedLlm]:
    return [
        ListedLlm(
            id=spec.id,
            context_tokens=spec.context_tokens,
            max_output_tokens=spec.max_output_tokens,
            price_in=spec.price_in,
            price_cached=spec.price_cached,
            price_out=spec.price_out,
        )
        for spec in map(get_llm, list_llms())
    ]


def check_default(change=None, *, disabled=()):
    """How the default model compares when its entry is changed; None takes it off the list."""
    first, *others = list_as_catalogued()
    listed = others if change is None else [replace(first, **change), *others]
    checks = compare_models(listed, today=TODAY, disabled=dict(disabled))
    [found] = [one for one in checks if one.model == DEFAULT_LLM]
    assert all(one.state is CheckState.OK for one in checks if one.model != DEFAULT_LLM)
    return found


def test_a_list_like_the_catalogue_is_in_order():
    assert check_default({}).state is CheckState.OK


@pytest.mark.parametrize("change", [None, {"active": False}])
def test_a_model_that_is_gone_is_missing(change):
    assert check_default(change).state is CheckState.MISSING


def test_another_price_is_told_in_dollars_a_million():
    found = check_default({"price_in": 80_000, "price_out": 400_000})
    assert found.state is CheckState.PRICE_DRIFT
    assert "input $0.08, not $0.075; output $0.4, not $0.3" in found.message
    assert "cached" not in found.message


def test_no_prices_are_no_drift():
    found = check_default({"price_in": None, "price_cached": None, "price_out": None})
    assert found.state is CheckState.UNPRICED


def test_a_smaller_context_is_told():
    assert check_default({"context_tokens": 8_192}).state is CheckState.SMALLER


def test_a_model_out_of_use_says_how_to_bring_it_back():
    found = check_default({}, disabled=[(DEFAULT_LLM, "it was gone")])
    assert found.state is CheckState.DISABLED
    assert f"flask groq enable {DEFAULT_LLM}" in found.message
    assert check_default(None, disabled=[(DEFAULT_LLM, "x")]).state is CheckState.MISSING


def test_a_coming_end_is_told(monkeypatch):
    content = copy.deepcopy(catalogue._load())
    content["models"][DEFAULT_LLM]["shut_off_on"] = TODAY + dt.timedelta(days=9)
    monkeypatch.setattr(catalogue, "_load", lambda: content)
    found = check_default({})
    assert found.state is CheckState.ENDING
    assert "in 9 days" in found.message


def test_groq_s_list_is_read_exactly():
    pricing = {"prompt": "0.000000075", "completion": "0.0000003", "input_cache_read": "3.75e-8"}
    body = {"data": [{"id": "a", "context_length": 131072, "pricing": pricing}, {"id": "b"}]}
    first, second = parse_model_list(json.dumps(body))
    assert (first.price_in, first.price_cached, first.price_out) == (75_000, 37_500, 300_000)
    assert first.context_tokens == 131_072
    assert (second.price_in, second.active) == (None, True)


@pytest.mark.parametrize("price", ["free", "", "nan", "1e999999999"])
def test_a_price_that_is_none_is_no_price(price):
    body = {"data": [{"id": "a", "pricing": {"prompt": price}}]}
    assert parse_model_list(json.dumps(body))[0].price_in is None


@pytest.mark.parametrize("body", ["", "<html>", "{}", '{"data": [{}]}'])
def test_what_is_no_list_is_refused(body):
    with pytest.raises(ValueError, match="validation error"):
        parse_model_list(body)
