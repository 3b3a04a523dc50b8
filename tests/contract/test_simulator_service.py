"""What the simulator refuses, charges and tells, seen through the groq library."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import groq
import pytest

from tests.support.groq_sim import GroqSimulator, running_groq
from tests.support.llm_calls import MESSAGES

MODEL, LOOSE_MODEL = "openai/gpt-oss-20b", "qwen/qwen3.8-27b"


@contextmanager
def open_client(simulator: GroqSimulator) -> Iterator[groq.Groq]:
    with groq.Groq(api_key="any", base_url=simulator.url, max_retries=0) as client:
        yield client


def call(client: groq.Groq, **more: Any) -> Mapping[str, str]:
    body: dict[str, Any] = {"model": MODEL, "messages": MESSAGES, "max_completion_tokens": 300}
    return client.chat.completions.with_raw_response.create(**{**body, **more}).headers


def refuse(client: groq.Groq, **more: Any) -> groq.APIStatusError:
    with pytest.raises(groq.APIStatusError) as refused:
        call(client, **more)
    return refused.value


def code_of(error: groq.APIStatusError) -> tuple[int, str]:
    assert isinstance(error.body, dict)
    return error.status_code, error.body["error"]["code"]


@pytest.mark.parametrize(
    ("limits", "dimension"),
    [
        ({"requests_per_minute": 1}, "requests per minute (RPM)"),
        ({"requests_per_day": 1}, "requests per day (RPD)"),
        ({"tokens_per_minute": 500}, "tokens per minute (TPM)"),
        ({"tokens_per_day": 500}, "tokens per day (TPD)"),
        ({"input_tokens_per_minute": 60}, "input tokens per minute (ITPM)"),
        ({"output_tokens_per_minute": 300}, "output tokens per minute (OTPM)"),
    ],
)
def test_every_dimension_refuses_and_says_which_it_is(limits, dimension):
    with running_groq(**limits) as simulator, open_client(simulator) as client:
        call(client)
        error = refuse(client)
    assert code_of(error) == (429, "rate_limit_exceeded")
    assert f"on {dimension}: Limit {next(iter(limits.values()))}, Used " in error.message
    assert int(error.response.headers["retry-after"]) > 0


def test_headers_tell_of_the_day_s_requests_and_the_minute_s_tokens_only():
    limits = {"tokens_per_day": 9_999, "requests_per_minute": 77}
    with running_groq(**limits) as simulator, open_client(simulator) as client:
        headers = call(client)
    assert headers["x-ratelimit-limit-requests"] == "500000"
    assert headers["x-ratelimit-remaining-requests"] == "499999"
    assert headers["x-ratelimit-limit-tokens"] == "250000"
    assert headers["x-ratelimit-reset-requests"].endswith("ms")
    assert "retry-after" not in headers
    assert not {"9999", "77"} & set(headers.values())


def test_a_request_that_never_fits_is_too_large():
    with running_groq(plan="free", tokens_per_minute=8_000) as simulator:
        with open_client(simulator) as client:
            error = refuse(client, max_completion_tokens=32_768)
        assert code_of(error) == (413, "rate_limit_exceeded")
        assert "Limit 8000, Requested 32" in error.message


def test_refused_requests_count_where_that_is_wished():
    with running_groq(tokens_per_minute=500, count_refused=True) as simulator:
        with open_client(simulator) as client:
            call(client)
            headers = refuse(client).response.headers
        assert headers["x-ratelimit-remaining-requests"] == "499998"


@pytest.mark.parametrize("give_back", [True, False])
def test_the_unused_part_of_the_cap_flows_back_or_not(give_back):
    limits = {"tokens_per_minute": 500_000, "give_back_unused": give_back}
    with running_groq(**limits) as simulator, open_client(simulator) as client:
        headers = call(client, max_completion_tokens=60_000)
    remaining = int(headers["x-ratelimit-remaining-tokens"])
    assert remaining > 499_000 if give_back else 439_000 < remaining < 441_000


def test_flex_has_limits_of_its_own_and_may_be_full():
    with running_groq(requests_per_minute=1) as simulator, open_client(simulator) as client:
        call(client)
        for _ in range(10):
            call(client, service_tier="flex")
        assert "service tier `flex`" in refuse(client, service_tier="flex").message
        simulator.set_faults("498")
        assert code_of(refuse(client, service_tier="flex")) == (498, "capacity_exceeded")


@pytest.mark.parametrize(
    ("config", "more", "expected"),
    [
        ({"plan": "free"}, {"service_tier": "flex"}, (403, "not_available_for_plan")),
        ({"blocked_models": (MODEL,)}, {}, (403, "model_permission_blocked_project")),
        ({"gone_models": (MODEL,)}, {}, (404, "model_not_found")),
        ({}, {"model": "llama-3.1-8b-instant"}, (404, "model_not_found")),
        ({}, {"service_tier": "priority"}, (400, "invalid_request")),
        ({}, {"logprobs": True}, (400, "invalid_request")),
        ({}, {"n": 2}, (400, "invalid_request")),
        ({}, {"reasoning_effort": "none"}, (400, "invalid_request")),
        (
            {},
            {"messages": [{"role": "user", "content": "word " * 100_000}]},
            (400, "context_length_exceeded"),
        ),
    ],
)
def test_what_is_not_allowed_is_refused(config, more, expected):
    with running_groq(**config) as simulator, open_client(simulator) as client:
        assert code_of(refuse(client, **more)) == expected


def test_the_model_list_leaves_out_what_cannot_be_used():
    config = {"blocked_models": (LOOSE_MODEL,), "gone_models": ("openai/gpt-oss-120b",)}
    with running_groq(**config) as simulator, open_client(simulator) as client:
        assert [model.id for model in client.models.list().data] == [MODEL]
        found = client.models.retrieve(MODEL)
        assert found.model_extra is not None
        assert float(found.model_extra["pricing"]["prompt"]) == pytest.approx(75e-9)
        with pytest.raises(groq.NotFoundError):
            client.models.retrieve(LOOSE_MODEL)


def test_the_spend_cap_shuts_everything_out():
    with running_groq(spend_cap_usd=0.000_01) as simulator, open_client(simulator) as client:
        call(client)
        assert code_of(refuse(client)) == (400, "blocked_api_access")
    capped = {"spend_cap_usd": 0.000_01, "spend_lag_s": 600}
    with running_groq(**capped) as simulator, open_client(simulator) as client:
        call(client)
        call(client)
        simulator.advance(601)
        assert code_of(refuse(client)) == (400, "blocked_api_access")


def test_json_that_is_not_promised_may_fail_and_shows_what_was_made():
    wanted = {"type": "json_object"}
    with running_groq(faults=("prose@2",)) as simulator, open_client(simulator) as client:
        call(client, response_format=wanted)
        error = refuse(client, response_format=wanted)
        assert code_of(error) == (400, "json_validate_failed")
        assert isinstance(error.body, dict)
        assert error.body["error"]["failed_generation"].startswith("Sure!")


def test_the_cache_counts_blocks_of_the_beginning_and_gives_them_back_to_the_budget():
    start = "Rule number one is to write well. " * 150
    with running_groq() as simulator, open_client(simulator) as client:
        for end in ("first", "second"):
            call(client, messages=[{"role": "system", "content": start + end}, MESSAGES[1]])
        first, second = simulator.calls()
        assert first["usage"]["cached"] == 0
        assert second["usage"]["cached"] % 128 == 0
        assert second["usage"]["cached"] >= 1_024
        assert second["cost_picousd"] < first["cost_picousd"]
        tokens = simulator.limits()[f"{MODEL} on_demand"]["tokens per minute (TPM)"]["used"]
        assert tokens < first["usage"]["prompt"] + second["usage"]["prompt"]
        simulator.advance(7_201)
        call(client, messages=[{"role": "system", "content": start}, MESSAGES[1]])
        assert simulator.calls()[-1]["usage"]["cached"] == 0


def test_an_answer_that_is_lost_was_billed():
    with running_groq(faults=("lost@1",)) as simulator, open_client(simulator) as client:
        with pytest.raises(groq.APIConnectionError):
            call(client)
        assert simulator.ledger()["billed_calls"] == 1
        assert simulator.ledger()["cost_by_job"] == {
            "ab12": simulator.ledger()["cost_picousd"],
        }
