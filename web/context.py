"""What a request works with: the wired services, and who asks."""

from __future__ import annotations

from typing import Final, cast

from flask import current_app, g

from services.access import Seller, SignedIn
from services.deps import Deps

EXTENSION: Final = "listwright"


def get_deps() -> Deps:
    """The services' dependencies of this process."""
    return cast("Deps", current_app.extensions[EXTENSION])


def get_seller() -> Seller:
    """Who asks; only views behind a key or a session may call it."""
    return cast("Seller", g.seller)


def set_seller(seller: Seller) -> None:
    """Remember who asks for the rest of this request."""
    g.seller = seller


def find_session() -> SignedIn | None:
    """The signed-in browser, None on public pages and in the API."""
    return cast("SignedIn | None", g.get("session"))


def set_session(session: SignedIn) -> None:
    """Remember the signed-in browser, and its seller, for the rest of this request."""
    g.session = session
    g.seller = session.seller


def get_request_id() -> str:
    """The id that ties answer, log lines and jobs together."""
    return str(g.get("request_id", ""))


def set_request_id(request_id: str) -> None:
    """Remember the request's id."""
    g.request_id = request_id
