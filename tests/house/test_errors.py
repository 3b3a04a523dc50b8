"""Every code a program can meet is explained."""

from __future__ import annotations

import re

from core import errors
from tests.house.repo import list_python, read
from web.problems import PROBLEMS

WRITTEN = (
    re.compile(r"error_code = (?:CASE WHEN [^']* THEN )?'([a-z_]+)'"),
    re.compile(r"\bcode=\"([a-z_]+)\""),
    re.compile(r"\"error_code\": \"([a-z_]+)\""),
)


def list_error_codes() -> list[str]:
    """The codes of the error tree."""
    waiting, codes = [errors.AppError], set()
    while waiting:
        one = waiting.pop()
        codes.add(one.code)
        waiting += one.__subclasses__()
    return sorted(codes)


def list_written_codes() -> list[str]:
    """Codes that services and tables write without an error of the tree."""
    texts = [path.read_text(encoding="utf-8") for path in list_python("services", "models")]
    return sorted({code for text in texts for one in WRITTEN for code in one.findall(text)})


def test_the_codes_are_found():
    assert "too_large" in list_error_codes()
    assert "worker_lost" in list_written_codes()


def test_every_code_is_documented():
    page = read("docs/errors.md")
    codes = {*list_error_codes(), *list_written_codes(), *PROBLEMS}
    assert not sorted(code for code in codes if f"`{code}`" not in page)
