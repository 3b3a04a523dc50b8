"""Every error code is known to the web and stands in the documentation."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import core.errors
from core.errors import AppError
from web.errors import build_pointer
from web.problems import PROBLEMS, get_code

DOCS = Path(__file__).resolve().parents[3] / "docs" / "errors.md"
INSIDE = {
    *("bad_settings", "llm_unavailable", "llm_refused", "llm_bad_request", "llm_bad_output"),
    *("worker_lost", "batch_halted", "run_abandoned", "rules_fallback"),
    "batch_unavailable",
}
"""Codes that never leave the process as an answer: they end a job or a start."""


def iter_errors(base: type[AppError] = AppError) -> Iterator[type[AppError]]:
    yield base
    for child in base.__subclasses__():
        if child.__module__ == core.errors.__name__:
            yield from iter_errors(child)


def test_every_error_has_its_problem_with_the_same_status():
    for error in iter_errors():
        if error.code not in INSIDE:
            assert PROBLEMS[error.code].status == error.http_status, error.code


def test_every_code_is_documented_and_nothing_else():
    documented = set(
        re.findall(r"^\| `([a-z_]+)` \|", DOCS.read_text(encoding="utf-8"), re.MULTILINE)
    )
    assert documented == set(PROBLEMS) | INSIDE


def test_a_status_without_a_code_gets_one():
    assert get_code(418) == "bad_request"
    assert get_code(404) == "not_found"
    assert get_code(507) == "internal_error"


def test_pointers_escape_what_json_pointers_escape():
    assert build_pointer(["listing", "attributes", "a/b~c", 0]) == "#/listing/attributes/a~1b~0c/0"
    assert build_pointer([]) == "#"
