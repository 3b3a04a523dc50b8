"""Files and batches through the groq library, on the simulator."""

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from core.errors import BatchUnavailableError, LlmRefusedError, LlmRequestError, LlmTransientError
from domain.batch_lane import BatchAnswer
from domain.catalogue import BATCH, cost_picousd, get_llm
from gateways.groq_batches import GroqBatches, read_line
from tests.support.groq_sim import GroqSimulator, running_groq
from tests.support.llm_calls import KEY, build_request

DAY_S = 86_400


@contextmanager
def open_batches(simulator: GroqSimulator, *, key: str = KEY) -> Iterator[GroqBatches]:
    with closing(GroqBatches(api_key=key, base_url=simulator.url)) as batches:
        yield batches


def build_body(batches: GroqBatches, *ids: str) -> bytes:
    return b"".join(batches.write_line(one, build_request()) for one in ids or ("a", "b", "c"))


def submit(batches: GroqBatches, body: bytes, *, name: str = "one.jsonl") -> str:
    return batches.create(batches.upload(name, body), label="one", window_h=24).id


def read_all(batches: GroqBatches, batch_id: str) -> dict[str, BatchAnswer]:
    status = batches.get(batch_id)
    assert status.is_over
    files = [one for one in (status.output_file_id, status.error_file_id) if one]
    return {one.custom_id: one for file_id in files for one in batches.read_answers(file_id)}


def test_a_batch_answers_every_line_at_half_the_price_and_off_the_limits():
    with running_groq() as simulator, open_batches(simulator) as batches:
        batch_id = submit(batches, build_body(batches))
        assert batches.get(batch_id).status == "validating"
        simulator.advance(60)
        assert batches.get(batch_id).status == "in_progress"
        simulator.advance(3600)
        answers = read_all(batches, batch_id)
        ledger, limits = simulator.ledger(), simulator.limits()
    assert set(answers) == {"a", "b", "c"}
    replies = [one.reply for one in answers.values() if one.reply]
    assert all(json.loads(reply.text)["title"] for reply in replies)
    assert all("x-listwright-simulator" in reply.headers for reply in replies)
    ours = sum(
        cost_picousd(
            get_llm("openai/gpt-oss-20b"),
            prompt_tokens=reply.prompt_tokens,
            cached_tokens=reply.cached_tokens,
            completion_tokens=reply.completion_tokens,
            tier=BATCH,
        )
        for reply in replies
    )
    assert ours == ledger["cost_picousd"]
    assert ledger["by_tier"] == {"batch": 3}
    assert limits == {}


def test_a_file_and_a_batch_are_found_again_by_name_and_label():
    with running_groq() as simulator, open_batches(simulator) as batches:
        assert batches.find_file("one.jsonl") == ""
        assert batches.find("one", file_id="none") is None
        file_id = batches.upload("one.jsonl", build_body(batches))
        assert batches.find_file("one.jsonl") == file_id
        made = batches.create(file_id, label="one", window_h=48)
        for found in (
            batches.find("one", file_id="none"),
            batches.find("other", file_id=file_id),
        ):
            assert found is not None
            assert found.id == made.id
        batches.delete_file(file_id)
        assert batches.find_file("one.jsonl") == ""


def test_what_goes_wrong_with_a_line_stands_in_the_error_file():
    with running_groq(faults=("500@2",)) as simulator, open_batches(simulator) as batches:
        batch_id = submit(batches, build_body(batches))
        simulator.advance(3600)
        answers = read_all(batches, batch_id)
    assert [one.custom_id for one in answers.values() if one.reply is None] == ["b"]
    assert "internal_server_error" in answers["b"].error


def test_what_a_window_leaves_undone_has_expired():
    with (
        running_groq(batch_work_s=2 * DAY_S) as simulator,
        open_batches(simulator) as batches,
    ):
        batch_id = submit(batches, build_body(batches, *map(str, range(10))))
        simulator.advance(DAY_S + 60)
        answers = read_all(batches, batch_id)
        assert batches.get(batch_id).status == "expired"
        assert simulator.ledger()["billed_calls"] == 4
    assert sum(one.reply is None for one in answers.values()) == 6
    assert "batch_expired" in answers["9"].error


def test_a_cancelled_batch_gives_out_what_was_done():
    with running_groq(batch_work_s=DAY_S) as simulator, open_batches(simulator) as batches:
        batch_id = submit(batches, build_body(batches, *map(str, range(10))))
        simulator.advance(DAY_S / 2)
        batches.cancel(batch_id)
        assert batches.get(batch_id).status == "cancelling"
        simulator.advance(60)
        assert batches.get(batch_id).status == "cancelled"
        assert len(read_all(batches, batch_id)) == 4
        simulator.advance(DAY_S)
        assert simulator.ledger()["billed_calls"] == 4
        with pytest.raises(LlmRequestError):
            batches.cancel(batch_id)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"{not json}\n", "not parseable"),
        (b'{"custom_id": "d", "method": "POST", "url": "/v1/models"}\n', "must be a POST"),
        (b'{"method": "POST"}\n', "custom_id"),
    ],
)
def test_a_wrong_line_makes_the_whole_batch_fail_with_its_number(body, reason):
    with running_groq() as simulator, open_batches(simulator) as batches:
        batch_id = submit(batches, build_body(batches) + body)
        simulator.advance(60)
        status = batches.get(batch_id)
    assert status.status == "failed"
    assert status.error.startswith("line 4:")
    assert reason in status.error


def test_the_free_plan_has_no_batches():
    with running_groq(plan="free") as simulator, open_batches(simulator) as batches:
        with pytest.raises(BatchUnavailableError) as refused:
            batches.upload("one.jsonl", build_body(batches))
        assert "not available for your plan" in refused.value.message


def test_errors_are_told_apart():
    with running_groq(key="another") as simulator, open_batches(simulator) as batches:
        with pytest.raises(LlmRefusedError) as refused:
            batches.find_file("x")
        assert not isinstance(refused.value, BatchUnavailableError)
        assert KEY not in str(refused.value)
    with running_groq() as simulator, open_batches(simulator) as batches:
        assert batches.get("batch_unknown").status == "failed"
        simulator.set_file_faults("503")
        with pytest.raises(LlmTransientError):
            batches.find_file("x")
        simulator.set_file_faults()
        file_id = batches.upload("x.jsonl", build_body(batches))
        with pytest.raises(LlmRequestError):
            batches.create(file_id, label="x", window_h=1)


def test_what_is_lost_on_the_way_back_was_done_all_the_same():
    with running_groq() as simulator, open_batches(simulator) as batches:
        simulator.set_file_faults("lost")
        with pytest.raises(LlmTransientError):
            batches.upload("one.jsonl", build_body(batches))
        simulator.set_file_faults("reset")
        with pytest.raises(LlmTransientError):
            batches.upload("two.jsonl", build_body(batches))
        simulator.set_file_faults()
        assert batches.find_file("one.jsonl")
        assert not batches.find_file("two.jsonl")


@pytest.mark.parametrize("line", ["", "no json", "[]", '{"response": {}}', "null"])
def test_a_line_that_is_none_is_left_out(line):
    assert read_line(line, {}) is None


@pytest.mark.parametrize(
    "response",
    ["null", '{"status_code": 500}', '{"status_code": 200, "body": {}}', '{"status_code": 200}'],
)
def test_a_line_without_an_answer_says_why(response):
    answer = read_line('{"custom_id": "a", "error": null, "response": ' + response + "}", {})
    assert answer is not None
    assert answer.reply is None
