"""What a good call brings back, and the billed answers that are bad: they come back as they are."""

import dataclasses
import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from gateways.groq_llm import GroqModel
from tests.support.groq_sim import running_groq
from tests.support.llm_calls import KEY, ask, build_request


def test_text_usage_ids_and_headers_come_back():
    with running_groq() as simulator:
        reply = ask(simulator)
        ledger = simulator.ledger()
    assert json.loads(reply.text) == {"title": "Mug"}
    assert reply.model == "openai/gpt-oss-20b"
    assert reply.finish_reason == "stop"
    assert reply.provider_request_id == "req_sim_00000001"
    assert (reply.prompt_tokens, reply.completion_tokens) == (
        ledger["prompt_tokens"],
        ledger["completion_tokens"],
    )
    assert reply.headers["x-listwright-simulator"] == "1"
    assert reply.headers["x-ratelimit-limit-tokens"] == "250000"
    assert reply.headers["x-ratelimit-reset-tokens"].endswith("s")
    assert "date" not in reply.headers


def test_the_address_may_end_in_the_path_that_the_library_adds():
    with running_groq() as simulator:
        assert ask(simulator, path="/openai/v1/").text


@pytest.mark.parametrize("fault", ["cut", "empty", "prose", "length"])
def test_a_bad_answer_was_billed_and_comes_back_unjudged(fault):
    with running_groq(faults=(fault,)) as simulator:
        reply = ask(simulator)
        assert simulator.ledger()["billed_calls"] == 1
    assert reply.completion_tokens > 0
    assert reply.finish_reason == ("length" if fault == "length" else "stop")
    if fault == "empty":
        assert reply.text == ""
    else:
        with pytest.raises(ValueError, match=r"Expecting|Unterminated|delimiter"):
            json.loads(reply.text)


def test_a_cap_that_reasoning_eats_gives_nothing_but_a_bill():
    with running_groq() as simulator:
        reply = ask(simulator, build_request(cap=20))
    assert (reply.text, reply.finish_reason, reply.completion_tokens) == ("", "length", 20)


def test_a_prefix_seen_before_is_counted_as_cached():
    long_rules = {"role": "system", "content": "Rules. " * 1000}
    with running_groq() as simulator:
        model = GroqModel(api_key=KEY, base_url=simulator.url)
        one = build_request()
        request = dataclasses.replace(one, messages=(long_rules, one.messages[1]))
        first = model.complete(request, timeout_s=30.0)
        second = model.complete(request, timeout_s=30.0)
        model.close()
    assert first.cached_tokens == 0
    assert 1024 <= second.cached_tokens < second.prompt_tokens


def test_one_client_serves_many_threads():
    with running_groq(latency_ms=20) as simulator:
        model = GroqModel(api_key=KEY, base_url=simulator.url, max_connections=8)
        with ThreadPoolExecutor(8) as pool:
            replies = list(
                pool.map(lambda _: model.complete(build_request(), timeout_s=30.0), range(24))
            )
        model.close()
        assert simulator.ledger()["billed_calls"] == 24
    assert len({reply.provider_request_id for reply in replies}) == 24
