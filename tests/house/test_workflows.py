"""The workflows run what people run, pinned, with the least rights."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import yaml

from tests.house.deployment import SERVICES
from tests.house.repo import ROOT, read

NAMES = sorted(
    path.relative_to(ROOT).as_posix() for path in (ROOT / ".github/workflows").glob("*.yml")
)
PINNED = re.compile(r"uses: (\./\S+|[\w./-]+@[0-9a-f]{40} # v[\d.]+)$")


def load(name: str) -> dict[str, Any]:
    workflow: dict[str, Any] = yaml.safe_load(read(name))
    return workflow


def list_unpinned(text: str) -> list[str]:
    """Lines that use somebody's action by a name that can be moved."""
    lines = [line.strip().removeprefix("- ") for line in text.splitlines()]
    return [line for line in lines if line.startswith("uses:") and not PINNED.match(line)]


@pytest.mark.parametrize("name", NAMES)
def test_what_others_wrote_is_pinned_by_its_hash(name):
    assert not list_unpinned(read(name))


@pytest.mark.parametrize("name", NAMES)
def test_a_workflow_may_only_read(name):
    workflow = load(name)
    assert workflow["permissions"] == {"contents": "read"}
    assert not [job for job in workflow["jobs"].values() if "permissions" in job]


@pytest.mark.parametrize("name", NAMES)
def test_no_job_can_hang_for_hours(name):
    own = [job for job in load(name)["jobs"].values() if "uses" not in job]
    assert all(job["timeout-minutes"] <= 60 for job in own)


def test_what_is_checked_is_what_people_check():
    steps = load(".github/workflows/ci.yml")["jobs"]["check"]["steps"]
    assert [step["run"] for step in steps if "run" in step] == [".ci/run"]


def test_only_a_checked_main_is_deployed():
    deploy = load(".github/workflows/ci.yml")["jobs"]["deploy"]
    assert deploy["needs"] == "check"
    assert "refs/heads/main" in deploy["if"]
    assert "push" in deploy["if"]


def test_every_service_is_deployed_and_the_migrating_one_first():
    text = read(".github/workflows/deploy.yml")
    [services] = re.findall(r"for service in ([\w ]+);", text)
    assert services.split() == list(SERVICES)
    assert services.split()[0] == "web"


def test_the_cli_is_the_locked_one():
    wanted = json.loads(read(".github/railway-cli/package.json"))["dependencies"]["@railway/cli"]
    lock = json.loads(read(".github/railway-cli/package-lock.json"))["packages"]
    assert lock["node_modules/@railway/cli"]["version"] == wanted
    assert all(one.get("integrity") for name, one in lock.items() if name)


def test_a_loose_pin_is_seen():
    assert list_unpinned("- uses: actions/checkout@v5") == ["uses: actions/checkout@v5"]
    assert list_unpinned(f"uses: a/b@{'0' * 40}") == [f"uses: a/b@{'0' * 40}"]
    assert not list_unpinned(f"uses: a/b@{'0' * 40} # v1.2")
