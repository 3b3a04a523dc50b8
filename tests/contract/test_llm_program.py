"""The simulator as a program, and its control endpoints."""

import json
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path
from urllib.error import HTTPError

import pytest

from core.errors import LlmTransientError
from domain.catalogue import get_llm, list_llms
from gateways.groq_llm import GroqModel
from tests.support.groq_sim import running_groq
from tests.support.llm_calls import KEY, ask, build_request

ROOT = Path(__file__).parents[2]


def test_it_starts_says_where_and_stops_when_told():
    command = [sys.executable, "-m", "simulators.groq", "--port", "0", "--fault", "500@1"]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as program:
        try:
            assert program.stderr is not None
            said = program.stderr.readline()
            found = re.search(r"http://127\.0\.0\.1:\d+$", said)
            assert "nothing here is the real service" in said
            assert found
            model = GroqModel(api_key=KEY, base_url=found[0])
            with pytest.raises(LlmTransientError):
                model.complete(build_request(), timeout_s=30.0)
            assert model.complete(build_request(), timeout_s=30.0).text
            model.close()
        finally:
            program.send_signal(signal.SIGTERM)
        assert program.wait(timeout=10) == 0


def test_a_wrong_fault_ends_it_with_a_reason():
    command = [sys.executable, "-m", "simulators.groq", "--fault", "bogus:1"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert "KIND:0.05" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_faults_and_the_ledger_can_be_changed_from_outside():
    with running_groq() as simulator:
        simulator.set_faults("503")
        with pytest.raises(LlmTransientError):
            ask(simulator)
        simulator.set_faults()
        ask(simulator)
        assert simulator.ledger()["by_status"] == {"503": 1, "200": 1}
        assert [call["job"] for call in simulator.calls()] == ["ab12", "ab12"]
        simulator.reset()
        assert simulator.ledger()["calls"] == 0
        with pytest.raises(HTTPError) as refused:
            simulator.set_faults("bogus")
        assert refused.value.code == 400
        refused.value.close()


def test_its_model_list_agrees_with_our_catalogue():
    with running_groq() as simulator:
        request = urllib.request.Request(
            f"{simulator.url}/openai/v1/models", headers={"Authorization": f"Bearer {KEY}"}
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            listed = {entry["id"]: entry for entry in json.load(answer)["data"]}
    assert set(listed) == set(list_llms())
    for name, entry in listed.items():
        spec = get_llm(name)
        assert float(entry["pricing"]["prompt"]) == pytest.approx(spec.price_in / 1e12)
        assert float(entry["pricing"]["completion"]) == pytest.approx(spec.price_out / 1e12)
        assert float(entry["pricing"]["input_cache_read"]) == pytest.approx(
            spec.price_cached / 1e12
        )
        assert entry["context_length"] == spec.context_tokens
        assert entry["max_output_length"] == spec.max_output_tokens


def test_it_imports_nothing_of_the_product_but_the_core():
    pattern = re.compile(r"^\s*(?:from|import) (\w+)", re.MULTILINE)
    ours = {path.name for path in ROOT.iterdir() if (path / "__init__.py").is_file()}
    for path in (ROOT / "simulators" / "groq").glob("*.py"):
        imported = set(pattern.findall(path.read_text())) & ours
        assert imported <= {"core", "simulators"}, path.name
