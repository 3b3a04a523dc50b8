"""Makes the API's blueprints alike: one prefix, one tag each."""

from __future__ import annotations

from typing import Final

from apiflask import APIBlueprint

PREFIX: Final = "/api/v1"
PROBLEM_STATUSES: Final = [400, 401, 404, 422, 503]
POLL_S: Final = 2
"""How long to wait before asking again about something that was taken in."""


def build_blueprint(name: str, *, tag: str) -> APIBlueprint:
    """A blueprint of the JSON API."""
    return APIBlueprint(name, __name__, url_prefix=PREFIX, tag=tag)
