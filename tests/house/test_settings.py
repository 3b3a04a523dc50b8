"""Every setting is explained, and every explanation is of a setting."""

from __future__ import annotations

import re

from core.settings import list_setting_specs, load_settings
from tests.house.repo import list_python, name_of, read
from tests.house.settings_page import INTERNAL, build_page

NAMES = {spec["name"] for spec in list_setting_specs()}
LINE = re.compile(r"^(#?)([A-Z][A-Z0-9_]*)=(.*)$", re.MULTILINE)


def read_example() -> dict[str, tuple[bool, str]]:
    """The example's variables: whether they are set, and to what."""
    found = LINE.findall(read(".env.example"))
    return {name: (not mark, value) for mark, name, value in found}


def test_the_page_of_settings_is_current():
    # Written by: python -m tests.house.settings_page > docs/settings.md
    assert read("docs/settings.md") == build_page()


def test_the_example_names_every_setting_and_no_other():
    assert set(read_example()) == NAMES - INTERNAL


def test_what_the_example_sets_is_the_default():
    values = {name: value for name, (is_set, value) in read_example().items() if is_set}
    assert load_settings(values) == load_settings({})


def test_what_the_example_leaves_out_has_no_default():
    left_out = {name for name, (is_set, _) in read_example().items() if not is_set}
    assert left_out == {
        spec["name"]
        for spec in list_setting_specs()
        if spec["default"] == "" and spec["name"] not in INTERNAL
    }


def test_the_example_s_values_can_be_read():
    load_settings({name: value for name, (_, value) in read_example().items()})


def test_nothing_but_the_settings_names_a_variable_to_read():
    # What we set for our own child processes is no reading: those lines end in a colon or comma.
    reading = re.compile(r"environ(?:\.get\(|\[)\s*[\"']([A-Z_]+)")
    found = {
        f"{name_of(path)}: {name}"
        for path in list_python("domain", "models", "gateways", "services", "workers", "web")
        for name in reading.findall(path.read_text(encoding="utf-8"))
    }
    assert not found
