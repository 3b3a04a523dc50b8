"""Probes: whether the process lives, and whether it can serve."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from apiflask import APIBlueprint
from flask import current_app
from flask.typing import ResponseReturnValue

from services.health import ReadinessProbe
from web.api.schemas import AliveOut, CheckOut
from web.auth import Access, access
from web.context import get_deps

blueprint = APIBlueprint("health", __name__, tag="Health")

PROBE: Final = "listwright-probe"


@blueprint.get("/healthz")
@access(Access.PUBLIC)
@blueprint.output(AliveOut)
def show_alive() -> dict[str, str]:
    """Say that the process answers; asks nobody."""
    return {"status": "alive"}


@blueprint.get("/readyz")
@access(Access.PUBLIC)
@blueprint.output(CheckOut)
@blueprint.doc(responses=[503])
def show_ready() -> ResponseReturnValue:
    """Say whether requests can be served, dependency by dependency; 503 when not."""
    found = _get_probe().check()
    body = {"ready": found.ready, "checks": found.checks}
    if found.ready:
        return body, HTTPStatus.OK, {}
    return body, HTTPStatus.SERVICE_UNAVAILABLE, {"Retry-After": "5"}


def _get_probe() -> ReadinessProbe:
    probe: ReadinessProbe = current_app.extensions.setdefault(PROBE, ReadinessProbe(get_deps()))
    return probe
