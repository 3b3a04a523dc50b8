"""What must not stand in the repository: one machine's paths, an index's address, vague names."""

from __future__ import annotations

import ast
import re

import pytest

from tests.house.repo import PRODUCT, ROOT, list_python, list_texts, name_of, parse


def spell(*words: str) -> re.Pattern[str]:
    """A pattern for any of these words; ``~`` keeps a word apart, so that no word stands here."""
    return re.compile("|".join(word.replace("~", "") for word in words), re.MULTILINE)


MACHINE_PATHS = spell(r"(?<![\w.}~])/wo~rk/", r"(?<![\w.}~])/ro~ot/", re.escape(str(ROOT)) + r"\b")
INDEX_HOSTS = spell(
    r"py~pi\.(org|python\.org)",
    r"python~hosted\.org",
    r"npm~js\.(org|com)",
    r"--(extra-)?index~-url[ =]\S",
    r"^-i~ http",
)
VAGUE = {"handle", "manage", "do", "data", "info", "util", "helper", "common"}
VAGUE_FILES = VAGUE | {"utils", "helpers", "misc", "queue", "redis", "groq", "types", "logging"}


def find_breaches(pattern: re.Pattern[str]) -> list[str]:
    """``file: text`` of every place that matches."""
    return [
        f"{name_of(path)}: {match.group()}"
        for path in list_texts()
        for match in pattern.finditer(path.read_text(encoding="utf-8"))
    ]


def find_vague_functions(tree: ast.Module) -> list[str]:
    """Functions of a module whose name begins with a word that says nothing.

    Methods are not looked at: a library's base class may have named them.
    """
    return [
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and node.name.lstrip("_").split("_")[0] in VAGUE
    ]


@pytest.mark.parametrize("pattern", [MACHINE_PATHS, INDEX_HOSTS], ids=["machine", "index"])
def test_no_file_names_one_machine_or_an_index(pattern):
    assert len(list_texts()) > 100
    assert not find_breaches(pattern)


def test_the_patterns_find_what_they_are_for():
    for path in ('open("/wo~rk/main/x")', "`/ro~ot/x`"):
        assert MACHINE_PATHS.search(path.replace("~", ""))
    assert not MACHINE_PATHS.search("frame~wo~rk/x".replace("~", ""))
    for host in ("https://py~pi.org/simple", "--index~-url https://example.com", "-i~ http://x"):
        assert INDEX_HOSTS.search(host.replace("~", ""))
    assert not INDEX_HOSTS.search("--no-emit-index~-url".replace("~", ""))


def test_functions_say_what_they_do():
    found = {
        name_of(path): vague
        for path in list_python(*PRODUCT)
        if (vague := find_vague_functions(parse(path)))
    }
    assert not found


def test_a_vague_function_is_found():
    assert find_vague_functions(ast.parse("def _handle_job(): ...")) == ["_handle_job"]


def test_files_are_named_for_their_duty():
    assert not [name_of(path) for path in list_python(*PRODUCT) if path.stem in VAGUE_FILES]
