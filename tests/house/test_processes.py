"""Every lane has a process that serves it, in each place that says how processes are started."""

from __future__ import annotations

import json

import pytest

from core.settings import Settings
from domain.job import Lane
from tests.house.deployment import (
    SERVICES,
    Command,
    list_embedded,
    parse_command,
    read_procfile,
    read_railway,
)
from tests.house.repo import read

LANES = sorted(lane.value for lane in Lane)
WORKERS = ("interactive", "worker")


def list_railway() -> dict[str, Command]:
    return {name: parse_command(read_railway(name)["startCommand"]) for name in SERVICES}


PLACES = {"Procfile": read_procfile, "railway": list_railway, "embedded": list_embedded}


@pytest.fixture(params=PLACES)
def processes(request) -> dict[str, Command]:
    return PLACES[request.param]()


def list_queues(processes: dict[str, Command]) -> dict[str, list[str]]:
    return {
        name: sorted(command.option("--queues"))
        for name, command in processes.items()
        if "--queues" in command.words
    }


def test_every_lane_is_served_once(processes):
    served = [queue for queues in list_queues(processes).values() for queue in queues]
    assert sorted(served) == LANES


def test_the_same_process_serves_the_same_lanes_everywhere():
    everywhere = [list_queues(build()) for build in PLACES.values()]
    assert everywhere == [everywhere[0]] * len(PLACES)


def test_the_same_programs_are_started_everywhere():
    programs = {name: command.words[:2] for name, command in read_procfile().items()}
    embedded = {name: command.words[0] for name, command in list_embedded().items()}
    assert embedded == {name: programs[name][0] for name in embedded}
    assert {name: command.words for name, command in list_railway().items()} == {
        name: read_procfile()[name].words for name in SERVICES
    }


@pytest.mark.parametrize("name", WORKERS)
def test_a_worker_is_one_process_that_fetches_little_ahead(name):
    command = read_procfile()[name]
    [threads] = map(int, command.option("--threads"))
    assert command.option("--processes") == ["1"]
    assert command.variables == {"dramatiq_queue_prefetch": str(threads + 4)}
    assert command.variables == parse_command(read_railway(name)["startCommand"]).variables


def test_the_scaled_worker_has_the_threads_the_settings_say():
    assert read_procfile()["worker"].option("--threads") == [str(Settings().worker_threads)]


@pytest.mark.parametrize("name", WORKERS)
def test_a_worker_ends_before_the_platform_kills_it(name):
    [shutdown_ms] = map(int, read_procfile()[name].option("--worker-shutdown-timeout"))
    draining_s = read_railway(name)["drainingSeconds"]
    # As text, the platform fails to parse it.
    assert isinstance(draining_s, int)
    assert shutdown_ms / 1000 + 5 <= draining_s


def test_the_web_process_ends_before_the_platform_kills_it():
    [graceful_s] = map(int, read_procfile()["web"].option("--graceful-timeout"))
    assert graceful_s + 5 <= read_railway("web")["drainingSeconds"]


def test_the_web_process_listens_on_ipv6_too_and_makes_no_socket_file():
    web = read_procfile()["web"]
    assert web.option("--bind") == ["[::]:$PORT"]
    assert "--no-control-socket" in web.words


def test_the_platform_asks_a_route_that_exists():
    assert f'"{read_railway("web")["healthcheckPath"]}"' in read("web/api/health.py")


@pytest.mark.parametrize("name", SERVICES)
def test_no_railway_file_sets_replicas(name):
    # The file would win over whoever sets them, at every deployment.
    assert not {"numReplicas", "multiRegionConfig"} & set(read_railway(name))


def test_migrations_run_before_the_web_process():
    [before] = read_railway("web")["preDeployCommand"]
    assert parse_command(before) == read_procfile()["release"]


def test_the_image_starts_the_web_process():
    [line] = [line for line in read("Dockerfile").splitlines() if line.startswith("CMD ")]
    assert parse_command(json.loads(line[4:])[2]) == read_procfile()["web"]


def test_the_image_has_no_embedded_servers():
    assert "requirements/runtime.txt" in read("Dockerfile")
    assert "embedded.txt" not in read("Dockerfile")


def test_a_command_without_exec_is_refused():
    with pytest.raises(ValueError, match="swallow"):
        parse_command("dramatiq workers.main")
