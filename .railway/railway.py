"""What Listwright is on Railway: `railway config plan` shows, `railway config apply` makes it so.

The start commands are the Procfile's. No number of replicas stands here: an apply would set it
back to what the file says, while the scaler (or you) had good reason for another.
"""

from __future__ import annotations

import shlex
from functools import partial
from pathlib import Path
from typing import Any, Final

from railway_sdk import (
    Project,
    RailwayContext,
    Service,
    create_railway_context,
    define_railway,
    empty,
)
from railway_sdk import project as build_project
from railway_sdk import redis as build_redis
from railway_sdk import service as build_service

NAME: Final = "listwright"
PROCFILE: Final = Path(__file__).parents[1] / "Procfile"

IMAGE: Final = {"builder": "DOCKERFILE", "dockerfilePath": "Dockerfile"}
ALWAYS: Final = {"restartPolicyType": "ALWAYS", "overlapSeconds": 0}

SECRETS: Final = (
    "DATABASE_URL",
    "MIGRATION_DATABASE_URL",
    "GROQ_API_KEY",
    "SCALER_RAILWAY_TOKEN",
)
"""Shared variables of the environment, set once by hand: no secret stands in a file."""

GROQ_LIMITS: Final = {"GROQ_REQUESTS_PER_MINUTE": "1000", "GROQ_TOKENS_PER_MINUTE": "250000"}
"""Your organisation's; the free plan of 2026-11 has 30 and 8000."""

SCALER: Final = {
    "SCALER_ADAPTER": "railway",
    "SCALER_APPLY": "0",
    "SCALER_SCHEDULE": "01:58-02:10=2",
    "SCALER_CONNECTIONS": "200",
    "WORKERS_MIN": "1",
    "WORKERS_MAX": "2",
}
"""Until ``SCALER_APPLY`` is 1 it only says what it would do: docs/howto/scaling.md."""


def read_commands() -> dict[str, str]:
    """The Procfile's command lines by process, for a shell that hands over with ``exec``."""
    lines = PROCFILE.read_text(encoding="utf-8").splitlines()
    named = (line.partition(": ") for line in lines if line.strip())
    return {name: f"/bin/sh -c {shlex.quote(command)}" for name, _, command in named}


def build_ours(
    name: str,
    *,
    context: RailwayContext,
    road: Service,
    deploy: dict[str, Any],
    env: dict[str, Any] | None = None,
) -> Service:
    """One of our processes: the image, its command, and what every process must know."""
    shared = {key: context.shared[key] for key in ("DATABASE_URL", "GROQ_API_KEY")}
    return build_service(
        name,
        # `railway up` uploads what was tested; see .github/workflows/deploy.yml.
        source=empty(),
        build=dict(IMAGE),
        start=read_commands()[name],
        deploy=deploy,
        env={**shared, "REDIS_URL": road.env.REDIS_URL, **(env or {})},
    )


@define_railway
def main(ctx: RailwayContext | None = None) -> Project:
    """The whole environment: Redis, and five services from one image."""
    context = ctx if isinstance(ctx, RailwayContext) else create_railway_context(ctx)
    road = build_redis("Redis")
    build = partial(build_ours, context=context, road=road)
    session = context.shared["MIGRATION_DATABASE_URL"]
    worker = build("worker", deploy={**ALWAYS, "drainingSeconds": 90}, env=GROQ_LIMITS)
    web = build(
        "web",
        deploy={
            **ALWAYS,
            "preDeployCommand": [read_commands()["release"]],
            "healthcheckPath": "/readyz",
            "healthcheckTimeout": 120,
            "drainingSeconds": 35,
        },
        env={
            "PUBLIC_URL": "https://${{RAILWAY_PUBLIC_DOMAIN}}",
            "MIGRATION_DATABASE_URL": session,
        },
    )
    interactive = build("interactive", deploy={**ALWAYS, "drainingSeconds": 90}, env=GROQ_LIMITS)
    scaler = build(
        "scaler",
        deploy={**ALWAYS, "drainingSeconds": 10},
        env={
            **GROQ_LIMITS,
            **SCALER,
            "RAILWAY_TOKEN": context.shared["SCALER_RAILWAY_TOKEN"],
            "RAILWAY_WORKER_SERVICE_ID": worker.env.RAILWAY_SERVICE_ID,
        },
    )
    cron = build(
        "cron",
        deploy={"restartPolicyType": "NEVER", "cronSchedule": "0 2 * * *"},
        # The command checks the schema first, for which it needs a session.
        env={"DATABASE_URL": session},
    )
    return build_project(NAME, resources=[road, web, interactive, worker, scaler, cron])
