"""What a run says at its end, for people and programs."""

from __future__ import annotations

import sys
from typing import Any

from domain.files.forms import Form
from embedded.progress import build_line
from embedded.report import build_object, build_rows, print_table

DONE: dict[str, Any] = {
    "channel": "ebay",
    "format": "csv",
    "confidence": 1.0,
    "rows": 2,
    "products": 2,
    "options": {"profile": "", "limit": None, "mode": "fix"},
    "left_alone": [],
    "muted": {},
    "problems_total": 0,
    "problems": [],
    "notes": [],
}


def tell(counts: dict[str, float], *, failures=(), **more: Any) -> dict[str, Any]:
    done = {**DONE, "progress": {"counts": counts, "halt_reason": ""}, **more}
    return build_object(
        done, form=Form.FULL, out="out.csv", notes=[], failures=failures, duration_s=1.0
    )


def test_calls_without_an_answer_are_told_with_what_they_cost_at_most():
    told = tell({"completed": 2}, unanswered=(3, 1_500_000_000))
    assert (told["unanswered_calls"], told["unanswered_most_microusd"]) == (3, 1500)
    assert any(
        "3 calls may have been billed without an answer (at most $0.0015" in note
        for note in told["notes"]
    )


def test_a_run_that_did_nothing_says_so(capsys):
    failures = [
        {"listing": key, "state": "discarded", "message": "Groq refuses the API key."}
        for key in "ABC"
    ]
    told = tell({"discarded": 3}, failures=failures)
    rows = dict(build_rows(told))
    assert rows["outcome"] == "nothing was done"
    assert "score" not in rows
    print_table(told, sys.stdout)
    assert "failed: A and 2 more: Groq refuses the API key." in capsys.readouterr().out


def test_one_is_one():
    notes = tell({"completed": 1, "partial": 1, "simulated": 2})["notes"]
    assert any(note.startswith("1 listing was done in part") for note in notes)
    assert any(note.startswith("2 listings were answered by a simulator") for note in notes)


def test_who_waits_tells_the_reason_and_no_time_left():
    line = build_line("optimizing", 3, 6, elapsed_s=10.0, waits="waiting: a cap")
    assert line.endswith("3/6, waiting: a cap")
    assert build_line("optimizing", 3, 6, elapsed_s=10.0).endswith("10 s left")


def test_rows_refused_as_they_stand_are_counted():
    told = tell({"completed": 1}, estimate={"refused": 1})
    assert told["refused_products"] == 1
    assert "0 failed, 1 refused as they stand in the file" in dict(build_rows(told))["listings"]


def test_a_field_that_no_model_saw_is_named():
    notes = tell({"completed": 1, "too_long_description": 1})["notes"]
    assert any("1 listing was not rewritten" in one and "description" in one for one in notes)
