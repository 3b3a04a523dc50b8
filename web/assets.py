"""Static files: read once, addressed by content so that browsers may keep them for ever."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from apiflask import APIBlueprint
from flask import request, url_for
from werkzeug.wrappers import Response

from core.errors import NotFoundError
from core.ids import hash_text
from web.auth import Access, access

blueprint = APIBlueprint("assets", __name__, enable_openapi=False)

_FOLDER: Final = Path(__file__).parent / "static"
_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_FOR_EVER: Final = "public, max-age=31536000, immutable"
_SHORTLY: Final = "public, max-age=300"
FAVICON: Final = "mark.svg"


@dataclass(frozen=True, slots=True)
class Asset:
    """A static file."""

    body: bytes
    content_type: str
    digest: str


@cache
def load_assets() -> dict[str, Asset]:
    """All static files by name."""
    return {
        path.name: Asset(
            path.read_bytes(),
            _TYPES[path.suffix],
            hash_text(path.read_text(encoding="utf-8"))[:12],
        )
        for path in sorted(_FOLDER.iterdir())
        if path.suffix in _TYPES
    }


def build_asset_url(name: str) -> str:
    """The address of a static file in the version we have."""
    return url_for("assets.show_asset", digest=load_assets()[name].digest, name=name)


@blueprint.get("/static/<digest>/<name>")
@access(Access.PUBLIC)
def show_asset(digest: str, name: str) -> Response:
    """Serve a file; an older address gets today's version, not kept for long."""
    found = load_assets().get(name)
    if found is None:
        raise NotFoundError("there is no such file.")
    return _serve(found, _FOR_EVER if digest == found.digest else _SHORTLY)


@blueprint.get("/favicon.ico")
@access(Access.PUBLIC)
def show_favicon() -> Response:
    """Serve the mark where browsers look without asking."""
    return _serve(load_assets()[FAVICON], _SHORTLY)


def _serve(asset: Asset, caching: str) -> Response:
    response = Response(asset.body, content_type=asset.content_type)
    response.set_etag(asset.digest)
    response.headers["Cache-Control"] = caching
    return response.make_conditional(request.environ)
