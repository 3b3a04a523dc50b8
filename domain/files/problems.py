"""What is wrong with a file's rows, as a CSV that is safe to open in a spreadsheet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from domain.files.cells import neutralize
from domain.files.source import RowProblem
from domain.files.supplement import format_line

_HEADER = ("line", "column", "code", "message", "value")


def write_problems(problems: Iterable[RowProblem]) -> Iterator[bytes]:
    """UTF-8 with a byte order mark, a line per problem, in their order.

    ``line`` is the physical line of the seller's file, from 1. Cells that a spreadsheet would take
    for formulas get an apostrophe: this is a report for people, not the seller's file.
    """
    yield b"\xef\xbb\xbf" + format_line(_HEADER)
    for problem in problems:
        cells = (problem.column, problem.code, problem.message, problem.value)
        yield format_line([str(problem.line), *(neutralize(cell) for cell in cells)])
