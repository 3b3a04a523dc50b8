"""The seller's voice: what they want of every text."""

from __future__ import annotations

from typing import Any

from services.voicing import get_voice, put_voice
from web.api.routes import PROBLEM_STATUSES, build_blueprint
from web.api.schemas import VoiceIn, VoiceOut
from web.auth import Access, access
from web.context import get_deps, get_seller

blueprint = build_blueprint("voice", tag="Voice")


@blueprint.get("/voice")
@access(Access.KEY)
@blueprint.output(VoiceOut)
@blueprint.doc(security="key", responses=PROBLEM_STATUSES)
def show_voice() -> dict[str, Any]:
    """Show your voice."""
    return get_voice(get_deps(), get_seller().id).to_json()


@blueprint.put("/voice")
@access(Access.KEY)
@blueprint.input(VoiceIn)
@blueprint.output(VoiceOut)
@blueprint.doc(security="key", responses=PROBLEM_STATUSES)
def replace_voice(json_data: VoiceIn) -> dict[str, Any]:
    """Replace your voice. It holds for what is ordered from now on."""
    wishes = json_data.model_dump(mode="json")
    return put_voice(get_deps(), get_seller().id, wishes).to_json()
