"""The tools that hold the walls look at every room."""

from __future__ import annotations

import tomllib
from importlib.metadata import packages_distributions

import pytest

from tests.house.repo import ROOMS, ROOT, read

PROJECT = tomllib.loads(read("pyproject.toml"))["tool"]
CONTRACTS = PROJECT["importlinter"]["contracts"]


APART = {"bench", "tests"}
"""Programs about the product, which no room imports."""


def test_import_linter_knows_every_package():
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - APART
    assert set(PROJECT["importlinter"]["root_packages"]) == packages


def test_every_room_is_in_the_layers():
    [layers] = [one["layers"] for one in CONTRACTS if one["type"] == "layers"]
    assert {room.strip() for layer in layers for room in layer.split("|")} == set(ROOMS)


def test_no_contract_has_an_exception():
    assert not [one["name"] for one in CONTRACTS if one.get("ignore_imports")]


@pytest.mark.parametrize("tool", ["ruff", "mypy"])
def test_no_room_is_left_out_of_a_tool(tool):
    left_out = PROJECT[tool].get("extend-exclude", []) + PROJECT[tool].get("exclude", [])
    assert not [one for one in left_out if one.strip("^/").replace("\\", "") in ROOMS]


def test_no_room_hides_an_installed_package():
    ours = {path.name for path in ROOT.iterdir() if path.is_dir()}
    ours |= {path.stem for path in ROOT.glob("*.py")}
    assert not ours & set(packages_distributions())
