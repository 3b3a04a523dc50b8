"""What we rely on of Groq, asked of the simulator and, where there is a key, of the real service.

The second half asks what nobody has written down of the real service yet. The real one's answers
are kept in ``.state/groq-answers.md``; whoever reads them there brings the simulator's defaults in
line. All of it costs a small part of a cent.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import closing

import groq
import pytest

from core.clock import monotonic_s
from core.errors import AppError, BatchUnavailableError, LlmRefusedError, LlmRequestError
from core.ids import new_id
from domain.answers import parse_answer
from gateways.groq_batches import GroqBatches
from gateways.groq_llm import GroqModel
from tests.support.groq_service import KEY_STASH, MODEL, GroqService, open_named
from tests.support.llm_calls import SCHEMA, build_request

GO_DURATION = re.compile(r"^(?:\d+h)?(?:\d+m)?(?:\d+(?:\.\d+)?(?:ms|s|us|µs))$")
UNSUPPORTED = ("minLength", "maxLength", "pattern", "format", "minimum", "minItems")
REFUSED = 20
TEXT = {"type": "string"}


@pytest.fixture(scope="module", params=["simulator", "real"])
def service(request):
    with open_named(request.param, request.config.stash.get(KEY_STASH, "")) as opened:
        yield opened


def ask(service: GroqService, request=None, *, key: str = ""):
    model = GroqModel(api_key=key or service.key, base_url=service.base_url or None)
    with closing(model):
        return model.complete(request or build_request(), timeout_s=60.0)


def build_schema(title: Mapping[str, object]) -> dict[str, object]:
    return {**SCHEMA, "properties": {"title": title}}


def refuse(service: GroqService, **more: object) -> groq.APIStatusError:
    with pytest.raises(groq.APIStatusError) as refused:
        service.call(**more)
    return refused.value


def test_a_strict_schema_is_kept_and_the_call_is_accounted_for(service):
    reply = ask(service)
    assert str(parse_answer(reply.text, ("title",))["title"]).strip()
    assert reply.finish_reason == "stop"
    assert reply.model == MODEL
    assert reply.prompt_tokens > 10
    assert reply.completion_tokens > 0
    assert reply.provider_request_id


def test_the_headers_tell_limits_what_remains_and_when(service):
    _, headers = service.call()
    for kind in ("requests", "tokens"):
        limit = int(headers[f"x-ratelimit-limit-{kind}"])
        assert 0 <= int(headers[f"x-ratelimit-remaining-{kind}"]) <= limit
        assert GO_DURATION.match(headers[f"x-ratelimit-reset-{kind}"])
    assert "retry-after" not in headers


def test_a_cap_that_reasoning_eats_ends_with_length_and_is_billed(service):
    told, _ = service.call(max_completion_tokens=5)
    assert told["choices"][0]["finish_reason"] == "length"
    assert 0 < told["usage"]["completion_tokens"] <= 5


def test_models_come_with_prices_and_sizes(service):
    [ours] = [one for one in service.client.models.list().data if one.id == MODEL]
    assert ours.model_extra is not None
    assert float(ours.model_extra["pricing"]["prompt"]) > 0
    assert int(ours.model_extra["context_length"]) >= 100_000


def test_a_model_that_is_not_there_is_404(service):
    error = refuse(service, model="llama-3.1-8b-instant")
    assert error.status_code == 404
    assert isinstance(error.body, dict)
    assert error.body["error"]["code"] == "model_not_found"


def test_a_schema_that_is_not_strict_enough_is_refused(service):
    with pytest.raises(LlmRequestError):
        ask(service, build_request(schema={**SCHEMA, "required": []}))


def test_reasoning_cannot_be_switched_off(service):
    assert refuse(service, reasoning_effort="none").status_code == 400


def test_a_wrong_key_is_refused_for_good(service):
    with pytest.raises(LlmRefusedError):
        ask(service, key="gsk_wrong")


def test_a_batch_is_found_by_its_label_and_can_be_cancelled(service):
    batches = GroqBatches(api_key=service.key, base_url=service.base_url or None)
    with closing(batches):
        label = str(new_id())
        body = b"".join(batches.write_line(f"line-{n}", build_request()) for n in range(2))
        try:
            file_id = batches.upload(f"listwright-{label}.jsonl", body)
        except BatchUnavailableError as refusal:
            service.write_down("6. Are batches open to this plan?", f"no: {refusal.message}")
            return
        assert batches.find_file(f"listwright-{label}.jsonl") == file_id
        made = batches.create(file_id, label=label, window_h=24)
        found = batches.find(label, file_id="none")
        assert found is not None
        assert found.id == made.id
        service.write_down("6. Does a batch keep its metadata, so that it is found?", "yes")
        try:
            batches.cancel(made.id)
        except AppError as fault:
            service.write_down("6. How fast is a batch of two lines?", f"over at once: {fault}")
        assert batches.get(made.id).status in {
            *("validating", "in_progress", "finalizing", "completed", "cancelling", "cancelled"),
        }
        batches.delete_file(file_id)


def read_remaining(headers, kind: str) -> int:
    return int(headers[f"x-ratelimit-remaining-{kind}"])


def test_question_1_do_refused_requests_count(service):
    began_s, (_, before) = monotonic_s(), service.call()
    limit = int(before["x-ratelimit-limit-tokens"])
    too_much = {"max_completion_tokens": limit + 1}
    wrong = too_much if limit < 60_000 else {"reasoning_effort": "none"}
    [status] = {refuse(service, **wrong).status_code for _ in range(REFUSED)}
    _, after = service.call()
    # The day's requests flow back all the time.
    back = (monotonic_s() - began_s) * int(after["x-ratelimit-limit-requests"]) / 86_400
    gone = read_remaining(before, "requests") - read_remaining(after, "requests") - 1
    question = f"1. Of {REFUSED} refused requests ({status}) are counted"
    service.write_down(question, f"{gone} to {gone + back:.0f}")
    assert service.is_real or gone <= 0 <= gone + back + 1


def test_question_2_does_the_unused_part_of_the_cap_flow_back(service):
    _, headers = service.call(max_completion_tokens=4_000)
    limit = int(headers["x-ratelimit-limit-tokens"])
    missing = limit - read_remaining(headers, "tokens")
    service.write_down("2. Tokens missing after a call of about 100 with a cap of 4,000", missing)
    assert missing < 4_000 or service.is_real


def test_question_4_what_is_cached_and_does_the_schema_take_part(service):
    start = f"{new_id()} " + "Listings are short and true. " * 400
    messages = [{"role": "system", "content": start}, {"role": "user", "content": "Say yes."}]
    wanted = {
        "type": "json_schema",
        "json_schema": {"name": "one", "schema": build_schema(TEXT), "strict": True},
    }
    found = []
    for more in ({}, {}, {"response_format": wanted}):
        told, _ = service.call(messages=messages, **more)
        details = told["usage"].get("prompt_tokens_details") or {}
        found.append((told["usage"]["prompt_tokens"], details.get("cached_tokens", 0)))
    service.write_down("4. (prompt, cached) tokens: first, again, again with a schema", found)
    assert found[0][1] == 0


def test_question_5_which_words_of_a_schema_are_refused(service):
    refused = []
    for word in UNSUPPORTED:
        title = {**TEXT, word: {"pattern": "^a", "format": "date"}.get(word, 1)}
        try:
            ask(service, build_request(schema=build_schema(title)))
        except LlmRequestError:
            refused.append(word)
    service.write_down("5. Words of a strict schema that are refused", ", ".join(refused) or "none")
    assert service.is_real or refused == list(UNSUPPORTED)


def test_question_7_has_flex_limits_of_its_own(service):
    _, plain = service.call()
    try:
        _, flex = service.call(service_tier="flex")
    except groq.APIStatusError as error:
        service.write_down("7. Flex", f"refused with {error.status_code}: {error.message}")
        return
    limits = [one["x-ratelimit-limit-tokens"] for one in (plain, flex)]
    service.write_down("7. Tokens a minute, on demand and flex", limits)
    assert service.is_real or int(limits[1]) == 10 * int(limits[0])


def test_question_9_how_is_retry_after_written(service):
    _, headers = service.call()
    limit = int(headers["x-ratelimit-limit-tokens"])
    if limit > 20_000:
        service.write_down("9. retry-after", f"not asked: {limit} tokens a minute are too many")
        return
    error = refuse(service, max_completion_tokens=limit - 200)
    told = error.response.headers.get("retry-after")
    service.write_down("9. retry-after", f"{error.status_code}, {told!r}, {error.message}")
