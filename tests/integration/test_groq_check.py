"""`flask groq check` against the simulator: drift is told, what is gone is taken out of use."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from core.errors import LlmRefusedError, LlmTransientError, SettingsError
from domain.catalogue import DEFAULT_LLM
from embedded.llm_desk import run_groq_check, run_groq_enable
from services.alarms import list_events
from services.deps import open_model_list
from services.llm_check import check_models, list_disabled, require_llm
from simulators.groq import config
from tests.support.groq_sim import running_groq
from tests.support.llm_door import open_groq_deps
from workers.runtime import Runtime

pytestmark = pytest.mark.servers

OTHER = "openai/gpt-oss-120b"


@pytest.fixture
def groq():
    with running_groq(key="gsk_test") as simulator:
        yield simulator


@pytest.fixture
def deps(database_url, redis_url, groq):
    with open_groq_deps(database_url, redis_url, groq) as made:
        yield made


@pytest.fixture
def run(database_url, redis_url, groq, capsys):
    """Run the command as the shell would; its exit code and what it printed."""
    environ = {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "GROQ_API_KEY": "gsk_test",
        "GROQ_BASE_URL": groq.url,
    }

    def run(*, as_json=False, **more):
        code = run_groq_check({**environ, **more}, as_json=as_json)
        return code, capsys.readouterr().out

    return run


def check(deps):
    with open_model_list(deps.settings) as models:
        return check_models(deps, models)


def test_all_in_order(deps, run):
    code, said = run()
    assert code == 0
    assert f"{DEFAULT_LLM} (configured): ok" in said
    assert list_events(deps) == []


def test_another_price_is_alarmed_and_changes_nothing(deps, run, monkeypatch):
    dearer = replace(config.MODELS[DEFAULT_LLM], price_out=400_000)
    monkeypatch.setitem(config.MODELS, DEFAULT_LLM, dearer)
    code, said = run(as_json=True)
    assert code == json.loads(said)["exit_code"] == 1
    [event] = list_events(deps)
    assert (event["kind"], event["key"], event["level"]) == ("price_drift", DEFAULT_LLM, "error")
    assert "$0.4, not $0.3" in event["message"]
    assert list_disabled(deps) == {}
    require_llm(deps)


def test_a_model_that_is_gone_is_out_of_use_until_it_is_enabled(deps, run, monkeypatch, capsys):
    kept = config.MODELS[OTHER]
    monkeypatch.delitem(config.MODELS, OTHER)
    assert check(deps).newly_disabled == (OTHER,)
    assert check(deps).newly_disabled == ()
    [event] = list_events(deps)
    assert (event["kind"], event["key"], event["repeats"]) == ("model_retired", OTHER, 1)
    assert list_disabled(deps) == {OTHER: "the provider lists it no more"}
    require_llm(deps)

    monkeypatch.setitem(config.MODELS, OTHER, kept)
    code, said = run()
    assert (code, f"flask groq enable {OTHER}" in said) == (1, True)
    environ = {"DATABASE_URL": deps.settings.database_url, "REDIS_URL": deps.settings.redis_url}
    assert run_groq_enable(environ, OTHER) == 0
    assert "may be used again" in capsys.readouterr().out
    assert run()[0] == 0


def test_a_worker_does_not_start_with_a_model_that_is_gone(deps, monkeypatch):
    monkeypatch.delitem(config.MODELS, DEFAULT_LLM)
    check(deps)
    runtime = Runtime(deps)
    with pytest.raises(SettingsError, match="out of use") as caught:
        runtime.start(["bulk"], 1)
    assert f"flask groq enable {DEFAULT_LLM}" in caught.value.remedy


def test_a_list_of_strangers_is_believed_in_nothing(deps, monkeypatch):
    for name in tuple(config.MODELS):
        monkeypatch.setitem(config.MODELS, f"other/{name}", config.MODELS[name])
        monkeypatch.delitem(config.MODELS, name)
    with pytest.raises(LlmTransientError, match="no model we know"):
        check(deps)
    assert list_disabled(deps) == {}


def test_a_wrong_key_is_said(run):
    with pytest.raises(LlmRefusedError, match="refuses the API key"):
        run(GROQ_API_KEY="gsk_other")


def test_without_a_key_nobody_is_asked(run):
    with pytest.raises(SettingsError, match="no key"):
        run(GROQ_API_KEY="")


def test_nobody_there_is_said(run):
    with pytest.raises(LlmTransientError, match="cannot be reached"):
        run(GROQ_BASE_URL="http://127.0.0.1:1")
