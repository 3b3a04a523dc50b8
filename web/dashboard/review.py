"""Decisions on a suggestion from its page."""

from __future__ import annotations

import uuid
from typing import Final, Literal, cast

from flask import make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from core.errors import InvalidFieldError
from services.review import Decision, decide, get_suggestion, undo
from web.api.schemas import refuse_control
from web.auth import Access, access
from web.cache import forget
from web.context import get_deps, get_seller
from web.dashboard.listings import COUNTS, render_listing
from web.dashboard.pages import build_blueprint
from web.dashboard.views import Trouble

blueprint = build_blueprint("review_pages")

ACTOR: Final = "page"
NOTICES: Final = {"accept": "accepted", "edit": "edited", "reject": "rejected"}


@blueprint.post("/suggestions/<uuid:suggestion_id>/decide")
@access(Access.SESSION)
def decide_field(suggestion_id: uuid.UUID) -> ResponseReturnValue:
    """Accept, edit or reject one field."""
    deps, seller = get_deps(), get_seller()
    suggestion = get_suggestion(deps, seller.id, suggestion_id)
    name, action = request.form.get("field", ""), _read_action()
    try:
        decision = Decision(action=action, text=_read_text("text"), reason=_read_text("reason"))
        decide(deps, seller.id, suggestion_id, {name: decision}, actor=ACTOR)
    except InvalidFieldError as fault:
        page = render_listing(suggestion["listing_id"], trouble=_describe(name, fault))
        return make_response(page, fault.http_status)
    return _back(suggestion["listing_id"], NOTICES[action], anchor=f"field-{name}")


def _read_action() -> Literal["accept", "edit", "reject"]:
    action = request.form.get("action", "")
    if action not in NOTICES:
        raise InvalidFieldError(f"there is no decision {action!r}.", field="action")
    return cast("Literal['accept', 'edit', 'reject']", action)


def _read_text(name: str) -> str:
    """A typed text with plain line breaks (browsers send them in pairs)."""
    text = request.form.get(name, "").replace("\r\n", "\n")
    try:
        return refuse_control(text)
    except ValueError as fault:
        raise InvalidFieldError(f"{fault}.", field=name) from None


def _describe(name: str, fault: InvalidFieldError) -> Trouble:
    return Trouble(
        field=name,
        message=fault.message,
        remedy=fault.remedy,
        text=request.form.get("text", "").replace("\r\n", "\n"),
    )


@blueprint.post("/suggestions/<uuid:suggestion_id>/accept-all")
@access(Access.SESSION)
def accept_all(suggestion_id: uuid.UUID) -> Response:
    """Accept every field that is offered and undecided."""
    deps, seller = get_deps(), get_seller()
    suggestion = get_suggestion(deps, seller.id, suggestion_id)
    decisions = {
        one["field"]: Decision(action="accept")
        for one in suggestion["fields"]
        if one["after"] is not None and one["action"] is None
    }
    decide(deps, seller.id, suggestion_id, decisions, actor=ACTOR)
    return _back(suggestion["listing_id"], "accepted", anchor="suggestion")


@blueprint.post("/suggestions/<uuid:suggestion_id>/undo")
@access(Access.SESSION)
def undo_decisions(suggestion_id: uuid.UUID) -> Response:
    """Take every decision on a suggestion back."""
    found = undo(get_deps(), get_seller().id, suggestion_id, actor=ACTOR)
    return _back(found["listing_id"], "undone", anchor="suggestion")


def _back(listing_id: uuid.UUID, notice: str, *, anchor: str) -> Response:
    forget(COUNTS, get_seller().id)
    address = url_for(
        "listing_pages.show_listing", listing_id=listing_id, notice=notice, _anchor=anchor
    )
    return redirect(address, code=303)
