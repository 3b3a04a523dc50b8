"""Every way in which Groq can refuse or fail, through the real library, over real sockets."""

import socket

import pytest

from core.errors import (
    LlmOutputError,
    LlmRefusedError,
    LlmRequestError,
    LlmTransientError,
)
from gateways.groq_llm import GroqModel
from tests.support.groq_sim import running_groq
from tests.support.llm_calls import KEY, SCHEMA, ask, build_request


@pytest.mark.parametrize(
    ("fault", "kind", "words"),
    [
        ("401", LlmRefusedError, ["GROQ_API_KEY", "console.groq.com/keys"]),
        ("403", LlmRefusedError, ["plan", "permissions"]),
        ("blocked", LlmRefusedError, ["spend limit", "billing"]),
        ("404", LlmRefusedError, ["openai/gpt-oss-20b", "Choose one of the models"]),
        ("429", LlmTransientError, ["rate limit", "Please try again in"]),
        ("498", LlmTransientError, ["capacity", "498"]),
        ("500", LlmTransientError, ["failed to answer", "500"]),
        ("502", LlmTransientError, ["failed to answer", "502"]),
        ("503", LlmTransientError, ["capacity", "503"]),
        ("json_failed", LlmOutputError, ["JSON"]),
        ("reset", LlmTransientError, ["cannot be reached", "GROQ_BASE_URL"]),
        ("html", LlmTransientError, ["not Groq", "GROQ_BASE_URL"]),
    ],
)
def test_each_fault_has_its_class_and_says_what_to_do(fault, kind, words):
    with running_groq(faults=(fault,)) as simulator, pytest.raises(kind) as caught:
        ask(simulator)
    for word in words:
        assert word in str(caught.value)
    assert KEY not in str(caught.value)


def test_a_fault_is_asked_once_without_retries():
    with running_groq(faults=("500",)) as simulator:
        with pytest.raises(LlmTransientError):
            ask(simulator)
        assert simulator.ledger()["calls"] == 1


def test_429_makes_the_whole_pool_wait_as_long_as_told():
    with (
        running_groq(faults=("429",), retry_after_s=7.25) as simulator,
        pytest.raises(LlmTransientError) as caught,
    ):
        ask(simulator)
    assert caught.value.pool_wait
    assert caught.value.retry_after_s == pytest.approx(7.25)


@pytest.mark.parametrize("fault", ["498", "503", "500", "reset"])
def test_other_failures_do_not_stop_the_pool(fault):
    with (
        running_groq(faults=(fault,)) as simulator,
        pytest.raises(LlmTransientError) as caught,
    ):
        ask(simulator)
    assert not caught.value.pool_wait


def test_a_hung_call_ends_at_its_timeout():
    with (
        running_groq(faults=("timeout",)) as simulator,
        pytest.raises(LlmTransientError, match="did not answer within"),
    ):
        ask(simulator, timeout_s=0.2)


def test_nobody_listening():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        model = GroqModel(api_key=KEY, base_url=f"http://127.0.0.1:{unused.getsockname()[1]}")
        with pytest.raises(LlmTransientError, match="cannot be reached"):
            model.complete(build_request(), timeout_s=1.0)
        model.close()


def test_the_wrong_key_is_refused_and_not_repeated_in_the_message():
    with (
        running_groq(key="another") as simulator,
        pytest.raises(LlmRefusedError, match="GROQ_API_KEY") as caught,
    ):
        ask(simulator)
    assert KEY not in str(caught.value)


def test_an_unknown_model_is_named():
    with (
        running_groq() as simulator,
        pytest.raises(LlmRefusedError, match=r"llama-3\.1-8b"),
    ):
        ask(simulator, build_request(model="llama-3.1-8b-instant"))


def test_a_wrong_address_is_told_from_a_missing_model():
    with running_groq() as simulator, pytest.raises(LlmRefusedError, match="GROQ_BASE_URL"):
        ask(simulator, path="/elsewhere")


def test_a_request_above_the_minute_limit_is_never_retried():
    with (
        running_groq(tokens_per_minute=200) as simulator,
        pytest.raises(LlmRequestError, match=r"too large.*Limit 200, Requested 3\d\d") as caught,
    ):
        ask(simulator)
    assert not caught.value.retryable


def test_limits_of_length_do_not_belong_into_the_schema():
    limited = {**SCHEMA, "properties": {"title": {"type": "string", "maxLength": 10}}}
    with running_groq() as simulator, pytest.raises(LlmRequestError, match="maxLength"):
        ask(simulator, build_request(schema=limited))


def test_strict_schemas_need_a_model_that_can():
    with running_groq() as simulator, pytest.raises(LlmRequestError, match="json_schema"):
        ask(simulator, build_request(model="qwen/qwen3.8-27b"))


def test_a_full_bucket_answers_429_with_the_seconds_until_it_fits():
    with running_groq(tokens_per_minute=800, latency_ms=0) as simulator:
        waits = []
        for _ in range(12):
            try:
                ask(simulator)
            except LlmTransientError as error:
                waits.append(error.retry_after_s)
                break
        assert [wait for wait in waits if wait is not None and 0 < wait < 60]
        assert simulator.ledger()["by_status"]["429"] == 1
