"""Makes the dashboard's blueprints and pages alike."""

from __future__ import annotations

from typing import Any

from apiflask import APIBlueprint
from flask import Flask, render_template, request

from web.assets import build_asset_url
from web.auth import CSRF_FIELD
from web.context import find_session
from web.dashboard.wording import NOTICES, WORDS


def build_blueprint(name: str) -> APIBlueprint:
    """A blueprint of pages, kept out of the API's description."""
    return APIBlueprint(name, __name__, enable_openapi=False)


def register_pages(app: Flask) -> None:
    """Give every template the words, the signed-in seller and the addresses of assets."""
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    app.jinja_env.globals.update(WORDS, asset_url=build_asset_url, csrf_field=CSRF_FIELD)
    app.context_processor(_list_names)


def _list_names() -> dict[str, Any]:
    session = find_session()
    return {
        "seller": session.seller if session else None,
        "csrf_token": session.csrf_token if session else "",
    }


def show_page(template: str, **names: Any) -> str:  # noqa: ANN401 - whatever the template needs
    """Render a page; ``?notice=`` picks one of our own sentences."""
    notice = NOTICES.get(request.args.get("notice", ""), "")
    return render_template(template, notice=notice, **names)
