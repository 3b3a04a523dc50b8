"""Suggestions: decide on them field by field, and take decisions back."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, Final, Literal

from services.review import Decision, decide, get_suggestion, undo
from web.api.review_schemas import DecisionsIn, EditIn, RejectIn, SuggestionOut
from web.api.routes import PROBLEM_STATUSES, build_blueprint
from web.auth import Access, access
from web.context import get_deps, get_seller

blueprint = build_blueprint("suggestions", tag="Suggestions")

ACTOR: Final = "api"
_DECIDING: Final = [*PROBLEM_STATUSES, 409]


@blueprint.get("/suggestions/<uuid:suggestion_id>")
@access(Access.KEY)
@blueprint.output(SuggestionOut)
@blueprint.doc(security="key", responses=PROBLEM_STATUSES)
def show_suggestion(suggestion_id: uuid.UUID) -> dict[str, Any]:
    """Show one suggestion."""
    return get_suggestion(get_deps(), get_seller().id, suggestion_id)


@blueprint.post("/suggestions/<uuid:suggestion_id>/decisions")
@access(Access.KEY)
@blueprint.input(DecisionsIn)
@blueprint.output(SuggestionOut)
@blueprint.doc(security="key", responses=_DECIDING)
def decide_suggestion(suggestion_id: uuid.UUID, json_data: DecisionsIn) -> dict[str, Any]:
    """Accept, edit or reject fields of an open suggestion; all of the decisions or none."""
    decisions = build_decisions(json_data.decisions)
    return decide(get_deps(), get_seller().id, suggestion_id, decisions, actor=ACTOR)


def build_decisions(
    sent: Mapping[Any, Literal["accept", "reject"] | EditIn | RejectIn],
) -> dict[str, Decision]:
    """The decisions in the services' words."""
    return {str(name): _build_decision(one) for name, one in sent.items()}


def _build_decision(sent: Literal["accept", "reject"] | EditIn | RejectIn) -> Decision:
    if isinstance(sent, EditIn):
        text = sent.edit if isinstance(sent.edit, str) else tuple(sent.edit)
        return Decision(action="edit", text=text)
    if isinstance(sent, RejectIn):
        return Decision(action="reject", reason=sent.reject)
    return Decision(action=sent)


@blueprint.post("/suggestions/<uuid:suggestion_id>/undo")
@access(Access.KEY)
@blueprint.output(SuggestionOut)
@blueprint.doc(security="key", responses=_DECIDING)
def undo_suggestion(suggestion_id: uuid.UUID) -> dict[str, Any]:
    """Take all decisions on a suggestion back; the listing has its former text again."""
    return undo(get_deps(), get_seller().id, suggestion_id, actor=ACTOR)
