"""Railway as its CLI reads it from our file: every service, and no secret."""

from __future__ import annotations

import json
import re

import pytest

from core.settings import list_setting_specs, load_settings
from tests.house.deployment import SERVICES, load_graph, read_procfile
from tests.house.repo import ROOT, read

SHARED = "sharedReference"


def read_variables(service: str) -> dict[str, dict[str, str]]:
    variables: dict[str, dict[str, str]] = load_graph()[service]["variables"]
    return variables


def test_every_process_of_the_procfile_is_a_service_and_redis_is_there():
    processes = set(read_procfile()) - {"release"}
    assert processes == set(SERVICES)
    assert set(load_graph()) == processes | {"Redis"}
    assert load_graph()["Redis"]["engine"] == "redis"


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_built_from_the_image(name):
    assert load_graph()[name]["build"] == {
        "builder": "DOCKERFILE",
        "dockerfilePath": "Dockerfile",
    }
    assert (ROOT / "Dockerfile").is_file()


@pytest.mark.parametrize("name", [name for name in SERVICES if name != "cron"])
def test_what_shall_always_run_is_always_restarted(name):
    # The platform's own default gives up after ten restarts.
    assert load_graph()[name]["deploy"]["restartPolicyType"] == "ALWAYS"


def test_the_cron_service_runs_to_its_end_once():
    deploy = load_graph()["cron"]["deploy"]
    assert deploy["restartPolicyType"] == "NEVER"
    assert re.fullmatch(r"\d+ \d+ \* \* \*", deploy["cronSchedule"])


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_given_only_what_the_settings_know(name):
    known = {spec["name"] for spec in list_setting_specs()} | {"MIGRATION_DATABASE_URL"}
    assert set(read_variables(name)) <= known


@pytest.mark.parametrize("name", SERVICES)
def test_no_secret_stands_in_the_file(name):
    secrets = {"DATABASE_URL", "MIGRATION_DATABASE_URL", "GROQ_API_KEY", "RAILWAY_TOKEN"}
    given = {key: value for key, value in read_variables(name).items() if key in secrets}
    assert {"DATABASE_URL", "GROQ_API_KEY"} <= set(given)
    assert {value["type"] for value in given.values()} == {SHARED}


def test_the_scaler_is_told_which_service_is_the_worker_and_begins_without_power():
    variables = read_variables("scaler")
    assert variables["RAILWAY_WORKER_SERVICE_ID"] == {
        "type": "reference",
        "resource": "service.worker",
        "output": "RAILWAY_SERVICE_ID",
    }
    assert variables["SCALER_APPLY"]["value"] == "0"


def test_the_literal_values_are_settings_that_can_be_read():
    literals = {
        key: value["value"]
        for name in SERVICES
        for key, value in read_variables(name).items()
        if value["type"] == "literal" and key != "PUBLIC_URL"
    }
    assert load_settings(literals).scaler_adapter == "railway"


def test_the_old_format_says_the_same_of_web():
    # Railway stops reading it on 2026-12-01; services made before may still be on it.
    old = json.loads(read("railway.json"))
    web = load_graph()["web"]
    assert old["build"] == web["build"]
    assert old["deploy"] == web["deploy"]
