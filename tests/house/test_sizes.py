"""Nothing grows beyond what one person can hold in mind."""

from __future__ import annotations

import ast
import statistics
from pathlib import Path

from tests.house.repo import PRODUCT, list_python, name_of, parse

MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 50
MAX_MEDIAN_LINES = 10


def list_functions(tree: ast.AST) -> list[tuple[str, int]]:
    """(name, lines from ``def`` to the end) of every function, methods and inner ones included."""
    return [
        (node.name, (node.end_lineno or node.lineno) - node.lineno + 1)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]


def find_long_files(paths: list[Path]) -> list[str]:
    """Files over the limit, with their length."""
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in paths}
    return [f"{path.name}: {lines}" for path, lines in lengths.items() if lines > MAX_FILE_LINES]


def is_front_only(tree: ast.Module) -> bool:
    """Whether a module says what it is and at most what it offers from within, and does nothing."""
    offers = tree.body[1:]
    return ast.get_docstring(tree) is not None and (not offers or is_offer(offers))


def is_offer(body: list[ast.stmt]) -> bool:
    """Whether these are imports from the domain's own rooms, then ``__all__``."""
    *imports, last = body
    return ast.unparse(last).startswith("__all__ = [") and all(
        isinstance(node, ast.ImportFrom) and (node.module or "").startswith("domain.")
        for node in imports
    )


def test_no_file_is_over_four_hundred_lines():
    assert not find_long_files(list_python())


def test_no_function_is_over_fifty_lines():
    too_long = [
        f"{name_of(path)} {name}: {lines}"
        for path in list_python()
        for name, lines in list_functions(parse(path))
        if lines > MAX_FUNCTION_LINES
    ]
    assert not too_long


def test_half_of_the_product_s_functions_have_ten_lines_at_most():
    lengths = [lines for path in list_python(*PRODUCT) for _, lines in list_functions(parse(path))]
    assert len(lengths) > 100
    assert statistics.median(lengths) <= MAX_MEDIAN_LINES


def test_packages_hold_a_docstring_and_what_they_offer():
    packages = [path for path in list_python() if path.name == "__init__.py"]
    assert len(packages) > 10
    assert not [name_of(path) for path in packages if not is_front_only(parse(path))]


def test_these_checks_see_a_breach(tmp_path):
    long_file = tmp_path / "long.py"
    long_file.write_text("x = 1\n" * (MAX_FILE_LINES + 1))
    assert find_long_files([long_file]) == ["long.py: 401"]
    body = "    x = 1\n" * MAX_FUNCTION_LINES
    assert list_functions(ast.parse(f"class A:\n  def f(self):\n{body}")) == [("f", 51)]
    assert not is_front_only(ast.parse('"""Doc."""\nimport os\n'))
    assert not is_front_only(ast.parse('"""Doc."""\nfrom domain.gate.verdict import judge\n'))
