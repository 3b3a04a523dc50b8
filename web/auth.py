"""Who may call a view: every view declares it, and nothing without a declaration is served."""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable
from enum import StrEnum
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

from flask import current_app, redirect, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from core.errors import ForbiddenError, NotFoundError, UnauthorizedError
from core.settings import Settings
from services.access import NewSession, find_signed_in, require_api_key
from web.context import find_session, get_deps, set_seller, set_session

View = TypeVar("View", bound=Callable[..., Any])

CSRF_FIELD: Final = "csrf_token"
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_KEY: Final = re.compile(r"[!-~]{1,200}")


class Access(StrEnum):
    """What a view asks of its caller."""

    PUBLIC = "public"
    """Nobody in particular; unsafe requests must come from our own pages."""
    KEY = "key"
    """An API key in the Authorization header; cookies count for nothing."""
    SESSION = "session"
    """A signed-in browser; unsafe requests carry the session's CSRF token."""
    OPERATOR = "operator"
    """As SESSION, of a seller who is an operator; for all others there is no such address."""


def access(rule: Access) -> Callable[[View], View]:
    """Declare who may call a view."""

    def mark(view: View) -> View:
        view.access = rule  # type: ignore[attr-defined]
        return view

    return mark


def find_access(endpoint: str) -> Access | None:
    """What the view declared."""
    return getattr(current_app.view_functions.get(endpoint), "access", None)


def check_access() -> ResponseReturnValue | None:
    """Let the caller in, or answer instead of the view; raises the reason as an AppError."""
    if request.endpoint is None:
        return None
    rule = find_access(request.endpoint)
    if rule is Access.PUBLIC:
        require_own_origin()
        return None
    if rule is Access.KEY:
        set_seller(require_api_key(get_deps(), _read_bearer()))
        return None
    if rule is Access.SESSION:
        return _check_session()
    if rule is Access.OPERATOR:
        return _check_session(only_operators=True)
    raise ForbiddenError("this address declares no access rule, so it is not served.")


def _read_bearer() -> str:
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    return require_key_text(key if scheme.lower() == "bearer" else "")


def require_key_text(text: str) -> str:
    """The key, if it can be one; raises UnauthorizedError."""
    if not _KEY.fullmatch(text.strip()):
        raise UnauthorizedError(
            "an API key is needed.",
            remedy="Send `Authorization: Bearer KEY` with a key from `flask seller create`.",
        )
    return text.strip()


def _check_session(*, only_operators: bool = False) -> ResponseReturnValue | None:
    token = request.cookies.get(cookie_name(get_deps().settings), "")
    found = find_signed_in(get_deps(), token) if token else None
    if found is None:
        wanted = request.full_path.rstrip("?") if request.method in SAFE_METHODS else None
        return redirect(url_for("account.sign_in", next=wanted), code=303)
    set_session(found)
    if only_operators and not found.seller.is_operator:
        raise NotFoundError("there is no such page.")
    if request.method not in SAFE_METHODS:
        require_own_origin()
        require_csrf_token()
    return None


def require_own_origin() -> None:
    """Refuse an unsafe request that a page of somebody else sent; raises ForbiddenError."""
    if request.method in SAFE_METHODS:
        return
    site = request.headers.get("Sec-Fetch-Site", "same-origin")
    if site not in ("same-origin", "none") or not _is_own(request.headers.get("Origin")):
        raise ForbiddenError(
            "this request came from another site.", remedy="Use the form on our own page."
        )


def _is_own(origin: str | None) -> bool:
    if origin is None:
        return True
    own = {request.host, urlsplit(get_deps().settings.public_url).netloc}
    return urlsplit(origin).netloc in own - {""}


def require_csrf_token() -> None:
    """Refuse a form without the session's token; raises ForbiddenError."""
    session = find_session()
    sent = request.form.get(CSRF_FIELD, "")
    if session is None or not hmac.compare_digest(session.csrf_token.encode(), sent.encode()):
        raise ForbiddenError(
            "the form's security token is missing or too old.",
            remedy="Open the page again and send the form from there.",
        )


def cookie_name(settings: Settings) -> str:
    """The session cookie's name; the prefix makes browsers insist on Secure and our host."""
    return "__Host-listwright" if is_secure(settings) else "listwright"


def is_secure(settings: Settings) -> bool:
    """Whether sellers reach us by https."""
    return settings.public_url.startswith("https://")


def set_session_cookie(response: Response, begun: NewSession) -> None:
    """Sign the browser in."""
    settings = get_deps().settings
    response.set_cookie(
        cookie_name(settings),
        begun.token,
        max_age=begun.life_s,
        path="/",
        secure=is_secure(settings),
        httponly=True,
        samesite="Lax",
    )


def clear_session_cookie(response: Response) -> None:
    """Sign the browser out."""
    settings = get_deps().settings
    response.delete_cookie(
        cookie_name(settings),
        path="/",
        secure=is_secure(settings),
        httponly=True,
        samesite="Lax",
    )
