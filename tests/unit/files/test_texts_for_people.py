"""Paste texts and reports of problems."""

from __future__ import annotations

import csv
import io

from domain.files.paste import write_paste_text
from domain.files.problems import write_problems
from domain.files.source import RowProblem, SupplementRow


def test_paste_text_names_each_listing_and_its_new_texts():
    rows = [
        SupplementRow(
            key="M-1", fields={"tags": ("red mug", "gift"), "title": "Mug", "description": "a\nb"}
        ),
        SupplementRow(key="M-2", fields={"materials": ()}),
    ]
    rule = "=" * 60
    assert b"".join(write_paste_text(rows)).decode() == (
        f"{rule}\nListing 1: M-1\n{rule}\n\n"
        "TITLE\nMug\n\nDESCRIPTION\na\nb\n\nTAGS (2)\nred mug, gift\n\n"
        f"{rule}\nListing 2: M-2\n{rule}\n\nMATERIALS\n(leave empty)\n\n"
    )


def test_problems_as_a_table_that_runs_no_formula():
    problems = [
        RowProblem(line=7, column="title", code="bad_quoting", message='A "quote".', value="=1+1"),
        RowProblem(
            line=9, column="-x", code="too_few_cells", message="Short,\nrow", value="\ud800"
        ),
    ]
    text = b"".join(write_problems(problems)).decode("utf-8-sig")
    assert list(csv.reader(io.StringIO(text, newline=""))) == [
        ["line", "column", "code", "message", "value"],
        ["7", "title", "bad_quoting", 'A "quote".', "'=1+1"],
        ["9", "'-x", "too_few_cells", "Short,\nrow", "?"],
    ]
    assert len(b"".join(write_problems([])).splitlines()) == 1
