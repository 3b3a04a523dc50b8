"""The simulator's parts: the provider's arithmetic, faults by seed, and its set-up."""

from typing import Any

import pytest

from simulators.groq.__main__ import build_parser, parse_config
from simulators.groq.config import SimulatorConfig
from simulators.groq.faults import Fault, FaultPlan, parse_fault
from simulators.groq.limits import Bucket, Demand, ModelLimits, format_duration


@pytest.mark.parametrize(
    ("limit", "period_s", "used", "requested", "stated_s"),
    [
        (5_000, 60, 5_747, 4_251, 59.977),
        (7_000, 60, 0, 12_903, 50.597),
        (6_000, 60, 3_513, 3_166, 6.781),
        (6_000, 60, 5_034, 1_443, 4.77),
        (500_000, 86_400, 500_370, 252, 107.59),
        (100_000, 86_400, 97_050, 3_619, 578.016),
        (200_000, 86_400, 199_336, 1_524, 371.52),
    ],
)
def test_waits_are_those_that_groq_stated_in_public_errors(
    limit, period_s, used, requested, stated_s
):
    bucket = Bucket(limit, period_s, used=used)
    assert bucket.wait_s(requested) == pytest.approx(stated_s, abs=0.15)


def test_a_bucket_flows_back_evenly():
    bucket = Bucket(250_000, 60, used=1_633)
    assert bucket.reset_s == pytest.approx(0.3919, abs=0.001)
    bucket.refill(0.2)
    assert bucket.used == pytest.approx(1_633 - 250_000 / 300)
    bucket.refill(60)
    assert bucket.used == 0


def build_limits(*, tokens: int = 1_000, requests: int = 10, **more: Any) -> ModelLimits:
    config = SimulatorConfig(
        requests_per_minute=requests, tokens_per_minute=tokens, requests_per_day=100, **more
    )
    return ModelLimits(config, started_s=0)


def test_the_limiter_books_the_cap_and_settles_to_what_was_used():
    limits = build_limits()
    assert limits.admit(Demand(600, 300), now_s=0) is None
    breach = limits.admit(Demand(200), now_s=0)
    assert breach is not None
    assert breach.wait_s == pytest.approx(6.0)
    assert "tokens per minute (TPM): Limit 1000, Used 900, Requested 200" in breach.describe("m")
    assert "Please try again in 6s." in breach.describe("m")
    limits.settle(booked=Demand(600, 300), used=Demand(50, 50), now_s=0)
    assert limits.admit(Demand(200), now_s=0) is None
    assert limits.headers(0)["x-ratelimit-remaining-tokens"] == "700"
    assert limits.headers(0)["x-ratelimit-remaining-requests"] == "98"


def test_what_never_fits_has_no_wait():
    breach = build_limits().admit(Demand(1_001), now_s=0)
    assert breach is not None
    assert breach.wait_s is None
    assert "Request too large" in breach.describe("m")


def test_requests_have_their_own_limit():
    limits = build_limits(requests=1)
    limits.admit(Demand(1), now_s=0)
    breach = limits.admit(Demand(1), now_s=0)
    assert breach is not None
    assert "requests per minute (RPM)" in breach.describe("m")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0ms"),
        (0.391, "391ms"),
        (6.0, "6s"),
        (7.66, "7.66s"),
        (179.56, "2m59.56s"),
        (3_600, "1h0m0s"),
        (43_199, "11h59m59s"),
    ],
)
def test_durations_are_written_as_go_does(seconds, text):
    assert format_duration(seconds) == text


def draw(plan: FaultPlan, count: int) -> list[Fault]:
    return [plan.choose("") for _ in range(count)]


def test_faults_come_by_seed():
    def build(seed: int) -> list[Fault]:
        return draw(FaultPlan(seed=seed, faults=("500:0.2", "cut:0.1"), script=()), 500)

    drawn = build(1)
    assert drawn == build(1) != build(2)
    assert 60 < drawn.count(Fault.SERVER_ERROR) < 140
    assert 15 < drawn.count(Fault.CUT) < 70


def test_a_script_comes_first_then_the_numbered_faults():
    plan = FaultPlan(seed=0, faults=("429@3", "500@5-6"), script=("401", "ok"))
    assert draw(plan, 7) == ["401", "ok", "429", "ok", "500", "500", "ok"]


def test_a_mark_in_the_text_wins_and_an_unknown_one_is_only_text():
    plan = FaultPlan(seed=0, faults=("401",), script=())
    assert plan.choose("Mug [[fault:empty]]") is Fault.EMPTY
    assert plan.choose("Mug [[fault:ok]]") is Fault.NONE
    assert plan.choose("Mug [[fault:bogus]]") is Fault.BAD_KEY


def test_rules_can_be_replaced_while_it_runs():
    plan = FaultPlan(seed=0, faults=("401",), script=())
    plan.replace([])
    assert plan.choose("") is Fault.NONE


@pytest.mark.parametrize("text", ["nonsense:0.1", "500:often", "500@x", "", "500@3-"])
def test_a_wrong_fault_names_the_forms_and_kinds(text):
    if text == "500@3-":
        assert parse_fault(text).last == 3
        return
    with pytest.raises(ValueError, match=r"KIND:0\.05 or KIND@3") as caught:
        parse_fault(text)
    assert "blocked" in str(caught.value)


def test_the_command_line_becomes_a_set_up(tmp_path):
    script = tmp_path / "script"
    script.write_text("ok\n500\n")
    line = f"--rpm 30 --tpm 8000 --fault 500:0.1 cut:0.2 --fault 401@9 --script {script} --key k"
    config = parse_config(build_parser().parse_args(line.split()))
    assert (config.requests_per_minute, config.tokens_per_minute, config.key) == (30, 8_000, "k")
    assert config.faults == ("500:0.1", "cut:0.2", "401@9")
    assert config.script == ("ok", "500")
