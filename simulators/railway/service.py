"""The simulated platform without HTTP: one environment, its services, their instances."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from core.clock import monotonic_s

REGION: Final = "europe-west4-drams3a"


class Fault(StrEnum):
    """What can go wrong with a request."""

    UNAUTHORIZED = "unauthorized"
    RATE_LIMIT = "rate-limit"
    SERVER_ERROR = "500"
    PROBLEM = "problem"
    RESET = "reset"
    HTML = "html"
    IGNORED_WRITE = "ignored-write"
    NOT_STARTED = "not-started"


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes over the wire; ``fault`` RESET and HTML are the server's business."""

    status: int
    body: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)
    fault: Fault | None = None


@dataclass(slots=True)
class Service:
    """One service: what is configured and what runs. ``ready`` are times on the clock."""

    regions: dict[str, int] = field(default_factory=lambda: {REGION: 1})
    cron: str | None = None
    volume: bool = False
    ready: list[float] = field(default_factory=lambda: [0.0])
    deploying: bool = False

    @property
    def count(self) -> int:
        """Configured over all regions."""
        return sum(self.regions.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class RailwayConfig:
    """The accepted project token and what it is of; ``most`` replicas, as the plan allows."""

    token: str = "simulated"  # noqa: S105 - opens nothing
    project_id: str = "project-1"
    environment_id: str = "env-1"
    start_s: float = 30.0
    most: int = 6
    retry_after_s: float = 120.0


class SimulatedRailway:
    """Services ``svc-worker``, ``svc-scaler``, ``svc-cron`` and ``svc-disk``.

    Changes of the count neither rebuild nor restart; new instances run after ``start_s``. A count
    above the plan's is accepted and not carried out.
    """

    def __init__(self, config: RailwayConfig, *, clock: Callable[[], float] = monotonic_s) -> None:
        self._config, self._clock = config, clock
        self._lock = threading.Lock()
        self._faults: deque[Fault] = deque()
        self.services = {
            "svc-worker": Service(),
            "svc-scaler": Service(),
            "svc-cron": Service(cron="0 2 * * *"),
            "svc-disk": Service(volume=True),
        }
        self.calls: list[str] = []

    def plan_faults(self, *faults: str) -> None:
        """The next requests go wrong so, one each; raises ValueError."""
        with self._lock:
            self._faults = deque(Fault(fault) for fault in faults)

    def set_by_hand(self, service_id: str, replicas: int) -> None:
        """Somebody moves the slider in the dashboard."""
        with self._lock:
            self._configure(self.services[service_id], {REGION: replicas}, starts=True)

    def set_deploying(self, service_id: str, *, deploying: bool) -> None:
        """Somebody deploys: for a while two deployments are active."""
        with self._lock:
            self.services[service_id].deploying = deploying

    def answer(self, body: object, *, token: str) -> Answer:
        """One GraphQL request."""
        with self._lock:
            document, variables = _read_request(body)
            operation = _find_operation(document)
            self.calls.append(operation)
            fault = self._faults.popleft() if self._faults else None
            refusal = self._find_refusal(fault, token, operation)
            if refusal is not None:
                return refusal
            return self._run(operation, variables, fault)

    def _find_refusal(self, fault: Fault | None, token: str, operation: str) -> Answer | None:
        match fault:
            case Fault.RATE_LIMIT:
                wait = {"Retry-After": f"{self._config.retry_after_s:.0f}"}
                return Answer(429, {"message": "Too many requests"}, wait)
            case Fault.SERVER_ERROR:
                return Answer(500, {"message": "Internal Server Error"})
            case Fault.PROBLEM:
                return _build_errors("Problem processing request")
            case Fault.RESET | Fault.HTML:
                return Answer(200, {}, fault=fault)
            case _:
                pass
        if fault is Fault.UNAUTHORIZED or token != self._config.token:
            return _build_errors("Not Authorized")
        return None if operation else _build_errors("Cannot query that field.")

    def _run(self, operation: str, variables: Mapping[str, Any], fault: Fault | None) -> Answer:
        if operation == "projectToken":
            ids = {
                "projectId": self._config.project_id,
                "environmentId": self._config.environment_id,
            }
            return _build_answer({"projectToken": ids})
        service = self.services.get(_find_service_id(variables))
        if variables.get("environment") != self._config.environment_id or service is None:
            return _build_errors("Not Authorized")
        if operation == "read":
            return _build_answer(self._describe(variables["service"], service))
        wanted = _find_regions(variables)
        if any(count < 1 for count in wanted.values()):
            return _build_errors("Error in numReplicas - Invalid input")
        if fault is not Fault.IGNORED_WRITE and sum(wanted.values()) <= self._config.most:
            self._configure(service, wanted, starts=fault is not Fault.NOT_STARTED)
        return _build_answer({operation: True})

    def _configure(self, service: Service, regions: Mapping[str, int], *, starts: bool) -> None:
        service.regions.update(regions)
        missing = service.count - len(service.ready)
        if missing < 0:
            del service.ready[missing:]
        elif starts:
            service.ready += [self._clock() + self._config.start_s] * missing

    def _describe(self, service_id: str, service: Service) -> dict[str, Any]:
        now_s = self._clock()
        regions = {name: {"numReplicas": count} for name, count in service.regions.items()}
        stored: dict[str, Any] = {"deploy": {"multiRegionConfig": regions}}
        if service.volume:
            stored["volumeMounts"] = {"vol-1": {"mountPath": "/data"}}
        states = ["RUNNING" if ready_s <= now_s else "INITIALIZING" for ready_s in service.ready]
        deployments = [_build_deployment("dep-1", "SUCCESS", states)]
        if service.deploying:
            deployments.append(_build_deployment("dep-2", "DEPLOYING", ["CREATED"]))
        return {
            "environment": {
                "id": self._config.environment_id,
                "config": {"services": {service_id: stored}},
            },
            "serviceInstance": {
                "numReplicas": service.count,
                "region": REGION,
                "cronSchedule": service.cron,
                "activeDeployments": deployments,
            },
        }


def _read_request(body: object) -> tuple[str, Mapping[str, Any]]:
    if not isinstance(body, dict):
        return "", {}
    return str(body.get("query", "")), body.get("variables") or {}


def _find_operation(document: str) -> str:
    """Which of the known operations a document is; "" none."""
    for field_name in ("environmentPatchCommit", "serviceInstanceUpdate", "projectToken"):
        if field_name in document:
            return field_name
    return "read" if "serviceInstance(" in document else ""


def _find_service_id(variables: Mapping[str, Any]) -> str:
    patched = (variables.get("patch") or {}).get("services") or {}
    return str(variables.get("service") or next(iter(patched), ""))


def _find_regions(variables: Mapping[str, Any]) -> dict[str, int]:
    if "patch" in variables:
        [service] = variables["patch"]["services"].values()
        regions = service["deploy"]["multiRegionConfig"]
    else:
        regions = variables["input"]["multiRegionConfig"]
    return {name: int(one["numReplicas"]) for name, one in regions.items()}


def _build_deployment(name: str, status: str, states: list[str]) -> dict[str, Any]:
    instances = [{"id": f"{name}-{n}", "status": state} for n, state in enumerate(states)]
    return {"id": name, "status": status, "deploymentStopped": False, "instances": instances}


def _build_answer(content: Mapping[str, Any]) -> Answer:
    return Answer(200, {"data": content})


def _build_errors(message: str) -> Answer:
    """As the real one does it: with status 200."""
    error = {
        "message": message,
        "extensions": {"code": "INTERNAL_SERVER_ERROR"},
        "traceId": "simulated-trace",
    }
    return Answer(200, {"errors": [error], "data": None})
