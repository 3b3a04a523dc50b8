"""Replicas of a Railway service, read and set through its GraphQL API."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Final

import requests

from core.clock import monotonic_s
from core.errors import (
    ConflictError,
    NotFoundError,
    SettingsError,
    UnauthorizedError,
    UnavailableError,
)
from core.settings import Settings
from domain.ports import ReplicaCount

API_URL: Final = "https://backboard.railway.com/graphql/v2"
TIMEOUT_S: Final = (5.0, 10.0)
CALLS_PER_HOUR: Final = 95
"""The free plan allows 100 an hour."""

READ_EVERY_S: Final = 300.0
TOO_MANY: Final = 429

CHECK_TOKEN: Final = "query ScalerCheck { projectToken { projectId environmentId } }"  # noqa: S105 - a query, not a token
READ: Final = """
query ScalerRead($environment: String!, $service: String!) {
  environment(id: $environment) { id config }
  serviceInstance(environmentId: $environment, serviceId: $service) {
    numReplicas
    region
    cronSchedule
    activeDeployments { id status deploymentStopped instances { id status } }
  }
}
"""
WRITE_PATCH: Final = """
mutation ScalerSet($environment: String!, $patch: EnvironmentConfig!, $message: String) {
  environmentPatchCommit(environmentId: $environment, patch: $patch, commitMessage: $message)
}
"""
WRITE_INSTANCE: Final = """
mutation ScalerSetInstance(
  $environment: String!, $service: String!, $input: ServiceInstanceUpdateInput!
) {
  serviceInstanceUpdate(environmentId: $environment, serviceId: $service, input: $input)
}
"""
DOCUMENTS: Final = (CHECK_TOKEN, READ, WRITE_PATCH, WRITE_INSTANCE)

UNDER_WAY: Final = frozenset(
    {"BUILDING", "DEPLOYING", "INITIALIZING", "QUEUED", "WAITING", "NEEDS_APPROVAL"}
)


class RailwayReplicas:
    """Implements domain.ports.ReplicaTarget for one service in one environment.

    A project token can do everything in its environment, so this class does two things only: read,
    and set the number of replicas of the one service it was made for. It never redeploys.
    """

    read_every_s = READ_EVERY_S

    def __init__(
        self,
        *,
        token: str,
        environment_id: str,
        service_id: str,
        url: str = API_URL,
        by_patch: bool = True,
        clock: Callable[[], float] = monotonic_s,
    ) -> None:
        self.name = f"railway:{service_id}"
        self._environment_id, self._service_id = environment_id, service_id
        self._url, self._by_patch = url, by_patch
        self._session = requests.Session()
        self._session.headers["Project-Access-Token"] = token
        self._clock = clock
        self._calls: deque[float] = deque()
        self._regions: dict[str, int] = {}

    def check(self) -> None:
        """The token must be of this environment, and the service one that may be scaled."""
        try:
            token = self._ask(CHECK_TOKEN, {})["projectToken"]
        except UnauthorizedError as fault:
            raise SettingsError(
                "Railway does not accept RAILWAY_TOKEN.",
                remedy="Make a project token of this environment.",
            ) from fault
        if token["environmentId"] != self._environment_id:
            raise SettingsError(
                f"RAILWAY_TOKEN is of environment {token['environmentId']}, and"
                f" RAILWAY_ENVIRONMENT_ID is {self._environment_id}."
            )
        try:
            answer = self._read_all()
        except (UnauthorizedError, NotFoundError) as fault:
            raise SettingsError(
                f"Railway accepts RAILWAY_TOKEN, but shows no service {self._service_id} in"
                f" environment {self._environment_id} ({fault.message.rstrip('.')}).",
                remedy="Look at RAILWAY_WORKER_SERVICE_ID.",
            ) from fault
        reason = _find_unscalable(self._find_config(answer))
        if reason:
            raise SettingsError(
                f"The service {self._service_id} {reason}.",
                remedy="RAILWAY_WORKER_SERVICE_ID must be the worker's.",
            )

    def read(self) -> ReplicaCount:
        """What is asked for over all regions, and how many instances really run."""
        answer = self._read_all()
        self._regions = _find_regions(self._find_config(answer), answer["serviceInstance"])
        deployments = [
            one
            for one in answer["serviceInstance"]["activeDeployments"]
            if not one["deploymentStopped"]
        ]
        return ReplicaCount(
            asked=sum(self._regions.values()),
            running=sum(_count_running(one) for one in deployments),
            busy=_find_busy(deployments),
        )

    def write(self, replicas: int) -> None:
        """Set the number; with several regions, the others keep theirs and the first changes."""
        regions = self._regions
        if not regions:
            raise ConflictError("the region is not known; nothing was read yet.")
        first = next(iter(regions))
        others = sum(regions.values()) - regions[first]
        if replicas - others < 1:
            raise ConflictError(f"{others} replicas run in other regions; {replicas} cannot be.")
        wanted = {
            region: {"numReplicas": replicas - others if region == first else count}
            for region, count in regions.items()
        }
        self._send_regions(wanted, f"scaler: {replicas} replicas")

    def _send_regions(self, regions: Mapping[str, Any], message: str) -> None:
        variables: dict[str, Any] = {"environment": self._environment_id}
        if self._by_patch:
            deploy = {"deploy": {"multiRegionConfig": dict(regions)}}
            variables |= {"patch": {"services": {self._service_id: deploy}}, "message": message}
            self._ask(WRITE_PATCH, variables)
        else:
            variables |= {"service": self._service_id, "input": {"multiRegionConfig": regions}}
            self._ask(WRITE_INSTANCE, variables)

    def _read_all(self) -> Mapping[str, Any]:
        answer = self._ask(READ, {"environment": self._environment_id, "service": self._service_id})
        if not answer.get("environment") or not answer.get("serviceInstance"):
            raise NotFoundError("Railway answered without the service.")
        return answer

    def _find_config(self, answer: Mapping[str, Any]) -> Mapping[str, Any]:
        """The service's part of the configuration, with what only the instance says."""
        config = answer["environment"]["config"] or {}
        service: Mapping[str, Any] = (config.get("services") or {}).get(self._service_id) or {}
        instance = answer["serviceInstance"]
        return {**service, "cronSchedule": instance["cronSchedule"]}

    def _ask(self, document: str, variables: Mapping[str, Any]) -> Mapping[str, Any]:
        """One call. Raises UnavailableError, UnauthorizedError, NotFoundError, ConflictError."""
        self._book_call()
        try:
            response = self._session.post(
                self._url, json={"query": document, "variables": variables}, timeout=TIMEOUT_S
            )
        except requests.RequestException as fault:
            raise UnavailableError(f"Railway does not answer ({type(fault).__name__}).") from fault
        return _read_answer(response)

    def _book_call(self) -> None:
        now_s = self._clock()
        while self._calls and self._calls[0] <= now_s - 3600:
            self._calls.popleft()
        if len(self._calls) >= CALLS_PER_HOUR:
            wait_s = self._calls[0] + 3600 - now_s
            raise UnavailableError("The hour's calls to Railway are used up.", retry_after_s=wait_s)
        self._calls.append(now_s)


def _read_answer(response: requests.Response) -> Mapping[str, Any]:
    """The data of an answer. The body counts first: errors come with status 200 too."""
    if response.status_code == TOO_MANY:
        raise UnavailableError(
            "Railway asks for patience.", retry_after_s=_read_patience_s(response)
        )
    try:
        body = response.json()
    except ValueError:
        body = None
    errors = body.get("errors") if isinstance(body, dict) else None
    if errors:
        _raise_error(errors[0])
    content = body.get("data") if isinstance(body, dict) else None
    if response.status_code >= requests.codes.bad_request or not isinstance(content, dict):
        if response.status_code in (requests.codes.unauthorized, requests.codes.forbidden):
            raise UnauthorizedError("Railway refuses the token.")
        raise UnavailableError(f"Railway answered {response.status_code} without an answer.")
    return content


def _read_patience_s(response: requests.Response) -> float:
    raw = response.headers.get("Retry-After", "")
    return float(raw) if raw.replace(".", "", 1).isdigit() else 60.0


def _raise_error(error: Mapping[str, Any]) -> None:
    message = str(error.get("message", "no message"))
    trace = error.get("traceId") or (error.get("extensions") or {}).get("traceId") or "none"
    if "not authorized" in message.lower():
        raise UnauthorizedError(
            f"Railway says: {message} (trace {trace}).",
            remedy="Look at RAILWAY_TOKEN, RAILWAY_WORKER_SERVICE_ID and RAILWAY_ENVIRONMENT_ID.",
        )
    if "not found" in message.lower():
        raise NotFoundError(f"Railway says: {message} (trace {trace}).")
    if "problem processing" in message.lower():
        raise UnavailableError(f"Railway says: {message} (trace {trace}).")
    raise ConflictError(f"Railway says: {message} (trace {trace}).")


def _find_unscalable(service: Mapping[str, Any]) -> str:
    """Why a service must not be scaled; "" when it may be."""
    if service.get("cronSchedule"):
        return "runs by a cron schedule"
    if service.get("volumeMounts"):
        return "has a volume"
    return ""


def _find_regions(service: Mapping[str, Any], instance: Mapping[str, Any]) -> dict[str, int]:
    """Replicas by region; never a region of our own choice."""
    regions = (service.get("deploy") or {}).get("multiRegionConfig") or {}
    counts = {name: int((one or {}).get("numReplicas") or 0) for name, one in regions.items()}
    if any(counts.values()):
        return counts
    if not instance["region"]:
        raise ConflictError("Railway does not say in which region the service runs.")
    return {instance["region"]: int(instance["numReplicas"] or 1)}


def _count_running(deployment: Mapping[str, Any]) -> int:
    """A stopped deployment still says SUCCESS, so only the instances count."""
    return sum(one["status"] == "RUNNING" for one in deployment["instances"])


def _find_busy(deployments: list[Mapping[str, Any]]) -> str:
    """Why the service is not to be touched; "" while one deployment stands."""
    if not deployments:
        return "no deployment is active"
    if len(deployments) > 1 or deployments[0]["status"] in UNDER_WAY:
        return "a deployment is under way"
    return ""


def build_railway_target(settings: Settings) -> RailwayReplicas:
    """The service that the settings name; raises SettingsError that names all that is wrong."""
    faults = [
        f"{name} is not set"
        for name, value in (
            ("RAILWAY_TOKEN", settings.railway_token),
            ("RAILWAY_WORKER_SERVICE_ID", settings.railway_worker_service_id),
            ("RAILWAY_ENVIRONMENT_ID", settings.railway_environment_id),
        )
        if not value
    ]
    worker_id = settings.railway_worker_service_id
    if worker_id and worker_id == settings.railway_service_id:
        faults.append("RAILWAY_WORKER_SERVICE_ID is the scaler's own service")
    if settings.workers_min < 1:
        faults.append("WORKERS_MIN is 0, and Railway cannot run none")
    if faults:
        raise SettingsError(
            "; ".join(faults) + ".", remedy="See docs/howto/scaling.md.", field="settings"
        )
    return RailwayReplicas(
        token=settings.railway_token,
        environment_id=settings.railway_environment_id,
        service_id=worker_id,
        url=settings.railway_api_url or API_URL,
        by_patch=settings.railway_write == "patch",
    )
