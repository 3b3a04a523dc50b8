"""The operator's small commands: sellers, keys, links, re-optimization."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from core.errors import NotFoundError
from core.log import configure_logging
from core.settings import load_settings
from embedded.session import open_servers
from services.access import (
    create_api_key,
    create_seller,
    create_signin_link,
    find_seller,
    set_operator,
)
from services.alarms import list_events
from services.deps import Deps, build_web_deps


@contextmanager
def open_deps(environ: Mapping[str, str]) -> Iterator[Deps]:
    """What services need, on the servers of this environment or the embedded ones."""
    with open_servers(environ) as record:
        settings = load_settings(
            {
                **environ,
                "DATABASE_URL": record.database_url,
                "REDIS_URL": record.redis_url,
                # where `make run` really answers: its port may have moved
                "PUBLIC_URL": environ.get("PUBLIC_URL", "") or record.web_url,
            }
        )
        configure_logging(level="warning", json_lines=settings.log_format == "json")
        deps = build_web_deps(settings)
        try:
            yield deps
        finally:
            deps.database.dispose()


def run_seller_create(environ: Mapping[str, str], email: str) -> int:
    """Print a new key of the seller, alone."""
    with open_deps(environ) as deps:
        key = create_api_key(deps, create_seller(deps, email).id)
    sys.stdout.write(f"{key}\n")
    return 0


def run_seller_link(environ: Mapping[str, str], email: str) -> int:
    """Print a one-time link; raises NotFoundError for an unknown seller."""
    with open_deps(environ) as deps:
        found = find_seller(deps, email)
        if found is None:
            raise NotFoundError(
                f"there is no seller {email}.", remedy="Make one: flask seller create EMAIL."
            )
        token = create_signin_link(deps, found.id)
        base = deps.settings.public_url or f"http://127.0.0.1:{deps.settings.port}"
    sys.stdout.write(f"{base.rstrip('/')}/signin/{token}\n")
    return 0


def run_seller_operator(environ: Mapping[str, str], email: str, *, on: bool) -> int:
    """Let a seller see the operator's page, or no longer; raises NotFoundError."""
    with open_deps(environ) as deps:
        set_operator(deps, email, on=on)
    sys.stdout.write(f"{email} is {'an operator' if on else 'no operator'} now\n")
    return 0


def run_events(environ: Mapping[str, str], *, limit: int, kind: str, as_json: bool) -> int:
    """Print the newest alarms, the latest first."""
    with open_deps(environ) as deps:
        found = list_events(deps, limit=limit, kind=kind)
    if as_json:
        sys.stdout.write(json.dumps(found, default=str, indent=2) + "\n")
        return 0
    for one in found:
        times = f" ({one['repeats'] + 1} times)" if one["repeats"] else ""
        sys.stdout.write(
            f"{one['created_at']:%Y-%m-%d %H:%M}  {one['level']:<7}  {one['kind']}"
            f"  {one['key']}: {one['message']}{times}\n"
        )
    if not found:
        sys.stdout.write("no alarms\n")
    return 0
