"""Signing in and out, and the page that explains errors."""

from __future__ import annotations

import re
from typing import Final

from flask import make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from core.errors import UnauthorizedError
from services.access import NewSession, sign_in_by_key, sign_in_by_link, sign_out
from web.auth import (
    Access,
    access,
    clear_session_cookie,
    cookie_name,
    require_key_text,
    set_session_cookie,
)
from web.context import get_deps
from web.dashboard.pages import build_blueprint, show_page
from web.problems import PROBLEMS

blueprint = build_blueprint("account")

_OWN_PATH: Final = re.compile(r"/(?![/\\])[!-\[\]-~]*")
"""A path of ours: one slash first, and nothing that browsers read as the start of a host."""


@blueprint.get("/signin")
@access(Access.PUBLIC)
def sign_in() -> str:
    """Ask for an API key."""
    return show_page("signin.html", wanted=_read_wanted(), fault=None)


@blueprint.post("/signin")
@access(Access.PUBLIC)
def sign_in_with_key() -> ResponseReturnValue:
    """Begin a session with an API key."""
    try:
        begun = sign_in_by_key(get_deps(), require_key_text(request.form.get("key", "")))
    except UnauthorizedError as fault:
        page = show_page("signin.html", wanted=_read_wanted(), fault=fault)
        return make_response(page, fault.http_status)
    return _enter(begun, _read_wanted())


@blueprint.get("/signin/<token>")
@access(Access.PUBLIC)
def open_link(token: str) -> str:
    """Show a button: programs that preview links must not use them up."""
    return show_page("signin_link.html", token=token)


@blueprint.post("/signin/<token>")
@access(Access.PUBLIC)
def sign_in_with_link(token: str) -> Response:
    """Use a one-time link up."""
    return _enter(sign_in_by_link(get_deps(), token), "")


@blueprint.post("/signout")
@access(Access.SESSION)
def leave() -> Response:
    """End the session."""
    deps = get_deps()
    sign_out(deps, request.cookies.get(cookie_name(deps.settings), ""))
    response = redirect(url_for("account.sign_in", notice="signed_out"), code=303)
    clear_session_cookie(response)
    return response


@blueprint.get("/errors")
@access(Access.PUBLIC)
def explain_errors() -> str:
    """Explain every error code; the `type` of each problem leads here."""
    return show_page("errors.html", problems=PROBLEMS)


def _read_wanted() -> str:
    wanted = request.values.get("next", "")
    return wanted if _OWN_PATH.fullmatch(wanted) else ""


def _enter(begun: NewSession, wanted: str) -> Response:
    response = redirect(wanted or url_for("listing_pages.show_listings"), code=303)
    set_session_cookie(response, begun)
    return response
