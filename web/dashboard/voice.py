"""What a seller wants of their texts, everywhere or on one channel, and what they mute there."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final

from flask import make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from core.errors import InputError, NotFoundError
from domain.listing import TEXT_FIELDS, Channel
from domain.marketplaces.mutes import MAX_REASON_CHARS
from domain.voice import MAX_TONE_CHARS, WISHES
from services.muting import add_mute, get_mutes, remove_mute
from services.rules import list_mutable_rules
from services.voicing import get_store_voice, get_voice, put_store_voice, put_voice
from web.auth import Access, access
from web.cache import forget
from web.context import get_deps, get_seller
from web.dashboard.listings import COUNTS, render_listing
from web.dashboard.pages import build_blueprint, show_page
from web.dashboard.views import Trouble

blueprint = build_blueprint("voice_pages")

MUTING: Final = "mute"
"""What a listing's page calls the form in which muting a rule failed."""

_SEPARATORS: Final = re.compile(r"[\r\n,;]+")


@blueprint.get("/voice")
@access(Access.SESSION)
def show_voice() -> str:
    """Show the voice; ``?channel=`` that of one store, with the rules muted there."""
    return _render(_read_channel(request.args.get("channel", "")))


def _read_channel(name: str) -> str:
    if name and name not in list(Channel):
        raise NotFoundError("there is no such channel.", field="channel")
    return name


def _render(channel: str, *, fault: InputError | None = None, muting: bool = False) -> str:
    """The page; after a fault with what was typed in the form that was sent."""
    deps, seller = get_deps(), get_seller()
    store = get_store_voice(deps, seller.id, channel) if channel else None
    voice = store.voice if store else get_voice(deps, seller.id)
    own = set(store.wishes) if store else set(WISHES)
    typed = voice.to_json()
    if fault and not muting:
        typed = _read_all(request.form)
        own = set(request.form.getlist("own")) if channel else own
    return show_page(
        "voice.html",
        channel=channel,
        channels=list(Channel),
        voice=typed,
        own=own,
        fields=TEXT_FIELDS,
        mutes=get_mutes(deps, seller.id, channel) if channel else (),
        mutable=list_mutable_rules(channel) if channel else (),
        fault=fault,
        muting=muting,
        sent=request.form if muting else {},
        max_tone_chars=MAX_TONE_CHARS,
        max_reason_chars=MAX_REASON_CHARS,
    )


def _read_all(form: MultiDict[str, str]) -> dict[str, Any]:
    words = {name: split_words(form.get(name, "")) for name in WISHES if name != "tone"}
    tone = form.get("tone", "").strip()
    return {**words, "tone": tone, "locks": form.getlist("locks")}


def split_words(text: str) -> list[str]:
    """Words typed one to a line, or with commas between them."""
    return [word.strip() for word in _SEPARATORS.split(text) if word.strip()]


@blueprint.post("/voice")
@access(Access.SESSION)
def save_voice() -> ResponseReturnValue:
    """Replace the voice for all stores."""
    try:
        put_voice(get_deps(), get_seller().id, _read_all(request.form))
    except InputError as fault:
        return make_response(_render("", fault=fault), fault.http_status)
    return redirect(url_for("voice_pages.show_voice", notice="voice_saved"), code=303)


@blueprint.post("/stores/<channel>/voice")
@access(Access.SESSION)
def save_store_voice(channel: str) -> ResponseReturnValue:
    """Replace what is wished for on one channel: what is ticked as its own."""
    known = _read_channel(channel)
    said = _read_all(request.form)
    wishes = {name: said[name] for name in request.form.getlist("own") if name in said}
    try:
        put_store_voice(get_deps(), get_seller().id, known, wishes)
    except InputError as fault:
        return make_response(_render(known, fault=fault), fault.http_status)
    address = url_for("voice_pages.show_voice", channel=known, notice="voice_saved")
    return redirect(address, code=303)


@blueprint.post("/stores/<channel>/mute")
@access(Access.SESSION)
def mute(channel: str) -> ResponseReturnValue:
    """Mute a rule on a channel, from the page of the voice or of a listing."""
    known, listing_id = _read_channel(channel), _read_listing_id()
    rule, reason = request.form.get("rule", ""), request.form.get("reason", "")
    try:
        add_mute(get_deps(), get_seller().id, known, rule=rule, reason=reason)
    except InputError as fault:
        if listing_id is None:
            page = _render(known, fault=fault, muting=True)
        else:
            page = render_listing(listing_id, trouble=_describe(fault, reason))
        return make_response(page, fault.http_status)
    return _back(known, listing_id, notice="muted")


@blueprint.post("/stores/<channel>/unmute")
@access(Access.SESSION)
def unmute(channel: str) -> Response:
    """Let a rule hold again."""
    known, listing_id = _read_channel(channel), _read_listing_id()
    remove_mute(get_deps(), get_seller().id, known, rule=request.form.get("rule", ""))
    return _back(known, listing_id, notice="unmuted")


def _read_listing_id() -> uuid.UUID | None:
    try:
        return uuid.UUID(request.form.get("listing_id", ""))
    except ValueError:
        return None


def _describe(fault: InputError, reason: str) -> Trouble:
    return Trouble(field=MUTING, message=fault.message, remedy=fault.remedy, text=reason)


def _back(channel: str, listing_id: uuid.UUID | None, *, notice: str) -> Response:
    forget(COUNTS, get_seller().id)
    if listing_id is None:
        address = url_for("voice_pages.show_voice", channel=channel, notice=notice, _anchor="mutes")
    else:
        address = url_for(
            "listing_pages.show_listing", listing_id=listing_id, notice=notice, _anchor="findings"
        )
    return redirect(address, code=303)


def build_own_wishes(form: Mapping[str, str]) -> dict[str, Any]:
    """The wishes for one file as its form has them: only what was filled in."""
    words = {name: split_words(form.get(f"voice_{name}", "")) for name in _OF_A_FILE}
    tone = form.get("voice_tone", "").strip()
    return {
        **{name: found for name, found in words.items() if found},
        **({"tone": tone} if tone else {}),
    }


_OF_A_FILE: Final[Sequence[str]] = ("keywords", "prefer", "avoid")
