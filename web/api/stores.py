"""A seller's stores: the rules they override in each, and their voice there."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BaseModel, Field

from core.errors import NotFoundError
from domain.listing import Channel
from domain.marketplaces.mutes import MAX_MUTES, MAX_REASON_CHARS, Mute, list_mutable
from services.muting import get_mutes, put_mutes
from services.voicing import StoreVoice, get_store_voice, put_store_voice
from web.api.routes import PROBLEM_STATUSES, build_blueprint
from web.api.schemas import Input, StoreVoiceIn, StoreVoiceOut, Text
from web.auth import Access, access
from web.context import get_deps, get_seller

blueprint = build_blueprint("stores", tag="Stores")


class MuteIn(Input):
    """One rule that does not hold in this store, and why; ``since`` is ours and not read."""

    rule: Text
    reason: Text = Field(description=f"One line of at most {MAX_REASON_CHARS} characters.")
    since: dt.date | None = None


class MutesIn(Input):
    """All rules that do not hold in this store; those left out hold again."""

    mutes: Annotated[list[MuteIn], Field(max_length=MAX_MUTES)]


class MuteOut(BaseModel):
    """One muted rule."""

    rule: str
    reason: str
    since: dt.date


class MutesOut(BaseModel):
    """The muted rules of a store, and all rules of its channel that may be."""

    channel: str
    mutes: list[MuteOut]
    mutable: list[str]


@blueprint.get("/stores/<channel>/mutes")
@access(Access.KEY)
@blueprint.output(MutesOut)
@blueprint.doc(security="key", responses=PROBLEM_STATUSES)
def show_mutes(channel: str) -> dict[str, Any]:
    """Show which rules you muted on a channel."""
    known = _require_channel(channel)
    return _show(known, get_mutes(get_deps(), get_seller().id, known))


@blueprint.put("/stores/<channel>/mutes")
@access(Access.KEY)
@blueprint.input(MutesIn)
@blueprint.output(MutesOut)
@blueprint.doc(security="key", responses=PROBLEM_STATUSES)
def replace_mutes(channel: str, json_data: MutesIn) -> dict[str, Any]:
    """Replace what is muted on a channel. Your listings there are measured anew."""
    known = _require_channel(channel)
    wanted = [{"rule": one.rule, "reason": one.reason} for one in json_data.mutes]
    return _show(known, put_mutes(get_deps(), get_seller().id, known, wanted))


@blueprint.get("/stores/<channel>/voice")
@access(Access.KEY)
@blueprint.output(StoreVoiceOut)
@blueprint.doc(security="key", responses=PROBLEM_STATUSES)
def show_store_voice(channel: str) -> dict[str, Any]:
    """Show what you want of the texts of one store."""
    known = _require_channel(channel)
    return _show_voice(known, get_store_voice(get_deps(), get_seller().id, known))


@blueprint.put("/stores/<channel>/voice")
@access(Access.KEY)
@blueprint.input(StoreVoiceIn)
@blueprint.output(StoreVoiceOut)
@blueprint.doc(security="key", responses=PROBLEM_STATUSES)
def replace_store_voice(channel: str, json_data: StoreVoiceIn) -> dict[str, Any]:
    """Replace what you want of the texts of one store, instead of what your voice says."""
    known = _require_channel(channel)
    wishes = json_data.model_dump(mode="json", exclude_none=True)
    return _show_voice(known, put_store_voice(get_deps(), get_seller().id, known, wishes))


def _show_voice(channel: str, said: StoreVoice) -> dict[str, Any]:
    return {"channel": channel, "wishes": dict(said.wishes), "voice": said.voice.to_json()}


def _require_channel(name: str) -> str:
    if name not in list(Channel):
        raise NotFoundError(
            f"there is no channel {name!r}.",
            remedy=f"Use one of: {', '.join(Channel)}.",
        )
    return name


def _show(channel: str, mutes: Sequence[Mute]) -> dict[str, Any]:
    shown = [one.to_json() for one in mutes]
    return {"channel": channel, "mutes": shown, "mutable": list_mutable(channel)}
