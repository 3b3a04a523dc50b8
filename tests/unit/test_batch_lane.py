"""The batch lane's names and the simulator's clockwork behind it."""

import re

import pytest

from core.ids import new_id
from domain.batch_lane import (
    FALLBACK_SHARE,
    RECALL_SHARE,
    BatchStatus,
    build_custom_id,
    build_file_name,
)
from embedded.batch_desk import describe_lane
from simulators.groq.__main__ import build_parser, parse_config
from simulators.groq.files import ScaledClock
from simulators.groq.prefix_cache import BLOCK_TOKENS, LIFE_S, PrefixCache


def test_a_line_is_named_by_job_attempt_and_request():
    job_id = new_id()
    name = build_custom_id(job_id, claim_no=3, request_hash="0123456789abcdef" * 4)
    assert name == f"{job_id}.3.0123456789abcdef"
    assert len(name) <= 64
    assert name != build_custom_id(job_id, claim_no=4, request_hash="0123456789abcdef" * 4)


def test_a_file_is_named_by_its_batch():
    assert re.fullmatch(r"listwright-[0-9a-f-]{36}\.jsonl", build_file_name(new_id()))


def test_the_rest_is_recalled_before_it_comes_back_by_itself():
    assert 0.5 < RECALL_SHARE < FALLBACK_SHARE < 1


@pytest.mark.parametrize(
    ("status", "over"),
    [
        ("validating", False),
        ("in_progress", False),
        ("finalizing", False),
        ("cancelling", False),
        ("completed", True),
        ("failed", True),
        ("expired", True),
        ("cancelled", True),
    ],
)
def test_a_batch_is_over_once_its_files_are_whole(status, over):
    assert BatchStatus(id="b", status=status).is_over is over


def test_a_closed_lane_says_why_and_how_to_open_it():
    shown = {"open": False, "refusal": "The plan has none.", "waiting": 2, "batches": []}
    assert describe_lane(shown) == [
        "The batch lane is closed.",
        "The plan has none. Then: flask groq batches --again.",
        "2 jobs wait to be put into a file.",
    ]


def test_only_whole_blocks_of_the_beginning_are_cached_and_they_age():
    cache = PrefixCache()
    start = "a" * 448 * 10
    assert cache.take_in("m", start, now_s=0) == 0
    assert cache.take_in("m", start + "b" * 448, now_s=1) == 10 * BLOCK_TOKENS
    assert cache.take_in("m", "b" + start, now_s=1) == 0
    assert cache.take_in("other", start, now_s=1) == 0
    assert cache.take_in("m", start[: 448 * 7], now_s=2) == 0
    assert cache.take_in("m", start, now_s=2 + LIFE_S) == 0


def test_time_can_be_let_pass():
    clock = ScaledClock(scale=1000.0)
    before_s = clock.elapsed_s
    clock.advance(3600)
    assert clock.elapsed_s >= before_s + 3600
    assert clock.to_unix(60) - clock.to_unix(0) == 60


def test_a_plan_sets_the_limits_and_single_flags_change_them():
    free = parse_config(build_parser().parse_args(["--plan", "free", "--rpm", "5", "--tpd", "0"]))
    assert (free.plan, free.requests_per_minute, free.tokens_per_minute) == ("free", 5, 8_000)
    assert (free.requests_per_day, free.tokens_per_day) == (1_000, 0)
    plain = parse_config(build_parser().parse_args([]))
    assert (plain.requests_per_minute, plain.tokens_per_minute) == (1_000, 250_000)
