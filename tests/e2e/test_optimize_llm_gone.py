"""`flask optimize` with a language model that is out of use: said before, never waited for."""

from __future__ import annotations

from pathlib import Path

import pytest

from domain.catalogue import DEFAULT_LLM, list_llms
from services.llm_check import disable_llm
from tests.support.command import build_command
from tests.support.groq_sim import running_groq
from tests.support.jobs import make_csv, open_deps, query

pytestmark = pytest.mark.servers

OTHER = "openai/gpt-oss-120b"


@pytest.fixture
def groq():
    with running_groq() as simulator:
        yield simulator


@pytest.fixture
def run(database_url, redis_url, tmp_path, groq):
    """The command on a file of two listings."""
    command = build_command(
        database_url, redis_url, tmp_path, GROQ_API_KEY="gsk_test", GROQ_BASE_URL=groq.url
    )
    file: Path = tmp_path / "products.csv"
    file.write_bytes(make_csv(2))
    return lambda *more, **environ: command.run(
        file, "--channel", "ebay", "--json", *more, **environ
    )


@pytest.fixture
def deps(database_url, redis_url):
    with open_deps(database_url, redis_url) as made:
        yield made


def test_the_model_that_was_asked_for_is_refused_before_the_estimate(run, deps, groq):
    disable_llm(deps, DEFAULT_LLM, "the provider lists it no more")
    ended = run("--engine", "groq")
    assert ended.code == 2
    assert f"{DEFAULT_LLM} is out of use" in ended.err
    assert f"flask groq enable {DEFAULT_LLM}" in ended.err
    assert "GROQ_MODEL" in ended.err
    assert "Estimate" not in ended.err
    assert (groq.ledger()["calls"], query(deps, "SELECT id FROM app.job")) == (0, [])


def test_auto_goes_along_the_chain_and_says_why(run, deps, groq):
    disable_llm(deps, DEFAULT_LLM, "the provider lists it no more")
    ended = run()
    assert ended.code == 0, ended.err
    assert ended.object["engine"] == {"groq": 2, "rules": 0}
    assert any(
        DEFAULT_LLM in note and OTHER in note and "lists it no more" in note
        for note in ended.object["notes"]
    )


def test_auto_without_any_model_is_done_by_rules(run, deps, groq):
    for name in list_llms():
        disable_llm(deps, name, "the provider lists it no more")
    ended = run()
    assert ended.code == 0, ended.err
    assert ended.object["engine"] == {"groq": 0, "rules": 2}
    assert any("the rules engine writes" in note for note in ended.object["notes"])


def test_a_model_that_nobody_knows_is_refused_at_once(run, groq):
    ended = run(GROQ_MODEL="openai/gpt-oss-21b")
    assert ended.code == 2
    assert "GROQ_MODEL" in ended.err
